/*
 * FlashAttention-3 (Shah et al. 2024, arXiv 2407.08608) for Hopper (sm_90a), bf16 with D = 64 or 128: products of a
 * warpgroup (WGMMA), keys and values brought by TMA, a task for each warpgroup. Of three, one thread of the last keeps
 * copies under way; each of the other two has 64 rows, and
 *     S = Q K^T   both operands from shared memory,     O += P V   P from registers, V transposed by its descriptor.
 *
 * Two things keep the tensor cores busy while exponentials are computed. Within a warpgroup, the scores of the next
 * keys are multiplied together with the probabilities of these (algorithm 2 of the paper), so that O += P V goes on
 * behind the softmax. And the two take turns: one issues its products when the other has issued its own and turns to
 * its softmax. Order and tiles depend on the row's segment alone, so bits do as well.
 *
 * Ragged segments: keys are two runs of rows, the prefix's and the segment's own, which end anywhere in the packed
 * matrices. One tensor map reads all of them to their ends, with zeros behind (describe_runs): a neighbour's keys would
 * only need a mask, but its values may be NaN, and 0 NaN is NaN. Queries are rows (query, head of the group), which are
 * no box of a matrix: threads copy them, once a block.
 *
 * Prediction for an H100, 128 x 128 scores of D = 128: 2050 clocks of products, 1020 of exponentials, 600 of other
 * arithmetic, of which all but the first and last tile's can hide. What does not: some 4 of 27 us that a block takes at
 * 4096 tokens go by before its first product and behind its last, and no other block fits beside it; 3% of the scores
 * are behind the diagonal. 480 to 560 TFLOP/s, 0.37 to 0.43 ms at [4, 4096, 12, 128]. D = 64: exponentials take as long
 * as products, 330 to 400.
 */
#include "../attention_mma.cuh"
#include "../ptx_sm90.cuh"
#include "../tensor_map.cuh"
#include "attention.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int WARPGROUP = 128, CONSUMERS = 2, THREADS = (CONSUMERS + 1) * WARPGROUP;
constexpr int ROWS = 64, KEYS = 128; // of a warpgroup's tile of scores
template <int D> constexpr int STAGES = D == 64 ? 4 : 2;

/* Tiles are [D / PANEL][rows][PANEL], and begin at multiples of SWIZZLE_BYTES. */
template <int D> struct Memory {
    bf16 q[CONSUMERS][ROWS * D];
    bf16 k[STAGES<D>][KEYS * D], v[STAGES<D>][KEYS * D];
    struct {
        uint64_t full[STAGES<D>], empty[STAGES<D>];
    } k_barriers, v_barriers;
};

#ifdef INTUITOR_SM90A

enum PartBarrier { OWN = 1, TURN = OWN + CONSUMERS }; // one a warpgroup

/* What a block computes: rows first .. of a segment, and the tiles of keys that they see. */
struct Work {
    it_segment s;
    int kv_head, first, rows; // rows: of the segment
    int before;               // own keys that all queries see
    KeyTiles<KEYS> keys;

    __device__ __forceinline__ Work(const Forward<bf16> &f, const it_segment &s, int kv_head, int first, int rows)
        : s(s), kv_head(kv_head), first(first), rows(rows), before(s.k_len - s.q_len),
          keys(s, before + f.group.query(min(first + CONSUMERS * ROWS, rows) - 1)) {}
};

/* Where tile n is, and the parity of its phase. */
template <int D> struct Turn {
    int stage;
    unsigned parity;
    __device__ __forceinline__ explicit Turn(int n) : stage(n % STAGES<D>), parity(n / STAGES<D> & 1) {}
};

/* One thread: keys and values in the order in which they are used. */
template <int D>
__device__ __forceinline__ void produce(Memory<D> &memory, const CUtensorMap &k, const CUtensorMap &v,
                                        const Work &work) {
    auto load = [&](auto &tiles, auto &barriers, const CUtensorMap &map, int n) {
        Turn<D> turn(n);
        uint64_t *full = &barriers.full[turn.stage];
        barrier_wait(&barriers.empty[turn.stage], turn.parity ^ 1);
        barrier_arrive_expecting(full, sizeof tiles[0]); // zeros behind the end count, too
        KeyTile keys = work.keys[n];
#pragma unroll
        for (int panel = 0; panel < D / PANEL; panel++) {
            load_tile(tiles[turn.stage] + panel * KEYS * PANEL, &map, full, work.kv_head * D + panel * PANEL,
                      KEYS - keys.count, (int)keys.first + keys.count);
        }
    };
    load(memory.k, memory.k_barriers, k, 0);
    for (int n = 1; n < work.keys.size; n++) {
        load(memory.k, memory.k_barriers, k, n);
        load(memory.v, memory.v_barriers, v, n - 1);
    }
    load(memory.v, memory.v_barriers, v, work.keys.size - 1);
}

/* Copies the warpgroup's rows, zeros behind the segment's end. */
template <int D>
__device__ __forceinline__ void load_queries(bf16 *q, const Forward<bf16> &f, const Work &work, int first) {
    constexpr int CHUNKS = D / 8;
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / WARPGROUP; i++) {
        int n = threadIdx.x % WARPGROUP + i * WARPGROUP, r = n / CHUNKS, c = n % CHUNKS;
        uint4 x = make_uint4(0, 0, 0, 0);
        if (first + r < work.rows) x = *(const uint4 *)(f.query(work.s, work.kv_head, first + r) + c * 8);
        *(uint4 *)(q + c / 8 * ROWS * PANEL + r * PANEL + ((c ^ r) & 7) * 8) = x;
    }
    publish(q, ROWS * D * sizeof(bf16));
}

/* Scores of keys that this lane's rows g and g + 8 do not see, which see their own keys up to last[]. */
__device__ __forceinline__ void mask(Accumulators<KEYS> &score, const KeyTile &keys, const int (&last)[2]) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int seen = keys.seen(last[half]) - lane() % 4 * 2;
#pragma unroll
        for (int j = 0; j < KEYS / 8; j++) {
            if (8 * j >= seen) score[j][2 * half] = LOWEST;
            if (8 * j + 1 >= seen) score[j][2 * half + 1] = LOWEST;
        }
    }
}

/* A row's largest score, and the sum of this lane's probabilities relative to it. */
struct Softmax {
    float m[2] = {LOWEST, LOWEST}, l[2] = {};
    float shrink[2]; // what sums over the keys before these are to be multiplied by

    /* Scores to probabilities. */
    __device__ __forceinline__ void operator()(Accumulators<KEYS> &score, float log2_scale) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float largest = score[0][2 * half];
#pragma unroll
            for (int j = 0; j < KEYS / 8; j++) {
                largest = fmaxf(largest, fmaxf(score[j][2 * half], score[j][2 * half + 1]));
            }
            largest = fmaxf(m[half], quad_reduce(largest, Max()));
            shrink[half] = fast_exp2((m[half] - largest) * log2_scale);
            m[half] = largest;
            float offset = largest * log2_scale, sum = 0;
#pragma unroll
            for (int j = 0; j < KEYS / 8; j++) {
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    score[j][e] = fast_exp2(fmaf(score[j][e], log2_scale, -offset));
                    sum += score[j][e];
                }
            }
            l[half] = fmaf(l[half], shrink[half], sum);
        }
    }
};

/* A warpgroup: its 64 rows. */
template <int D>
__device__ __forceinline__ void consume(Memory<D> &memory, const Forward<bf16> &f, const Work &work) {
    // by way of a shuffle, for the compiler to see that branches on it do not part a warp: else it serializes products
    const int group = __shfl_sync(FULL_WARP, threadIdx.x / WARPGROUP, 0), own = warp() % (WARPGROUP / WARP) * 16;
    const int first = work.first + group * ROWS, row = first + own + lane() / 4; // this lane's: row, row + 8
    const int tiles = work.keys.size;
    bf16 *q = memory.q[group];
    // rows behind the end are like the last one: every row sees something
    auto last_key = [&](int r) { return work.before + f.group.query(min(r, work.rows - 1)); };
    const int first_last = last_key(first), last[2] = {last_key(row), last_key(row + 8)};

    Accumulators<KEYS> score;
    Accumulators<D> out = {};
    RegisterOperand<KEYS / 16> p;
    Softmax softmax;

    auto multiply_keys = [&](int n) {
        uint64_t a = matrix_descriptor(q), b = matrix_descriptor(memory.k[Turn<D>(n).stage]);
        product_fence(score);
#pragma unroll
        for (int k = 0; k < D / 16; k++) {
            // from a panel to the next, 16 bytes each
            constexpr int OF_QUERIES = ROWS * PANEL * sizeof(bf16) / 16, OF_KEYS = KEYS * PANEL * sizeof(bf16) / 16;
            product(score, a + (k / 4 * OF_QUERIES + k % 4 * 2), b + (k / 4 * OF_KEYS + k % 4 * 2), k > 0);
        }
        product_commit();
    };
    auto multiply_values = [&](int n) {
        uint64_t b = transposed_descriptor(memory.v[Turn<D>(n).stage], KEYS * PANEL * sizeof(bf16));
        product_fence(out, p);
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) product_transposed(out, p[k], b + k * TRANSPOSED_STEP, true);
        product_commit();
    };
    auto wait = [&](auto &barriers, int n) { barrier_wait(&barriers.full[Turn<D>(n).stage], Turn<D>(n).parity); };
    auto give_back = [&](auto &barriers, int n) {
        if (lane() == 0) barrier_arrive(&barriers.empty[Turn<D>(n).stage]);
    };
    auto probabilities = [&](int n) {
        KeyTile keys = work.keys[n];
        if (keys.seen(first_last) < KEYS) mask(score, keys, last); // on the diagonal, or at an end
        softmax(score, f.log2_scale);
    };
    auto to_operands = [&] {
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) to_operand(p[k], score[2 * k], score[2 * k + 1]);
    };

    load_queries<D>(q, f, work, first);
    part_barrier<WARPGROUP>(OWN + group);
    wait(memory.k_barriers, 0);
    multiply_keys(0);
    product_wait<0>(score);
    give_back(memory.k_barriers, 0);
    probabilities(0);
    to_operands();
    if (group == 1 && tiles > 1) part_barrier_arrive<CONSUMERS * WARPGROUP>(TURN);
    for (int n = 1; n < tiles; n++) {
        wait(memory.k_barriers, n);
        part_barrier<CONSUMERS * WARPGROUP>(TURN + group);
        multiply_keys(n);
        wait(memory.v_barriers, n - 1);
        multiply_values(n - 1);
        if (group == 0 || n + 1 < tiles) part_barrier_arrive<CONSUMERS * WARPGROUP>(TURN + 1 - group);
        product_wait<1>(score);
        give_back(memory.k_barriers, n);
        probabilities(n);
        product_wait<0>(out, p);
        give_back(memory.v_barriers, n - 1);
#pragma unroll
        for (int j = 0; j < D / 8; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) out[j][e] *= softmax.shrink[e / 2];
        }
        to_operands();
    }
    wait(memory.v_barriers, tiles - 1);
    multiply_values(tiles - 1);
    product_wait<0>(out, p);

    part_barrier<WARPGROUP>(OWN + group); // nobody multiplies queries any more: results take their place
    float factor[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float sum = quad_reduce(softmax.l[half], Sum());
        int r = row + 8 * half;
        factor[half] = 1 / sum;
        if (f.lse && r < work.rows && lane() % 4 == 0) {
            f.lse[f.result(work.s, work.kv_head, r)] = fmaf(softmax.m[half], f.scale, logf(sum));
        }
    }
    put_rows<D>(q, own, out, factor[0], factor[1]);
    __syncwarp();
    write_rows<D, 16>(q, own, [&](int r) {
        int n = first + own + r;
        return n < work.rows ? f.out + f.result(work.s, work.kv_head, n) * D : nullptr;
    });
}

#endif

template <int D>
__global__ void __launch_bounds__(THREADS, 1)
warp_specialised(const __grid_constant__ CUtensorMap k, const __grid_constant__ CUtensorMap v, Forward<bf16> f,
                 int tiles) {
#ifdef INTUITOR_SM90A
    const Block block = block_of(blockIdx.x, tiles, f.Hkv);
    const it_segment s = f.segments[block.segment];
    const int first = block.tile * CONSUMERS * ROWS, rows = s.q_len * f.group.size;
    if (first >= rows) return;
    auto &memory = tile_memory<Memory<D>>();
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES<D>; i++) {
            for (auto *barriers : {&memory.k_barriers, &memory.v_barriers}) {
                barrier_init(&barriers->full[i], 1);
                barrier_init(&barriers->empty[i], CONSUMERS * WARPGROUP / WARP);
            }
        }
        fence_barrier_init();
    }
    __syncthreads();
    const Work work(f, s, block.kv_head, first, rows);
    if (threadIdx.x >= CONSUMERS * WARPGROUP) {
        give_registers<24>();
        if (threadIdx.x == CONSUMERS * WARPGROUP) produce(memory, k, v, work);
    } else {
        take_registers<240>();
        consume(memory, f, work);
    }
#endif
}

/* --- the host's side ---------------------------------------------------------------------------------------------- */

template <int D> int start(const Forward<bf16> &f, it_stream s) {
    int tiles = (int)ceil_div(f.max_q * f.group.size, CONSUMERS * ROWS);
    unsigned blocks = block_count(f.S, f.Hkv, tiles);
    if (!blocks) return fail(IT_INVALID, "lab", "too many tiles for one call");
    CUtensorMap k, v;
    if (int status = describe_runs(&k, f.k, f.kv_stride, (int64_t)f.Hkv * D, KEYS)) return status;
    if (int status = describe_runs(&v, f.v, f.kv_stride, (int64_t)f.Hkv * D, KEYS)) return status;
    return check(launch(warp_specialised<D>, dim3(blocks), THREADS, TILE_MEMORY_BYTES<Memory<D>>, s, k, v, f, tiles),
                 "lab");
}

struct Wgmma {
    template <class T> static int run(const Forward<T> &f, it_stream s) {
        if constexpr (std::is_same_v<T, bf16>) {
            if (f.D == 64) return start<64>(f, s);
            if (f.D == 128) return start<128>(f, s);
        }
        return fail(IT_INVALID, "lab", "step 4 takes bf16 with head size 64 or 128");
    }
};

int takes(int64_t D, int32_t dtype) { return dtype == IT_BF16 && (D == 64 || D == 128); }

const RegisterAttention step("4 wgmma", "FlashAttention-3, sm_90a: WGMMA, TMA, warpgroups that take turns",
                             run_attention<Wgmma>, takes, on_hopper);

} // namespace
} // namespace intuitor::cuda::lab
