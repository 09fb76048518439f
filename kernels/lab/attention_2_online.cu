/*
 * No scores in memory: one kernel walks over tiles of keys in shared memory with a running maximum and sum of each row
 * (Milakov and Gimelshein 2018, arXiv 1805.02867), its result rescaled where the maximum grows (FlashAttention, Dao et
 * al. 2022, arXiv 2205.14135). Still on the CUDA cores, in fp32. Rows are the (query, head) pairs of a group, so that
 * its heads read keys once.
 *
 * 8 lanes share 4 rows, 16 columns of each in a lane (D = 128): 16 bytes of a key that come from shared memory feed 16
 * multiplications. More rows would take more registers, fewer lanes more loads, more lanes more exchange of sums.
 *
 * Prediction for an H100. A warp multiplies 16 rows with a key and a value: 128 instructions of 32 multiply-adds, 32
 * clocks of a multiprocessor. It loads 8 x 16 bytes a lane, 4 clocks each, and exchanges 12 partial sums, a clock each:
 * 44 clocks of the path to shared memory, 73% of 67 TFLOP/s at best, 49. Exponentials are computed by all 8 lanes
 * alike: 8 clocks of the special function units, beside it. Two warps a scheduler do not hide every latency: 25 to 35
 * TFLOP/s, 6 to 8 ms at [4, 4096, 12, 128]. Memory: q, k, v and out, 117 MB, 0.04 ms; keys and values from L2 for each
 * block of 64 rows, 3.2 GB, 0.6 ms: not noticed.
 */
#include "attention.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int THREADS = 128, LANES = 8;     // of a block; those that share rows
constexpr int OWN = 4;                      // rows of a thread
constexpr int ROWS = THREADS / LANES * OWN; // of a block
constexpr int KEYS = 32, STEP = 4;          // keys of a tile, and those between two looks at the maximum

__device__ __forceinline__ float dot(float4 a, float4 b, float sum) {
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}
__device__ __forceinline__ void add(float4 &sum, float factor, float4 a) {
    sum = {fmaf(factor, a.x, sum.x), fmaf(factor, a.y, sum.y), fmaf(factor, a.z, sum.z), fmaf(factor, a.w, sum.w)};
}
__device__ __forceinline__ void scale(float4 &a, float factor) {
    a = {a.x * factor, a.y * factor, a.z * factor, a.w * factor};
}

/* A head's columns of `count` rows, in fp32; zeros after them, and from column `width` on. */
template <int D, class T>
__device__ __forceinline__ void load_rows(float4 (&tile)[KEYS][D / 4], const T *first, int64_t stride, int count,
                                          int width) {
    constexpr int N = VECTOR<T>;
    for (int i = threadIdx.x; i < KEYS * D / N; i += THREADS) {
        int r = i / (D / N), c = i % (D / N) * N;
        float x[N] = {};
        if (r < count && c < width) load_vector<true>(x, first + r * stride + c);
#pragma unroll
        for (int j = 0; j < N; j += 4) tile[r][(c + j) / 4] = {x[j], x[j + 1], x[j + 2], x[j + 3]};
    }
}

/* D: f.D, or more, where the rest is zeros. Lane x of 8 holds columns 4 x + 32 c .. 4 x + 32 c + 3. */
template <int D, class T> __global__ void __launch_bounds__(THREADS, 2) walk(Forward<T> f, int tiles) {
    __shared__ float4 k[KEYS][D / 4], v[KEYS][D / 4];
    constexpr int C = D / (4 * LANES);
    const Block block = block_of(blockIdx.x, tiles, f.Hkv);
    const it_segment s = f.segments[block.segment];
    const int first = block.tile * ROWS, rows = s.q_len * f.group.size;
    if (first >= rows) return;
    const int x = threadIdx.x % LANES, own = first + threadIdx.x / LANES * OWN;
    const int before = s.k_len - s.q_len; // own keys that all queries see
    const int last_of_block = before + f.group.query(min(first + ROWS, rows) - 1);

    float4 q[OWN][C], out[OWN][C] = {};
    float m[OWN], l[OWN] = {};
    int last[OWN]; // the own key that a row sees last; rows beyond the end are like the last one
#pragma unroll
    for (int i = 0; i < OWN; i++) {
        int row = min(own + i, rows - 1);
        const T *from = f.query(s, block.kv_head, row);
        m[i] = LOWEST;
        last[i] = before + f.group.query(row);
#pragma unroll
        for (int c = 0; c < C; c++) {
            int column = 4 * (x + c * LANES);
            q[i][c] = {};
            if (column < f.D) {
                q[i][c] = {to_float(from[column]), to_float(from[column + 1]), to_float(from[column + 2]),
                           to_float(from[column + 3])};
            }
        }
    }

    KeyTiles<KEYS> keys(s, last_of_block);
    for (int n = 0; n < keys.size; n++) {
        const KeyTile tile = keys[n];
        const int64_t at = tile.first * f.kv_stride + block.kv_head * f.D;
        __syncthreads(); // the tile before may still be read
        load_rows<D>(k, f.k + at, f.kv_stride, tile.count, f.D);
        load_rows<D>(v, f.v + at, f.kv_stride, tile.count, f.D);
        __syncthreads();
        const int end = tile.seen(last_of_block);
        for (int key = 0; key < end; key += STEP) {
            float p[OWN][STEP] = {}; // scores at first
#pragma unroll
            for (int j = 0; j < STEP; j++) {
#pragma unroll
                for (int c = 0; c < C; c++) {
                    float4 b = k[key + j][x + c * LANES];
#pragma unroll
                    for (int i = 0; i < OWN; i++) p[i][j] = dot(q[i][c], b, p[i][j]);
                }
            }
#pragma unroll
            for (int i = 0; i < OWN; i++) {
                float largest = m[i];
#pragma unroll
                for (int j = 0; j < STEP; j++) {
                    p[i][j] = lanes_reduce(p[i][j], LANES, Sum());
                    if (key + j >= tile.seen(last[i])) p[i][j] = LOWEST;
                    largest = fmaxf(largest, p[i][j]);
                }
                if (largest > m[i]) { // seldom, after the first keys
                    float shrink = fast_exp2((m[i] - largest) * f.log2_scale);
                    m[i] = largest;
                    l[i] *= shrink;
#pragma unroll
                    for (int c = 0; c < C; c++) scale(out[i][c], shrink);
                }
#pragma unroll
                for (int j = 0; j < STEP; j++) { // every row has seen a key before it comes to one that it does not see
                    p[i][j] = fast_exp2((p[i][j] - m[i]) * f.log2_scale);
                    l[i] += p[i][j];
                }
            }
#pragma unroll
            for (int j = 0; j < STEP; j++) {
#pragma unroll
                for (int c = 0; c < C; c++) {
                    float4 b = v[key + j][x + c * LANES];
#pragma unroll
                    for (int i = 0; i < OWN; i++) add(out[i][c], p[i][j], b);
                }
            }
        }
    }

#pragma unroll
    for (int i = 0; i < OWN; i++) {
        if (own + i >= rows) continue;
        const int64_t at = f.result(s, block.kv_head, own + i);
        const float factor = 1 / l[i];
#pragma unroll
        for (int c = 0; c < C; c++) {
            int column = 4 * (x + c * LANES);
            scale(out[i][c], factor);
            if (column >= f.D) continue;
            T *to = f.out + at * f.D + column;
            to[0] = from_float<T>(out[i][c].x);
            to[1] = from_float<T>(out[i][c].y);
            to[2] = from_float<T>(out[i][c].z);
            to[3] = from_float<T>(out[i][c].w);
        }
        if (f.lse && x == 0) f.lse[at] = fmaf(m[i], f.scale, logf(l[i]));
    }
}

struct Online {
    template <class T> static int run(const Forward<T> &f, it_stream s) {
        const int tiles = (int)ceil_div(f.max_q * f.group.size, ROWS);
        const unsigned blocks = block_count(f.S, f.Hkv, tiles);
        if (!blocks) return fail(IT_INVALID, "lab", "too many tiles for one call");
        return check(launch(f.D <= 64 ? walk<64, T> : walk<128, T>, dim3(blocks), THREADS, 0, s, f, tiles), "lab");
    }
};

const RegisterAttention step("2 online", "one kernel, keys in shared memory, a running maximum and sum",
                             run_attention<Online>);

} // namespace
} // namespace intuitor::cuda::lab
