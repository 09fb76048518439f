/*
 * Attention, backward, for packed training batches whose segments share prefixes by families.
 *
 * FlashAttention-2 (Dao 2023, arXiv 2307.08691), algorithm 2: with s = scale q k^T and lse from the forward pass,
 *     P = exp(s - lse)            recomputed, so that no [T, T] matrix is kept
 *     dV = P^T dO,  dP = dO V^T,  delta = rowsum(dO * O)
 *     dS = P * (dP - delta)
 *     dQ = scale dS K,  dK = scale dS^T Q.
 * dK and dV come from blocks of keys that walk over rows, dQ from blocks of rows that walk over keys: S and dP are
 * computed twice (7 products instead of 5), but nothing is added by two blocks, so there are no atomics, no partial
 * results in memory, and the bits are always the same. Rows of all heads of a group are walked over together, and of
 * all segments of a family where a prefix is concerned, in order.
 *
 * bf16, head sizes 64 and 128, on the tensor cores. The block of keys computes S^T and dP^T, the block of rows S and
 * dP: either way what a warp has of P and dS is, rounded to bf16, the first operand of its next product, and never
 * leaves its registers. Copies of the next rows (keys) run while a block computes.
 */
#include "attention_mma.cuh"

namespace intuitor::cuda {

using namespace attention;

namespace {

constexpr int THREADS = 128;

/* At most 1: with scores so large that a last bit of lse is a factor of many, still finite. A NaN stays. lse in powers
   of two. */
__device__ __forceinline__ float probability(float product, float log2_scale, float lse) {
    float x = fmaf(product, log2_scale, -lse);
    return fast_exp2(x > 0 ? 0 : x);
}

/* sums [16][8 N] += a others^T, of columns 16 k .. 16 k + 15 of the 16 own rows (a) and of `others` [8 N][D] */
template <int D, int N>
__device__ __forceinline__ void add_row_products(float (&sums)[N][4], const uint32_t (&a)[4], bf16 *others, int at_b,
                                                 int k) {
#pragma unroll
    for (int j = 0; j < N; j += 2) {
        uint32_t b[4];
        load_b<D>(b, others, at_b, 8 * j, k);
        mma_pair(sums[j], sums[j + 1], a, b);
    }
}

/* sums [16][D] += p [16][8 N] others [8 N][D], p rounded to bf16 */
template <int D, int N>
__device__ __forceinline__ void add_product(float (&sums)[D / 8][4], const float (&p)[N][4], bf16 *others, int at_a) {
#pragma unroll
    for (int kk = 0; kk < N / 2; kk++) {
        uint32_t a[4];
        to_operand(a, p[2 * kk], p[2 * kk + 1]);
#pragma unroll
        for (int j = 0; j < D / 16; j++) {
            uint32_t b[4];
            load_b_transposed<D>(b, others, at_a, 16 * kk, j);
            mma_pair(sums[2 * j], sums[2 * j + 1], a, b);
        }
    }
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

constexpr int OWN_KEYS = 64, ROW_STEP = 32;

/* Where a block of keys is on its walk: rows row .. row + ROW_STEP - 1 of segment n, which see the block's keys low ..
   high - 1 (siblings), or those up to their own (the keys' own segment: low 0). */
struct Walk {
    int64_t n;
    it_segment s;
    int row, rows, low, high;
};

/* To the next rows; false at the end. */
__device__ __forceinline__ bool advance(Walk &at, const it_segment *segments, int64_t end, int64_t first_key,
                                        int group) {
    at.row += ROW_STEP;
    while (at.row >= at.rows) {
        if (++at.n >= end) return false;
        at.s = segments[at.n];
        int64_t low = at.s.prefix_start - first_key, high = low + at.s.prefix_len;
        if (low >= OWN_KEYS || high <= 0) continue;
        at.row = 0;
        at.rows = at.s.q_len * group;
        at.low = (int)max(low, (int64_t)0);
        at.high = (int)min(high, (int64_t)OWN_KEYS);
    }
    return true;
}

template <int D> __global__ void __launch_bounds__(THREADS, 2) dkv_kernel(Backward<bf16> b, int tiles) {
    constexpr int N = ROW_STEP / 8;
    Block block = block_of(blockIdx.x, tiles, b.Hkv);
    Contributors from = contributors<THREADS>(block.segment, b.segments, b.families, b.NF);
    if (from.none) return;
    Walk at;
    at.n = from.segment;
    at.s = b.segments[from.segment];
    // the first keys of a segment are seen by the most rows: the longest work first
    int first = (tiles - 1 - block.tile) * OWN_KEYS, count = min(OWN_KEYS, at.s.k_len - first), kv_head = block.kv_head;
    if (count <= 0) return;
    int64_t first_key = (int64_t)at.s.k_start + first;
    at.row = first * b.group.size / ROW_STEP * ROW_STEP;
    at.rows = at.s.q_len * b.group.size;
    at.low = 0;
    at.high = OWN_KEYS;

    bf16 *k = dynamic_shared<bf16>(), *v = k + OWN_KEYS * D, *steps = v + OWN_KEYS * D; // then 2 x (q, dout)
    __shared__ __align__(8) float lse_of[2][ROW_STEP], delta_of[2][ROW_STEP]; // read in pairs; lse in powers of two
    auto copy_step = [&](int stage) {
        bf16 *q = steps + stage * 2 * ROW_STEP * D;
        copy_scattered_rows<D, ROW_STEP, THREADS>(q, at.rows - at.row, threadIdx.x, [&](int r) {
            return b.qkv + b.query(at.s, kv_head, at.row + r);
        });
        copy_scattered_rows<D, ROW_STEP, THREADS>(q + ROW_STEP * D, at.rows - at.row, threadIdx.x, [&](int r) {
            return b.dout + b.result(at.s, kv_head, at.row + r) * D;
        });
        cp_async_commit();
    };
    // of row threadIdx.x of the step; rows beyond the end have probability 0
    float lse = INFINITY, delta = 0;
    auto load_sums = [&]() {
        lse = INFINITY, delta = 0;
        if (threadIdx.x < ROW_STEP && at.row + (int)threadIdx.x < at.rows) {
            int64_t i = b.result(at.s, kv_head, at.row + threadIdx.x);
            lse = b.lse[i], delta = b.delta[i];
        }
    };
    auto store_sums = [&](int stage) {
        if (threadIdx.x < ROW_STEP) {
            lse_of[stage][threadIdx.x] = lse * (float)LOG2_E;
            delta_of[stage][threadIdx.x] = delta;
        }
    };
    copy_rows<D, OWN_KEYS, THREADS>(k, b.qkv + b.key(first_key, kv_head), b.width(), count, threadIdx.x);
    copy_rows<D, OWN_KEYS, THREADS>(v, b.qkv + b.value(first_key, kv_head), b.width(), count, threadIdx.x);
    copy_step(0);
    load_sums();
    store_sums(0);

    float dk[D / 8][4] = {}, dv[D / 8][4] = {};
    int at_a = lane_a<D>(), at_b = lane_b<D>(), own = 16 * warp();
    bool more = true;
    for (int now = 0; more; now ^= 1) {
        // which of the keys these rows see
        bool self = at.n == from.segment;
        int row = at.row, low = at.low, high = at.high;
        bool masked = self ? b.group.query(row) < first + OWN_KEYS - 1 : low > 0 || high < OWN_KEYS;
        cp_async_wait<0>();
        __syncthreads(); // this step's rows are there, and nobody reads those before any more
        more = advance(at, b.segments, from.end, first_key, b.group.size);
        if (more) {
            copy_step(now ^ 1);
            load_sums();
        }
        bf16 *q = steps + now * 2 * ROW_STEP * D, *dout = q + ROW_STEP * D;
        float p[N][4] = {}, ds[N][4] = {};
#pragma unroll(D / 32)
        for (int kk = 0; kk < D / 16; kk++) {
            uint32_t a[4];
            load_a<D>(a, k, at_a, own, kk);
            add_row_products<D>(p, a, q, at_b, kk);
            load_a<D>(a, v, at_a, own, kk);
            add_row_products<D>(ds, a, dout, at_b, kk);
        }
#pragma unroll
        for (int j = 0; j < N; j++) {
            int column = 8 * j + lane() % 4 * 2;
            float2 lse2 = *(const float2 *)&lse_of[now][column], delta2 = *(const float2 *)&delta_of[now][column];
#pragma unroll
            for (int e = 0; e < 4; e++) {
                p[j][e] = probability(p[j][e], b.log2_scale, e % 2 ? lse2.y : lse2.x);
            }
            if (masked) {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    int key = own + lane() / 4 + e / 2 * 8;
                    bool seen = self ? first + key <= b.group.query(row + column + e % 2) : key >= low && key < high;
                    if (!seen) p[j][e] = 0;
                }
            }
#pragma unroll
            for (int e = 0; e < 4; e++) ds[j][e] = p[j][e] * (ds[j][e] - (e % 2 ? delta2.y : delta2.x));
        }
        add_product<D>(dv, p, dout, at_a);
        add_product<D>(dk, ds, q, at_a);
        if (more) store_sums(now ^ 1);
    }
    // a warp's own rows of the keys' and values' tiles are read by no other
    __syncwarp();
    put_rows<D>(k, own, dk, b.scale, b.scale);
    put_rows<D>(v, own, dv, 1, 1);
    __syncwarp();
    write_rows<D, 16>(k, own, [&](int r) {
        return own + r < count ? b.dqkv + b.key(first_key + own + r, kv_head) : nullptr;
    });
    write_rows<D, 16>(v, own, [&](int r) {
        return own + r < count ? b.dqkv + b.value(first_key + own + r, kv_head) : nullptr;
    });
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

constexpr int OWN_ROWS = 64, KEY_STEP = 32;

template <int D> __global__ void __launch_bounds__(THREADS, 2) dq_kernel(Backward<bf16> b, int tiles) {
    constexpr int N = KEY_STEP / 8, K = D / 16;
    Block block = block_of(blockIdx.x, tiles, b.Hkv);
    const it_segment s = b.segments[block.segment];
    int first = block.tile * OWN_ROWS, rows = s.q_len * b.group.size, kv_head = block.kv_head;
    if (first >= rows) return;
    KeyTiles<KEY_STEP> keys(s, b.group.query(min(first + OWN_ROWS, rows) - 1));
    bf16 *steps = dynamic_shared<bf16>(); // 2 x (k, v); before that, the rows' q and dout
    static_assert(4 * KEY_STEP == 2 * OWN_ROWS);
    int at_a = lane_a<D>(), at_b = lane_b<D>(), own = 16 * warp();

    uint32_t q[K][4], dout[K][4];
    copy_scattered_rows<D, OWN_ROWS, THREADS>(steps, rows - first, threadIdx.x,
                                              [&](int r) { return b.qkv + b.query(s, kv_head, first + r); });
    copy_scattered_rows<D, OWN_ROWS, THREADS>(steps + OWN_ROWS * D, rows - first, threadIdx.x, [&](int r) {
        return b.dout + b.result(s, kv_head, first + r) * D;
    });
    float lse[2], delta[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int64_t i = b.result(s, kv_head, min(first + own + lane() / 4 + 8 * half, rows - 1));
        lse[half] = b.lse[i] * (float)LOG2_E;
        delta[half] = b.delta[i];
    }
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
#pragma unroll
    for (int kk = 0; kk < K; kk++) {
        load_a<D>(q[kk], steps, at_a, own, kk);
        load_a<D>(dout[kk], steps + OWN_ROWS * D, at_a, own, kk);
    }
    __syncthreads(); // keys take their place

    auto copy_step = [&](int n, int stage) {
        KeyTile tile = keys[n];
        bf16 *k = steps + stage * 2 * KEY_STEP * D;
        const bf16 *from = b.qkv + b.key(tile.first, kv_head);
        copy_rows<D, KEY_STEP, THREADS>(k, from, b.width(), tile.count, threadIdx.x);
        copy_rows<D, KEY_STEP, THREADS>(k + KEY_STEP * D, from + b.Hkv * D, b.width(), tile.count, threadIdx.x);
        cp_async_commit();
    };
    copy_step(0, 0);
    float dq[D / 8][4] = {};
    for (int n = 0; n < keys.size; n++) {
        cp_async_wait<0>();
        __syncthreads(); // these keys are there, and nobody reads those before any more
        if (n + 1 < keys.size) copy_step(n + 1, (n + 1) % 2);
        bf16 *k = steps + n % 2 * 2 * KEY_STEP * D, *v = k + KEY_STEP * D;
        float p[N][4] = {}, ds[N][4] = {};
#pragma unroll
        for (int kk = 0; kk < K; kk++) {
            add_row_products<D>(p, q[kk], k, at_b, kk);
            add_row_products<D>(ds, dout[kk], v, at_b, kk);
        }
#pragma unroll
        for (int j = 0; j < N; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                ds[j][e] = probability(p[j][e], b.log2_scale, lse[e / 2]) * (ds[j][e] - delta[e / 2]);
            }
        }
        KeyTile tile = keys[n];
        if (tile.seen(b.group.query(first)) < KEY_STEP) { // the diagonal, or the last keys
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int row = min(first + own + lane() / 4 + 8 * half, rows - 1);
                int seen = tile.seen(b.group.query(row)) - lane() % 4 * 2;
#pragma unroll
                for (int j = 0; j < N; j++) {
                    if (8 * j >= seen) ds[j][2 * half] = 0;
                    if (8 * j + 1 >= seen) ds[j][2 * half + 1] = 0;
                }
            }
        }
        add_product<D>(dq, ds, k, at_a);
    }
    __syncthreads(); // nobody reads keys any more: their place is the result's
    put_rows<D>(steps, own, dq, b.scale, b.scale);
    __syncwarp();
    write_rows<D, 16>(steps, own, [&](int r) {
        int row = first + own + r;
        return row < rows ? b.dqkv + b.query(s, kv_head, row) : nullptr;
    });
}

template <int D> int tensor_backward(const Backward<bf16> &b, it_stream s) {
    constexpr const char *NAME = "attention_backward";
    int key_tiles = (int)ceil_div(b.max_q, OWN_KEYS), row_tiles = (int)ceil_div(b.max_q * b.group.size, OWN_ROWS);
    unsigned key_blocks = block_count(b.NF + b.S, b.Hkv, key_tiles), row_blocks = block_count(b.S, b.Hkv, row_tiles);
    if (!key_blocks || !row_blocks) return fail(IT_INVALID, NAME, "too many tiles for one call");
    size_t key_bytes = sizeof(bf16) * (2 * OWN_KEYS + 4 * ROW_STEP) * D, row_bytes = sizeof(bf16) * 4 * KEY_STEP * D;
    if (int status = check(launch(dkv_kernel<D>, dim3(key_blocks), THREADS, key_bytes, s, b, key_tiles), NAME)) {
        return status;
    }
    return check(launch(dq_kernel<D>, dim3(row_blocks), THREADS, row_bytes, s, b, row_tiles), NAME);
}

template <class T> int run(const Backward<T> &b, it_stream s) {
    if constexpr (std::is_same_v<T, bf16>) {
        if (aligned<bf16>(b.D, (it_addr)b.dqkv, (it_addr)b.dout, (it_addr)b.qkv)) {
            if (b.D == 64) return tensor_backward<64>(b, s);
            if (b.D == 128) return tensor_backward<128>(b, s);
        }
    }
    return generic_backward(b, s);
}

} // namespace

int attention_backward(it_addr dqkv, it_addr delta, it_addr dout, it_addr qkv, it_addr out, it_addr lse,
                       it_addr segments, int64_t S, it_addr families, int64_t NF, int64_t max_q, int64_t max_k,
                       int64_t T, int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s) {
    IT_CHECK(S >= 0 && NF >= 0 && T >= 0, "S = %lld, NF = %lld, T = %lld", (long long)S, (long long)NF, (long long)T);
    if (T == 0) return IT_OK;
    if (int status = check_shape(__func__, Hq, Hkv, D, S ? max_q : 1, S ? max_k : 1)) return status;
    IT_CHECK(T * Hq <= (int64_t)INT32_MAX * 4, "%lld rows of %lld heads", (long long)T, (long long)Hq);
    IT_CHECK(dqkv && delta && dout && qkv && out && lse && segments && families, "null address");
    return with_storage(__func__, dtype, [=](auto type) -> int {
        using S_ = decltype(type);
        Backward<S_> b{(S_ *)dqkv, (float *)delta, (const S_ *)dout, (const S_ *)qkv, (const S_ *)out,
                       (const float *)lse, (const it_segment *)segments, S, (const int32_t *)families, NF, max_q,
                       (int)Hq, (int)Hkv, (int)D, Group(Hq / Hkv), score_scale(D), score_scale(D) * (float)LOG2_E};
        int status = prepare_backward(b, T, s);
        return status || S == 0 ? status : run(b, s);
    });
}

} // namespace intuitor::cuda
