/*
 * Attention for one query a segment, decoding, over a cache whose rows may be paged: bf16, head size 64 or 128, on the
 * tensor cores; what does not fit them goes to attention_generic.cu.
 *
 * Decoding is bound by reading keys and values, so each is read once for its whole group of query heads: the group is
 * the rows of a product (16), and the four warps of a block share out the keys, 16 at a time, each with copies in
 * flight and a softmax of its own. A segment's keys - the prefix, then its own - are cut into splits of SPLIT, counted
 * from the prefix's and from the own keys' start; the warps' results are merged at the end of a split, and the splits'
 * results (m, l, O) in order, as in Flash-Decoding. SPLIT is fixed and merging is always the same left fold, whoever
 * does it, so the bits of a result do not depend on the batch:
 *   - with many sequences a block folds all the splits of its segment and writes the result;
 *   - with few, blocks share out the splits, leave their results in memory, and a last kernel folds them.
 *
 * Siblings that follow each other in the batch share their prefix: its kernel has the rows of several siblings in a
 * block, so that a key of the prefix is read once for ROW_TILES * 16 rows.
 */
#include "attention_mma.cuh"

namespace intuitor::cuda::attention {

namespace {

constexpr int THREADS = 128, WARPS = THREADS / WARP;
constexpr int SPLIT = 256;     // keys
constexpr int CHUNK = DECODE_CHUNK; // keys that a warp handles at once; they lie in one page
constexpr int ROW_TILES = 2;   // of 16 rows, in a block for a prefix
constexpr int RUN_BLOCK = 256; // siblings that share a prefix are looked for in aligned runs of this many segments
constexpr size_t MAX_PARTIALS = (size_t)1 << 30; // bytes
constexpr int LANES = THREADS / 16;              // that share a row in a State

template <int D> constexpr int STAGES = 256 / D;                           // copies in flight, 64 KiB a block
template <int D> constexpr int STAGED = WARPS * STAGES<D> * 2 * CHUNK * D; // elements
template <int D> constexpr int O_LD = D + 8; // row length of O in shared memory: no bank conflicts
template <int D> constexpr int SLOT = D + 4; // floats of a state in memory

/* Softmax over some keys, of one row: O relative to the maximum m of the products q k, l = sum of exp. Held by LANES
   neighbouring threads; number x has columns 4x .. 4x + 3, 4x + 32 .. */
template <int D> struct State {
    float m = LOWEST, l = 0, o[D / LANES] = {};

    /* This and `next`, which comes after it, together. */
    __device__ __forceinline__ void fold(const State &next, float log2_scale) {
        float largest = fmaxf(m, next.m);
        float x = fast_exp2((m - largest) * log2_scale), y = fast_exp2((next.m - largest) * log2_scale);
        m = largest;
        l = fmaf(l, x, __fmul_rn(next.l, y));
#pragma unroll
        for (int i = 0; i < D / LANES; i++) o[i] = fmaf(o[i], x, __fmul_rn(next.o[i], y));
    }
    __device__ __forceinline__ void store(float *slot) const {
        int x = threadIdx.x % LANES;
#pragma unroll
        for (int i = 0; i < D / LANES; i += 4) {
            *(float4 *)(slot + 4 * x + LANES * i) = {o[i], o[i + 1], o[i + 2], o[i + 3]};
        }
        if (x == 0) *(float2 *)(slot + D) = {m, l};
    }
    __device__ __forceinline__ void load(const float *slot) {
        int x = threadIdx.x % LANES;
#pragma unroll
        for (int i = 0; i < D / LANES; i += 4) {
            float4 values = *(const float4 *)(slot + 4 * x + LANES * i);
            o[i] = values.x, o[i + 1] = values.y, o[i + 2] = values.z, o[i + 3] = values.w;
        }
        float2 sums = *(const float2 *)(slot + D);
        m = sums.x, l = sums.y;
    }
    /* out and lse of row `row` = query row * Hq + head */
    __device__ __forceinline__ void finish(const PagedForward<bf16> &f, int64_t row) const {
        int x = threadIdx.x % LANES;
        float factor = 1 / l;
#pragma unroll
        for (int i = 0; i < D / LANES; i += 4) {
            uint2 bits = {pack_bf16(o[i] * factor, o[i + 1] * factor), pack_bf16(o[i + 2] * factor, o[i + 3] * factor)};
            *(uint2 *)(f.out + row * D + 4 * x + LANES * i) = bits;
        }
        if (f.lse && x == 0) f.lse[row] = fmaf(m, f.scale, logf(l));
    }
};

/* Where results of splits wait: slots of SLOT<D> floats, [S][Hq][slots]. */
struct Partials {
    float *memory;
    int slots;
    template <int D>
    __device__ __forceinline__ float *at(const PagedForward<bf16> &f, int64_t segment, int head, int slot) const {
        return memory + ((segment * f.Hq + head) * slots + slot) * SLOT<D>;
    }
};

__device__ __forceinline__ int splits(int keys) { return (keys + SPLIT - 1) / SPLIT; }

/* The rows of a block: (segment, head) pairs first .. end - 1 of one key-value head, heads innermost. */
struct Rows {
    int64_t first_segment;
    int first, end, kv_head;
    Group group;

    __device__ __forceinline__ bool valid(int r) const { return first + r < end; }
    __device__ __forceinline__ int64_t segment(int r) const { return first_segment + group.query(first + r); }
    __device__ __forceinline__ int head(int r) const {
        return kv_head * group.size + first + r - group.query(first + r) * group.size;
    }
};

/* Starts the copy of the queries of M tiles of rows. */
template <int D, int M>
__device__ __forceinline__ void copy_queries(bf16 *q, const PagedForward<bf16> &f, const Rows &rows) {
    copy_scattered_rows<D, 16 * M, THREADS>(q, rows.end - rows.first, threadIdx.x, [&](int r) {
        return f.q + f.segments[rows.segment(r)].q_start * f.q_stride + rows.head(r) * D;
    });
    cp_async_commit();
}

/* result[i]: the state of rows 16 i .. 16 i + 15 after the `count` <= SPLIT keys of the segments from row first_row on.
   All threads of the block, with the queries of M tiles at q and room for copies at `staged`. */
template <int D, int M>
__device__ __forceinline__ void attend(State<D> (&result)[M], bf16 *q, bf16 *staged, const PagedForward<bf16> &f,
                                       int64_t first_row, int kv_head, int count) {
    constexpr int N = STAGES<D>;
    static_assert(SPLIT / CHUNK <= WARP);
    const float log2_scale = f.log2_scale;
    bf16 *mine = staged + warp() * N * 2 * CHUNK * D;
    // a lane for each chunk looks up where it is: one access to the page table a split, ahead of the copies
    int chunk_row = lane() * CHUNK < count ? (int)f.cache_row(first_row + lane() * CHUNK) : 0;
    auto fetch = [&](int key, int stage) {
        int64_t row = __shfl_sync(FULL_WARP, chunk_row, key / CHUNK % WARP);
        if (key < count) {
            int64_t at = row * f.kv_stride + kv_head * D;
            bf16 *to = mine + stage * 2 * CHUNK * D;
            copy_rows<D, CHUNK, WARP>(to, f.k + at, f.kv_stride, count - key, lane());
            copy_rows<D, CHUNK, WARP>(to + CHUNK * D, f.v + at, f.kv_stride, count - key, lane());
        }
        cp_async_commit();
    };
    int key = warp() * CHUNK, at_a = lane_a<D>(), at_b = lane_b<D>();
#pragma unroll
    for (int i = 0; i < N - 1; i++) fetch(key + i * WARPS * CHUNK, i);

    float o[M][D / 8][4] = {}, m[M][2], l[M][2] = {};
#pragma unroll
    for (int i = 0; i < M; i++) m[i][0] = m[i][1] = LOWEST;
    for (int n = 0; key < count; n++, key += WARPS * CHUNK) {
        fetch(key + (N - 1) * WARPS * CHUNK, (n + N - 1) % N);
        cp_async_wait<N - 1>();
        __syncwarp();
        bf16 *keys = mine + n % N * 2 * CHUNK * D, *values = keys + CHUNK * D;
        float score[M][2][4] = {};
#pragma unroll
        for (int kk = 0; kk < D / 16; kk++) {
            uint32_t b[4];
            load_b<D>(b, keys, at_b, 0, kk);
#pragma unroll
            for (int i = 0; i < M; i++) {
                uint32_t a[4];
                load_a<D>(a, q, at_a, 16 * i, kk);
                mma_pair(score[i][0], score[i][1], a, b);
            }
        }
        uint32_t p[M][4];
#pragma unroll
        for (int i = 0; i < M; i++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float largest = LOWEST;
#pragma unroll
                for (int j = 0; j < 2; j++) {
#pragma unroll
                    for (int e = 0; e < 2; e++) {
                        float &x = score[i][j][2 * half + e];
                        if (key + 8 * j + lane() % 4 * 2 + e >= count) x = LOWEST;
                        largest = fmaxf(largest, x);
                    }
                }
                largest = fmaxf(m[i][half], quad_reduce(largest, Max()));
                float shrink = fast_exp2((m[i][half] - largest) * log2_scale), offset = largest * log2_scale, sum = 0;
                m[i][half] = largest;
#pragma unroll
                for (int j = 0; j < 2; j++) {
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++) {
                        score[i][j][e] = fast_exp2(fmaf(score[i][j][e], log2_scale, -offset));
                        sum += score[i][j][e];
                    }
                }
                l[i][half] = fmaf(l[i][half], shrink, sum); // of this lane's keys
#pragma unroll
                for (int j = 0; j < D / 8; j++) {
                    o[i][j][2 * half] *= shrink;
                    o[i][j][2 * half + 1] *= shrink;
                }
            }
            to_operand(p[i], score[i][0], score[i][1]);
        }
#pragma unroll
        for (int j = 0; j < D / 16; j++) {
            uint32_t b[4];
            load_b_transposed<D>(b, values, at_a, 0, j);
#pragma unroll
            for (int i = 0; i < M; i++) mma_pair(o[i][2 * j], o[i][2 * j + 1], p[i], b);
        }
        __syncwarp(); // the stage may be filled again
    }

    // the warps' results together, in the order of the warps; those that had no keys have m = LOWEST, l = 0
    __shared__ float warp_m[WARPS][16], warp_l[WARPS][16];
    float *shared_o = (float *)staged; // [WARPS][16][O_LD]
    int row = threadIdx.x / LANES, x = threadIdx.x % LANES;
#pragma unroll
    for (int i = 0; i < M; i++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float sum = quad_reduce(l[i][half], Sum());
            if (lane() % 4 == 0) {
                warp_m[warp()][lane() / 4 + 8 * half] = m[i][half];
                warp_l[warp()][lane() / 4 + 8 * half] = sum;
            }
        }
        __syncthreads(); // and no copies are read any more
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int r = lane() / 4 + 8 * half;
            float largest = warp_m[0][r];
#pragma unroll
            for (int w = 1; w < WARPS; w++) largest = fmaxf(largest, warp_m[w][r]);
            float factor = fast_exp2((m[i][half] - largest) * log2_scale);
#pragma unroll
            for (int j = 0; j < D / 8; j++) {
                *(float2 *)(shared_o + (warp() * 16 + r) * O_LD<D> + 8 * j + lane() % 4 * 2) = {
                    o[i][j][2 * half] * factor, o[i][j][2 * half + 1] * factor};
            }
        }
        __syncthreads();
        State<D> &state = result[i];
        state = {};
#pragma unroll
        for (int w = 0; w < WARPS; w++) state.m = fmaxf(state.m, warp_m[w][row]);
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            state.l = fmaf(warp_l[w][row], fast_exp2((warp_m[w][row] - state.m) * log2_scale), state.l);
#pragma unroll
            for (int j = 0; j < D / LANES; j += 4) {
                float4 values = *(const float4 *)(shared_o + (w * 16 + row) * O_LD<D> + 4 * x + LANES * j);
                state.o[j] += values.x;
                state.o[j + 1] += values.y;
                state.o[j + 2] += values.z;
                state.o[j + 3] += values.w;
            }
        }
        __syncthreads(); // the next tile of rows, or the next split, writes there
    }
}

__device__ __forceinline__ bool same_prefix(const it_segment &a, const it_segment &b) {
    return a.prefix_start == b.prefix_start && a.prefix_len == b.prefix_len;
}

/*
 * Prefixes. Segments in a row with the same prefix are a run; its rows are cut into tiles of 16 ROW_TILES, and the
 * block of a segment, key-value head and share of the splits does the tiles that begin in that segment: none, one or
 * several.
 * direct: all splits are folded into slot 0.
 */
template <int D>
__global__ void __launch_bounds__(THREADS, 2)
prefix_kernel(PagedForward<bf16> f, Partials partials, int shares, bool direct) {
    constexpr int M = ROW_TILES, ROWS = 16 * M;
    int share = blockIdx.x % shares;
    Block block = block_of(blockIdx.x / shares, 1, f.Hkv);
    int64_t s = block.segment;
    const it_segment own = f.segments[s];
    if (own.prefix_len == 0) return;

    // how many segments of the run come before this one and, as far as rows of a tile may be theirs, after it
    int64_t run_begin = s / RUN_BLOCK * RUN_BLOCK, run_end = min(f.S, run_begin + RUN_BLOCK);
    int before = 0, after = 0;
    for (int found = WARP; found == WARP; before += found) {
        int64_t other = s - 1 - before - lane();
        unsigned same = __ballot_sync(FULL_WARP, other >= run_begin && same_prefix(f.segments[other], own));
        found = ~same ? __ffs((int)~same) - 1 : WARP;
    }
    {
        int64_t other = s + 1 + lane();
        unsigned same = __ballot_sync(FULL_WARP, other < run_end && same_prefix(f.segments[other], own));
        after = ~same ? __ffs((int)~same) - 1 : WARP;
    }
    bf16 *q = dynamic_shared<bf16>(), *staged = q + ROWS * D;
    Rows rows{s - before, 0, (before + after + 1) * f.group.size, block.kv_head, f.group};
    int row = threadIdx.x / LANES;
    int begin = (before * f.group.size + ROWS - 1) / ROWS * ROWS;
    for (rows.first = begin; rows.first < (before + 1) * f.group.size; rows.first += ROWS) {
        copy_queries<D, M>(q, f, rows);
        cp_async_wait<0>();
        __syncthreads();
        State<D> total[M], state[M];
        for (int n = share; n < splits(own.prefix_len); n += shares) {
            attend<D, M>(state, q, staged, f, (int64_t)own.prefix_start + n * SPLIT, block.kv_head,
                         min(SPLIT, own.prefix_len - n * SPLIT));
#pragma unroll
            for (int i = 0; i < M; i++) {
                int r = 16 * i + row;
                if (direct) {
                    total[i].fold(state[i], f.log2_scale);
                } else if (rows.valid(r)) {
                    state[i].store(partials.at<D>(f, rows.segment(r), rows.head(r), n));
                }
            }
        }
#pragma unroll
        for (int i = 0; i < M; i++) {
            int r = 16 * i + row;
            if (direct && rows.valid(r)) total[i].store(partials.at<D>(f, rows.segment(r), rows.head(r), 0));
        }
        __syncthreads(); // the queries may be replaced
    }
}

/*
 * Own keys: a block is for a segment, key-value head, tile of 16 heads of its group and share of the splits.
 * direct: it begins with what the prefix's kernel left, and writes the result.
 */
template <int D>
__global__ void __launch_bounds__(THREADS, 3)
own_kernel(PagedForward<bf16> f, Partials partials, int tiles, int shares, bool direct) {
    int share = blockIdx.x % shares;
    Block block = block_of(blockIdx.x / shares, tiles, f.Hkv);
    const it_segment s = f.segments[block.segment];
    bf16 *q = dynamic_shared<bf16>(), *staged = q + 16 * D;
    Rows rows{block.segment, 16 * block.tile, f.group.size, block.kv_head, f.group};
    int row = threadIdx.x / LANES, before = splits(s.prefix_len);
    copy_queries<D, 1>(q, f, rows);
    State<D> total, state[1];
    if (direct && before > 0 && rows.valid(row)) total.load(partials.at<D>(f, block.segment, rows.head(row), 0));
    cp_async_wait<0>();
    __syncthreads();
    for (int n = share; n < splits(s.k_len); n += shares) {
        attend<D, 1>(state, q, staged, f, (int64_t)s.k_start + n * SPLIT, block.kv_head,
                     min(SPLIT, s.k_len - n * SPLIT));
        if (direct) {
            total.fold(state[0], f.log2_scale);
        } else if (rows.valid(row)) {
            state[0].store(partials.at<D>(f, block.segment, rows.head(row), before + n));
        }
    }
    if (direct && rows.valid(row)) total.finish(f, (int64_t)s.q_start * f.Hq + rows.head(row));
}

/* The results of all splits together: a block is for 16 heads of a segment. */
template <int D>
__global__ void __launch_bounds__(THREADS) combine_kernel(PagedForward<bf16> f, Partials partials, int tiles) {
    int64_t segment = blockIdx.x / tiles;
    int head = blockIdx.x % tiles * 16 + threadIdx.x / LANES;
    if (head >= f.Hq) return;
    const it_segment s = f.segments[segment];
    State<D> total, state;
    for (int n = 0; n < splits(s.prefix_len) + splits(s.k_len); n++) {
        state.load(partials.at<D>(f, segment, head, n));
        total.fold(state, f.log2_scale);
    }
    total.finish(f, (int64_t)s.q_start * f.Hq + head);
}

template <int D> int run(const PagedForward<bf16> &f, const char *function, it_stream s) {
    int tiles = (int)ceil_div(f.group.size, 16), most = (int)ceil_div(f.max_k, SPLIT);
    // enough blocks for every multiprocessor to have several waves, if the splits allow it
    int shares = (int)min((int64_t)most, ceil_div((int64_t)multiprocessors() * 8, f.S * f.Hkv * tiles));
    auto bytes = [&](int slots) { return sizeof(float) * SLOT<D> * (size_t)f.S * f.Hq * slots; };
    if (bytes(most + 1) > MAX_PARTIALS) shares = 1;
    bool direct = shares == 1;
    unsigned prefix_blocks = block_count(f.S, f.Hkv, shares);
    unsigned own_blocks = block_count(f.S, f.Hkv, (int64_t)tiles * shares);
    if (!prefix_blocks || !own_blocks) return fail(IT_INVALID, function, "too many segments for one call");
    int slots = direct ? 1 : most + 1;
    IT_WORKSPACE(function, memory, bytes(slots), s);
    Partials partials{memory.get<float>(), slots};
    if (f.max_k > 1) { // else there is no prefix
        if (int status = check(launch(prefix_kernel<D>, dim3(prefix_blocks), THREADS,
                                      sizeof(bf16) * (STAGED<D> + 16 * ROW_TILES * D), s, f, partials, shares, direct),
                               function)) {
            return status;
        }
    }
    if (int status = check(launch(own_kernel<D>, dim3(own_blocks), THREADS, sizeof(bf16) * (STAGED<D> + 16 * D), s, f,
                                  partials, tiles, shares, direct), function)) {
        return status;
    }
    if (direct) return IT_OK;
    int head_tiles = (int)ceil_div(f.Hq, 16);
    return check(launch(combine_kernel<D>, dim3((unsigned)(f.S * head_tiles)), THREADS, 0, s, f, partials, head_tiles),
                 function);
}

} // namespace

int tensor_decode(const PagedForward<bf16> &f, const char *function, it_stream s) {
    return f.D == 64 ? run<64>(f, function, s) : run<128>(f, function, s);
}

} // namespace intuitor::cuda::attention

namespace intuitor::cuda {

using namespace attention;

int attention_decode(it_addr out, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
                     it_addr segments, int64_t S, int64_t max_k, it_addr pages, int64_t page_size, int64_t T,
                     int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s) {
    IT_CHECK(S >= 0 && T >= 0, "S = %lld, T = %lld", (long long)S, (long long)T);
    if (S == 0) return IT_OK;
    if (int status = check_shape(__func__, Hq, Hkv, D, 1, max_k)) return status;
    IT_CHECK(q_stride >= Hq * D && kv_stride >= Hkv * D, "strides %lld and %lld are below a row's %lld and %lld",
             (long long)q_stride, (long long)kv_stride, (long long)(Hq * D), (long long)(Hkv * D));
    IT_CHECK(out && q && k && v && segments && pages, "null address");
    IT_CHECK(page_size > 0 && page_size <= INT32_MAX, "page size %lld", (long long)page_size);
    const char *function = __func__;
    return with_storage(function, dtype, [=](auto type) {
        using S_ = decltype(type);
        PagedForward<S_> f{{(S_ *)out, nullptr, (const S_ *)q, q_stride, (const S_ *)k, (const S_ *)v, kv_stride,
                            (const it_segment *)segments, S, 1, max_k, (int)Hq, (int)Hkv, (int)D, Group(Hq / Hkv),
                            score_scale(D), score_scale(D) * (float)LOG2_E}, (const int32_t *)pages, (int)page_size};
        if constexpr (std::is_same_v<S_, bf16>) {
            if (fits_tensor_cores(f) && page_size % DECODE_CHUNK == 0) return tensor_decode(f, function, s);
        }
        return generic_forward(f, function, s);
    });
}

} // namespace intuitor::cuda
