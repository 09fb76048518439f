/*
 * The fused LM head for Hopper (sm_90a): products of a warpgroup (WGMMA, m64n256k16) that read both operands from
 * shared memory, tiles brought there by TMA. A block is three warpgroups: of the third, one thread keeps copies for 4
 * stages of 64 of H under way; the others have 64 rows each of a tile of 128 x 256, and hand what is in their
 * accumulators on when it is complete (to Rows: ReducedRows here). Barriers say when a stage is full and when both are
 * done with it. As many blocks as multiprocessors take one piece of work after the other, so that copies go on from
 * tile to tile and from strip to strip.
 *
 * Blocks of a cluster have the same tile of W and rows of their own: each loads its rows, and its part of the tile into
 * the shared memory of all (TMA's multicast). A stage is full when all bytes have come, from any block, and empty when
 * the warps of all blocks are done with it. docs/kernels/lm-head.md has the predictions.
 */
#pragma once
#include "lm_head.cuh"
#include "ptx_sm90.cuh"
#include "tensor_map.cuh"

namespace intuitor::cuda::hopper {

namespace {

constexpr int M = HEAD_ROWS, N = HEAD_COLUMNS, K = PANEL, STAGES = 4;
constexpr int WARPGROUP = 128, CONSUMERS = 2, THREADS = (CONSUMERS + 1) * WARPGROUP;
constexpr int ROWS = M / CONSUMERS; // of a warpgroup that multiplies

struct Stage {
    bf16 hidden[M * K], weight[N * K];
};
struct Memory {
    Stage stages[STAGES];
    uint64_t full[STAGES], empty[STAGES];
};

/*
 * What becomes of products, by the lane that has them: those of rows n and n + 8, a strip of STRIP columns. Another
 * class of this shape makes another kernel of the same products.
 */
template <bool TWO> class ReducedRows {
public:
    static constexpr int STRIP = HEAD_STRIP;
    struct Output {
        VocabSums<float> *strips; // [N, strips]
        float *target_logits;     // [N]
    };

    __device__ __forceinline__ ReducedRows(const Head &head, const Output &output, int n)
        : head(head), output(output), n(n) {}

    /* A tile's; `column` is this lane's first, `whole`: all of the tile's are below V. `before`: how many of this
       lane's have been added to a row. */
    template <int J> __device__ __forceinline__ void add(float (&d)[J][4], int column, bool whole, int before) {
        auto add = [&](auto end) {
            low.template add<end.value, 0>(d, column, head, before, n, output.target_logits);
            high.template add<end.value, 1>(d, column, head, before, n + 8, output.target_logits);
        };
        if (whole) {
            add(std::false_type());
        } else {
            add(std::true_type());
        }
    }

    /* The strip is complete; `counted` of this lane's logits. */
    __device__ __forceinline__ void finish(int strip, int counted) {
        VocabSums<float> sums_low = low.over_quad(counted), sums_high = high.over_quad(counted);
        const int64_t at = (int64_t)n * head_strips(head.V) + strip;
        const bool first = threadIdx.x % 4 == 0;
        if (first && n < head.N) output.strips[at] = sums_low;
        if (first && n + 8 < head.N) output.strips[at + 8 * head_strips(head.V)] = sums_high;
    }

private:
    const Head &head;
    const Output &output;
    const int n;
    HeadRow<TWO> low, high;
};

#ifdef INTUITOR_SM90A

/* Which stage is next, the one before it, and the parity of its phase; in one register. */
struct Turn {
    static_assert(STAGES == 4, "a power of two");
    unsigned count = 0;
    __device__ __forceinline__ void next() { count++; }
    __device__ __forceinline__ unsigned stage() const { return count % STAGES; }
    __device__ __forceinline__ unsigned before() const { return (count - 1) % STAGES; }
    __device__ __forceinline__ unsigned parity() const { return count / STAGES % 2; }
};

/* This block's rank in its cluster. */
template <int CLUSTER> __device__ __forceinline__ int rank_of() {
    if constexpr (CLUSTER == 1) return 0;
    else return cluster_rank();
}

/* One thread: fills one stage after another. */
template <int CLUSTER, int STRIP>
__device__ __forceinline__ void produce(Memory &memory, const CUtensorMap &hidden, const CUtensorMap &weight,
                                        const Head &head, int pieces) {
    const int depth = (head.H + K - 1) / K, rank = rank_of<CLUSTER>();
    constexpr int SHARE = N / CLUSTER; // columns of a tile that this block loads, for the whole cluster
    Turn turn;
    for (int i = blockIdx.x / CLUSTER; i < pieces; i += gridDim.x / CLUSTER) {
        HeadPiece<STRIP> piece(i, head, CLUSTER);
        for (int tile = 0; tile < piece.tiles(head.V); tile++) {
            for (int step = 0; step < depth; step++, turn.next()) {
                barrier_wait(&memory.empty[turn.stage()], turn.parity() ^ 1);
                uint64_t *full = &memory.full[turn.stage()];
                barrier_arrive_expecting(full, sizeof(Stage)); // zeros outside of the matrices count, too
                Stage &stage = memory.stages[turn.stage()];
                load_tile(stage.hidden, &hidden, full, step * K, piece.row + rank * M);
                const int column = piece.first() + tile * N + rank * SHARE;
                if constexpr (CLUSTER == 1) {
                    load_tile(stage.weight, &weight, full, step * K, column);
                } else {
                    load_tile_of(stage.weight + rank * SHARE * K, &weight, full, step * K, column, (1 << CLUSTER) - 1);
                }
            }
        }
    }
}

/* A warpgroup: products of its rows, and what Rows does with them. */
template <int CLUSTER, class Rows>
__device__ __forceinline__ void consume(Memory &memory, const Head &head, int pieces,
                                        const typename Rows::Output &output) {
    const int depth = (head.H + K - 1) / K, lane = threadIdx.x % WARP;
    const int group = threadIdx.x / WARPGROUP, warp = threadIdx.x % WARPGROUP / WARP;
    auto give_back = [&](int stage) { // to all who fill it
        if constexpr (CLUSTER == 1) {
            if (lane == 0) barrier_arrive(&memory.empty[stage]);
        } else {
            if (lane < CLUSTER) barrier_arrive_at(&memory.empty[stage], lane);
        }
    };
    Turn turn;
    for (int i = blockIdx.x / CLUSTER; i < pieces; i += gridDim.x / CLUSTER) {
        HeadPiece<Rows::STRIP> piece(i, head, CLUSTER);
        Rows rows(head, output, piece.row + rank_of<CLUSTER>() * M + group * ROWS + warp * 16 + lane / 4);
        const int tiles = piece.tiles(head.V);
        int column = piece.first() + lane % 4 * 2; // this lane's first
        for (int tile = 0; tile < tiles; tile++, column += N) {
            Accumulators<N> d = {};
            for (int step = 0; step < depth; step++, turn.next()) {
                barrier_wait(&memory.full[turn.stage()], turn.parity());
                const Stage &stage = memory.stages[turn.stage()];
                uint64_t a = matrix_descriptor(stage.hidden + group * ROWS * K), b = matrix_descriptor(stage.weight);
                product_fence(d);
#pragma unroll
                for (int k = 0; k < K / 16; k++) product(d, a + 2 * k, b + 2 * k, step + k > 0);
                product_commit();
                product_wait<1>(); // those of the step before are done: its stage can be filled again
                if (step > 0) give_back(turn.before());
            }
            product_wait<0>(d);
            give_back(turn.before());

            rows.add(d, column, column - lane % 4 * 2 + N <= head.V, tile * (N / 4));
        }
        rows.finish(piece.strip, (tiles - 1) * (N / 4) + columns_below<N / 8>(column - N, head.V));
    }
}

#endif

template <int CLUSTER, class Rows>
__global__ void __launch_bounds__(THREADS, 1)
warp_specialised(const __grid_constant__ CUtensorMap hidden, const __grid_constant__ CUtensorMap weight, Head head,
                 int pieces, typename Rows::Output output) {
#ifdef INTUITOR_SM90A
    Memory &memory = tile_memory<Memory>();
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            barrier_init(&memory.full[i], 1);
            barrier_init(&memory.empty[i], CLUSTER * CONSUMERS * WARPGROUP / WARP);
        }
        fence_barrier_init();
    }
    if constexpr (CLUSTER == 1) __syncthreads();
    else cluster_barrier();
    if (threadIdx.x >= CONSUMERS * WARPGROUP) {
        give_registers<24>();
        if (threadIdx.x == CONSUMERS * WARPGROUP) produce<CLUSTER, Rows::STRIP>(memory, hidden, weight, head, pieces);
    } else {
        take_registers<240>();
        consume<CLUSTER, Rows>(memory, head, pieces, output);
    }
    if constexpr (CLUSTER > 1) {
        __syncwarp();
        cluster_barrier(); // none ends while others arrive at its barriers
    }
#endif
}

/* --- the host's side ---------------------------------------------------------------------------------------------- */

/* All products, and what Rows does with them. */
template <int CLUSTER, class Rows>
int multiply(const char *function, const Head &head, const typename Rows::Output &output, it_stream s) {
    CUtensorMap hidden, weight;
    if (int status = describe_matrix(&hidden, head.hidden, head.N, head.H, M)) return status;
    if (int status = describe_matrix(&weight, head.weight, head.V, head.H, N / CLUSTER)) return status;
    int pieces = (int)ceil_div(head_row_blocks(head.N), CLUSTER) * head_strips<Rows::STRIP>(head.V);
    int clusters = min(pieces, max(1, multiprocessors() / CLUSTER));
    return check(launch_clusters(CLUSTER, warp_specialised<CLUSTER, Rows>, dim3((unsigned)(clusters * CLUSTER)),
                                 THREADS, TILE_MEMORY_BYTES<Memory>, s, hidden, weight, head, pieces, output),
                 function);
}

/* The outputs. TWO: the certainty temperature is not the main one. */
template <int CLUSTER, bool TWO> int reduce(const char *function, const Head &head, it_stream s) {
    IT_WORKSPACE(function, memory, head_bytes(head), s);
    auto strips = memory.get<VocabSums<float>>();
    auto target_logits = (float *)(strips + (size_t)head.N * head_strips(head.V));
    if (int status = multiply<CLUSTER, ReducedRows<TWO>>(function, head, {strips, target_logits}, s)) return status;
    return finish_head(function, head, strips, target_logits, s);
}

} // namespace
} // namespace intuitor::cuda::hopper
