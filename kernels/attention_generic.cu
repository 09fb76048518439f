/*
 * Attention for any even head size up to 256, any alignment, fp32 and bf16 storage: forward (decoding is the case of
 * one query), and backward, FlashAttention-2 (Dao 2023, arXiv 2307.08691) in fp32 on the CUDA cores. It is the only
 * path of fp32 storage; bf16 with the usual head sizes takes the tensor cores' (attention_forward.cu,
 * attention_decode.cu, attention_backward.cu).
 *
 * A block keeps TILE rows of its own and walks over tiles of TILE others, all fp32 in shared memory. Thread 8 y + x
 * holds rows y * TILE / 16 .. of its own; of products with the others' rows it holds columns x, x + 8, ...; of results
 * [TILE][D], columns 4 x .. 4 x + 3, 4 x + 32 ... So a row is complete in 8 neighbouring lanes, and what they write for
 * each other needs no barrier of the block.
 *
 * The head size is runtime: COLUMNS >= D bounds the registers.
 */
#include "attention.cuh"

namespace intuitor::cuda::attention {

namespace {

constexpr int THREADS = 128, X = 8, Y = THREADS / X;

template <int TILE> constexpr int ROWS = TILE / Y;   // own rows of a thread
template <int TILE> constexpr int OTHERS = TILE / X; // columns of a product
template <int TILE> constexpr int P_LD = TILE + 4;   // row length of a product in shared memory: no bank conflicts

/* Row length of a tile in shared memory: 8 rows that are read 16 bytes each lie in different banks. */
__host__ __device__ inline int row_length(int D) { return (D + 31) / 32 * 32 + 4; }

__device__ __forceinline__ int x() { return threadIdx.x % X; }
__device__ __forceinline__ int y() { return threadIdx.x / X; }

/* tile [TILE][ld] = rows, in fp32; row(i) is the address of row i, or null for zeros. */
template <int TILE, class T, class Row>
__device__ __forceinline__ void load_tile(float *tile, int ld, int D, bool vectors, Row row) {
    constexpr int N = VECTOR<T>;
    if (vectors) {
        int per_row = D / N;
        for (int i = threadIdx.x; i < TILE * per_row; i += THREADS) {
            int r = i / per_row, c = i % per_row * N;
            float values[N] = {};
            if (const T *p = row(r)) load_vector<true>(values, p + c);
#pragma unroll
            for (int j = 0; j < N; j += 4) {
                *(float4 *)(tile + r * ld + c + j) = {values[j], values[j + 1], values[j + 2], values[j + 3]};
            }
        }
    } else {
        int padded = (D + 3) / 4 * 4;
        for (int i = threadIdx.x; i < TILE * padded; i += THREADS) {
            int r = i / padded, c = i % padded;
            const T *p = row(r);
            tile[r * ld + c] = p && c < D ? to_float(p[c]) : 0;
        }
    }
}

/* products[i][j] = (own row i) . (other row x + 8 j) */
template <int TILE>
__device__ __forceinline__ void multiply(float (&products)[ROWS<TILE>][OTHERS<TILE>], const float *own,
                                         const float *others, int ld, int D) {
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
#pragma unroll
        for (int j = 0; j < OTHERS<TILE>; j++) products[i][j] = 0;
    }
    own += y() * ROWS<TILE> * ld;
    others += x() * ld;
    for (int d = 0; d < D; d += 4) {
        float4 a[ROWS<TILE>];
#pragma unroll
        for (int i = 0; i < ROWS<TILE>; i++) a[i] = *(const float4 *)(own + i * ld + d);
#pragma unroll
        for (int j = 0; j < OTHERS<TILE>; j++) {
            float4 b = *(const float4 *)(others + j * X * ld + d);
#pragma unroll
            for (int i = 0; i < ROWS<TILE>; i++) {
                float sum = products[i][j];
                sum = fmaf(a[i].x, b.x, sum);
                sum = fmaf(a[i].y, b.y, sum);
                sum = fmaf(a[i].z, b.z, sum);
                products[i][j] = fmaf(a[i].w, b.w, sum);
            }
        }
    }
}

/* Puts the thread's products where the lanes of its rows find them: p [TILE][P_LD]. */
template <int TILE>
__device__ __forceinline__ void publish(float *p, const float (&products)[ROWS<TILE>][OTHERS<TILE>]) {
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
#pragma unroll
        for (int j = 0; j < OTHERS<TILE>; j++) {
            p[(y() * ROWS<TILE> + i) * P_LD<TILE> + x() + j * X] = products[i][j];
        }
    }
}

/* result [TILE][D] += p [TILE][TILE] others [TILE][D], after publish() and a barrier of the warp. */
template <int TILE, int COLUMNS>
__device__ __forceinline__ void add_product(float (&result)[ROWS<TILE>][COLUMNS / X], const float *p,
                                            const float *others, int ld, int D) {
    for (int n = 0; n < TILE; n++) {
        float a[ROWS<TILE>];
#pragma unroll
        for (int i = 0; i < ROWS<TILE>; i++) a[i] = p[(y() * ROWS<TILE> + i) * P_LD<TILE> + n];
#pragma unroll
        for (int j = 0; j < COLUMNS / X; j += 4) {
            int c = 4 * x() + j * X;
            if (c >= D) continue;
            float4 b = *(const float4 *)(others + n * ld + c);
#pragma unroll
            for (int i = 0; i < ROWS<TILE>; i++) {
                result[i][j] = fmaf(a[i], b.x, result[i][j]);
                result[i][j + 1] = fmaf(a[i], b.y, result[i][j + 1]);
                result[i][j + 2] = fmaf(a[i], b.z, result[i][j + 2]);
                result[i][j + 3] = fmaf(a[i], b.w, result[i][j + 3]);
            }
        }
    }
}

/* One row of a result times a factor. */
template <class T, int N>
__device__ __forceinline__ void store_row(T *row, const float (&result)[N], float factor, int D) {
#pragma unroll
    for (int j = 0; j < N; j++) {
        int c = 4 * x() + j / 4 * 4 * X + j % 4;
        if (c < D) row[c] = from_float<T>(result[j] * factor);
    }
}

template <class T, int TILE, int COLUMNS>
__global__ void __launch_bounds__(THREADS, 4) forward_kernel(PagedForward<T> f, int tiles, bool vectors) {
    Block block = block_of(blockIdx.x, tiles, f.Hkv);
    const it_segment s = f.segments[block.segment];
    int first = block.tile * TILE, rows = s.q_len * f.group.size, ld = row_length(f.D);
    if (first >= rows) return;
    float *q = dynamic_shared<float>(), *k = q + TILE * ld, *v = k + TILE * ld, *p = v + TILE * ld;
    load_tile<TILE, T>(q, ld, f.D, vectors, [&](int r) {
        return first + r < rows ? f.query(s, block.kv_head, first + r) : nullptr;
    });
    float m[ROWS<TILE>], l[ROWS<TILE>], out[ROWS<TILE>][COLUMNS / X] = {};
    int last[ROWS<TILE>]; // the own key that a row sees last; rows beyond the end are like the last one
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
        m[i] = LOWEST;
        l[i] = 0;
        last[i] = s.k_len - s.q_len + f.group.query(min(first + y() * ROWS<TILE> + i, rows - 1));
    }
    KeyTiles<TILE> keys(s, s.k_len - s.q_len + f.group.query(min(first + TILE, rows) - 1));
    for (int n = 0; n < keys.size; n++) {
        KeyTile tile = keys[n];
        __syncthreads(); // the tile before may still be read
        auto row = [&](const T *matrix) {
            return [=](int r) {
                return r < tile.count
                           ? matrix + f.cache_row(tile.first + r) * f.kv_stride + block.kv_head * f.D
                           : nullptr;
            };
        };
        load_tile<TILE, T>(k, ld, f.D, vectors, row(f.k));
        load_tile<TILE, T>(v, ld, f.D, vectors, row(f.v));
        __syncthreads();
        float score[ROWS<TILE>][OTHERS<TILE>];
        multiply<TILE>(score, q, k, ld, f.D);
#pragma unroll
        for (int i = 0; i < ROWS<TILE>; i++) {
            int seen = tile.seen(last[i]);
            float largest = m[i], sum = 0;
#pragma unroll
            for (int j = 0; j < OTHERS<TILE>; j++) {
                score[i][j] = x() + j * X < seen ? score[i][j] * f.scale : LOWEST;
                largest = fmaxf(largest, score[i][j]);
            }
            largest = lanes_reduce(largest, X, Max());
#pragma unroll
            for (int j = 0; j < OTHERS<TILE>; j++) {
                // every row has seen a key before it comes to a tile of which it sees none: `largest` is a score
                score[i][j] = expf(score[i][j] - largest);
                sum += score[i][j];
            }
            float shrink = expf(m[i] - largest);
            l[i] = fmaf(l[i], shrink, lanes_reduce(sum, X, Sum()));
            m[i] = largest;
#pragma unroll
            for (int j = 0; j < COLUMNS / X; j++) out[i][j] *= shrink;
        }
        publish<TILE>(p, score);
        __syncwarp();
        add_product<TILE, COLUMNS>(out, p, v, ld, f.D);
    }
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
        int r = first + y() * ROWS<TILE> + i;
        if (r >= rows) continue;
        int64_t at = f.result(s, block.kv_head, r);
        store_row(f.out + at * f.D, out[i], 1 / l[i], f.D);
        if (f.lse && x() == 0) f.lse[at] = m[i] + logf(l[i]);
    }
}

/* At most 1: with scores so large that a last bit of lse is a factor of many, still finite. A NaN stays. */
__device__ __forceinline__ float probability(float score, float lse) {
    return expf(score - lse > 0 ? 0 : score - lse);
}

/* dq: a block of rows walks over its keys. */
template <class T, int TILE, int COLUMNS>
__global__ void __launch_bounds__(THREADS, 3) dq_kernel(Backward<T> b, int tiles, bool vectors) {
    Block block = block_of(blockIdx.x, tiles, b.Hkv);
    const it_segment s = b.segments[block.segment];
    int first = block.tile * TILE, rows = s.q_len * b.group.size, ld = row_length(b.D);
    if (first >= rows) return;
    float *q = dynamic_shared<float>(), *dout = q + TILE * ld, *k = dout + TILE * ld, *v = k + TILE * ld,
          *ds = v + TILE * ld;
    load_tile<TILE, T>(q, ld, b.D, vectors, [&](int r) {
        return first + r < rows ? b.qkv + b.query(s, block.kv_head, first + r) : nullptr;
    });
    load_tile<TILE, T>(dout, ld, b.D, vectors, [&](int r) {
        return first + r < rows ? b.dout + b.result(s, block.kv_head, first + r) * b.D : nullptr;
    });
    float lse[ROWS<TILE>], delta[ROWS<TILE>], dq[ROWS<TILE>][COLUMNS / X] = {};
    int last[ROWS<TILE>];
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
        int r = min(first + y() * ROWS<TILE> + i, rows - 1);
        last[i] = b.group.query(r);
        lse[i] = b.lse[b.result(s, block.kv_head, r)];
        delta[i] = b.delta[b.result(s, block.kv_head, r)];
    }
    KeyTiles<TILE> keys(s, b.group.query(min(first + TILE, rows) - 1));
    for (int n = 0; n < keys.size; n++) {
        KeyTile tile = keys[n];
        __syncthreads(); // the tile before may still be read
        load_tile<TILE, T>(k, ld, b.D, vectors, [&](int r) {
            return r < tile.count ? b.qkv + b.key(tile.first + r, block.kv_head) : nullptr;
        });
        load_tile<TILE, T>(v, ld, b.D, vectors, [&](int r) {
            return r < tile.count ? b.qkv + b.value(tile.first + r, block.kv_head) : nullptr;
        });
        __syncthreads();
        float p[ROWS<TILE>][OTHERS<TILE>], dp[ROWS<TILE>][OTHERS<TILE>];
        multiply<TILE>(p, q, k, ld, b.D);
        multiply<TILE>(dp, dout, v, ld, b.D);
#pragma unroll
        for (int i = 0; i < ROWS<TILE>; i++) {
            int seen = tile.seen(last[i]);
#pragma unroll
            for (int j = 0; j < OTHERS<TILE>; j++) {
                bool visible = x() + j * X < seen;
                dp[i][j] = visible ? probability(p[i][j] * b.scale, lse[i]) * (dp[i][j] - delta[i]) : 0;
            }
        }
        publish<TILE>(ds, dp);
        __syncwarp();
        add_product<TILE, COLUMNS>(dq, ds, k, ld, b.D);
    }
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
        int r = first + y() * ROWS<TILE> + i;
        if (r < rows) store_row(b.dqkv + b.query(s, block.kv_head, r), dq[i], b.scale, b.D);
    }
}

/* dk and dv: a block of a segment's own keys walks over the rows that see them, segment after segment. */
template <class T, int TILE, int COLUMNS>
__global__ void __launch_bounds__(THREADS, 2) dkv_kernel(Backward<T> b, int tiles, bool vectors) {
    Block block = block_of(blockIdx.x, tiles, b.Hkv);
    Contributors from = contributors<THREADS>(block.segment, b.segments, b.families, b.NF);
    if (from.none) return;
    const it_segment own = b.segments[from.segment];
    // the first keys of a segment are seen by the most rows: the longest work first
    int first = (tiles - 1 - block.tile) * TILE, count = min(TILE, own.k_len - first), ld = row_length(b.D);
    if (count <= 0) return;
    int64_t first_key = (int64_t)own.k_start + first;
    float *k = dynamic_shared<float>(), *v = k + TILE * ld, *q = v + TILE * ld, *dout = q + TILE * ld,
          *p = dout + TILE * ld, *ds = p + TILE * P_LD<TILE>;
    load_tile<TILE, T>(k, ld, b.D, vectors, [&](int r) {
        return r < count ? b.qkv + b.key(first_key + r, block.kv_head) : nullptr;
    });
    load_tile<TILE, T>(v, ld, b.D, vectors, [&](int r) {
        return r < count ? b.qkv + b.value(first_key + r, block.kv_head) : nullptr;
    });
    float dk[ROWS<TILE>][COLUMNS / X] = {}, dv[ROWS<TILE>][COLUMNS / X] = {};
    for (int64_t n = from.segment; n < from.end; n++) {
        bool self = n == from.segment;
        const it_segment s = self ? own : b.segments[n];
        // of a sibling, all rows see keys begin .. end - 1 of this block; of its own segment, rows from `begin` on
        int64_t begin = self ? 0 : s.prefix_start - first_key, end = self ? TILE : begin + s.prefix_len;
        if (begin >= count || end <= 0) continue;
        int rows = s.q_len * b.group.size;
        for (int row = self ? first * b.group.size / TILE * TILE : 0; row < rows; row += TILE) {
            __syncthreads(); // the tile before may still be read
            load_tile<TILE, T>(q, ld, b.D, vectors, [&](int r) {
                return row + r < rows ? b.qkv + b.query(s, block.kv_head, row + r) : nullptr;
            });
            load_tile<TILE, T>(dout, ld, b.D, vectors, [&](int r) {
                return row + r < rows ? b.dout + b.result(s, block.kv_head, row + r) * b.D : nullptr;
            });
            __syncthreads();
            float pt[ROWS<TILE>][OTHERS<TILE>], dpt[ROWS<TILE>][OTHERS<TILE>];
            multiply<TILE>(pt, k, q, ld, b.D);
            multiply<TILE>(dpt, v, dout, ld, b.D);
#pragma unroll
            for (int j = 0; j < OTHERS<TILE>; j++) {
                int r = row + x() + j * X;
                int64_t at = b.result(s, block.kv_head, min(r, rows - 1));
                float lse = b.lse[at], delta = b.delta[at];
#pragma unroll
                for (int i = 0; i < ROWS<TILE>; i++) {
                    int key = y() * ROWS<TILE> + i;
                    bool visible = r < rows && (self ? first + key <= b.group.query(r) : key >= begin && key < end);
                    pt[i][j] = visible ? probability(pt[i][j] * b.scale, lse) : 0;
                    dpt[i][j] = pt[i][j] * (dpt[i][j] - delta);
                }
            }
            publish<TILE>(p, pt);
            publish<TILE>(ds, dpt);
            __syncwarp();
            add_product<TILE, COLUMNS>(dv, p, dout, ld, b.D);
            add_product<TILE, COLUMNS>(dk, ds, q, ld, b.D);
        }
    }
#pragma unroll
    for (int i = 0; i < ROWS<TILE>; i++) {
        int r = y() * ROWS<TILE> + i;
        if (r >= count) continue;
        store_row(b.dqkv + b.key(first_key + r, block.kv_head), dk[i], b.scale, b.D);
        store_row(b.dqkv + b.value(first_key + r, block.kv_head), dv[i], 1, b.D);
    }
}

/* Shared memory: tiles of rows and products of tiles. */
template <int TILE> size_t shared_bytes(int D, int tiles, int products) {
    return sizeof(float) * TILE * (size_t)(tiles * row_length(D) + products * P_LD<TILE>);
}

template <class T, int TILE, int COLUMNS> int run_forward(const PagedForward<T> &f, const char *function, it_stream s) {
    bool vectors = aligned<T>(f.D, (it_addr)f.q, (it_addr)f.k, (it_addr)f.v) && f.q_stride % VECTOR<T> == 0 &&
                   f.kv_stride % VECTOR<T> == 0;
    int tiles = (int)ceil_div(f.max_q * f.group.size, TILE);
    unsigned blocks = block_count(f.S, f.Hkv, tiles);
    if (!blocks) return fail(IT_INVALID, function, "too many tiles for one call");
    return check(launch(forward_kernel<T, TILE, COLUMNS>, dim3(blocks), THREADS, shared_bytes<TILE>(f.D, 3, 1), s, f,
                        tiles, vectors), function);
}

template <class T, int TILE, int COLUMNS> int run_backward(const Backward<T> &b, it_stream s) {
    bool vectors = aligned<T>(b.D, (it_addr)b.qkv, (it_addr)b.dout);
    int q_tiles = (int)ceil_div(b.max_q * b.group.size, TILE), k_tiles = (int)ceil_div(b.max_q, TILE);
    unsigned q_blocks = block_count(b.S, b.Hkv, q_tiles), k_blocks = block_count(b.NF + b.S, b.Hkv, k_tiles);
    if (!q_blocks || !k_blocks) return fail(IT_INVALID, "attention_backward", "too many tiles for one call");
    if (int status = check(launch(dkv_kernel<T, TILE, COLUMNS>, dim3(k_blocks), THREADS,
                                  shared_bytes<TILE>(b.D, 4, 2), s, b, k_tiles, vectors), "attention_backward")) {
        return status;
    }
    return check(launch(dq_kernel<T, TILE, COLUMNS>, dim3(q_blocks), THREADS, shared_bytes<TILE>(b.D, 4, 1), s, b,
                        q_tiles, vectors), "attention_backward");
}

} // namespace

template <class T> int generic_forward(const PagedForward<T> &f, const char *function, it_stream s) {
    return f.D <= 64    ? run_forward<T, 32, 64>(f, function, s)
           : f.D <= 128 ? run_forward<T, 32, 128>(f, function, s)
                        : run_forward<T, 16, 256>(f, function, s);
}
template <class T> int generic_backward(const Backward<T> &b, it_stream s) {
    return b.D <= 64    ? run_backward<T, 32, 64>(b, s)
           : b.D <= 128 ? run_backward<T, 32, 128>(b, s)
                        : run_backward<T, 16, 256>(b, s);
}

template int generic_forward(const PagedForward<float> &, const char *, it_stream);
template int generic_forward(const PagedForward<bf16> &, const char *, it_stream);
template int generic_backward(const Backward<float> &, it_stream);
template int generic_backward(const Backward<bf16> &, it_stream);

} // namespace intuitor::cuda::attention
