/*
 * What the fused LM head's steps for Hopper (sm_90a) are made of; head_3_wgmma.cu explains it, and head_4_cluster.cu
 * what clusters of blocks change: those of a cluster have a tile of W in common, of which each loads a part for all.
 */
#pragma once
#include "../ptx_sm90.cuh"
#include "head.cuh"
#include "tensor_map.cuh"

namespace intuitor::cuda::lab::hopper {

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
constexpr size_t SHARED_BYTES = sizeof(Memory) + SWIZZLE_BYTES;

#ifdef INTUITOR_SM90A

/* Which stage is next, and the parity of its phase. */
struct Turn {
    int stage = 0;
    unsigned parity = 0;
    __device__ __forceinline__ void next() {
        if (++stage == STAGES) {
            stage = 0;
            parity ^= 1;
        }
    }
};

/* This block's rank in its cluster. */
template <int CLUSTER> __device__ __forceinline__ int rank_of() {
    if constexpr (CLUSTER == 1) return 0;
    else return cluster_rank();
}

/* One thread: fills one stage after another. */
template <int CLUSTER>
__device__ __forceinline__ void produce(Memory &memory, const CUtensorMap &hidden, const CUtensorMap &weight,
                                        const Head &head, int pieces) {
    const int depth = (head.H + K - 1) / K, rank = rank_of<CLUSTER>();
    constexpr int SHARE = N / CLUSTER; // columns of a tile that this block loads, for the whole cluster
    Turn turn;
    for (int i = blockIdx.x / CLUSTER; i < pieces; i += gridDim.x / CLUSTER) {
        HeadPiece piece(i, head, CLUSTER);
        for (int tile = 0; tile < piece.tiles(head.V); tile++) {
            for (int step = 0; step < depth; step++, turn.next()) {
                barrier_wait(&memory.empty[turn.stage], turn.parity ^ 1);
                uint64_t *full = &memory.full[turn.stage];
                barrier_arrive_expecting(full, sizeof(Stage)); // zeros outside of the matrices count, too
                Stage &stage = memory.stages[turn.stage];
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

/* A warpgroup: products of its rows, and their reduction. */
template <int CLUSTER>
__device__ __forceinline__ void consume(Memory &memory, const Head &head, int pieces, VocabSums<float> *strips,
                                        float *target_logits) {
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
        HeadPiece piece(i, head, CLUSTER);
        const int n = piece.row + rank_of<CLUSTER>() * M + group * ROWS + warp * 16 + lane / 4; // and n + 8
        const int target_low = n < head.N ? head.targets[n] : -1;
        const int target_high = n + 8 < head.N ? head.targets[n + 8] : -1;
        HeadRow low, high;
        int counted = 0, first = piece.first();
        for (int tile = 0; tile < piece.tiles(head.V); tile++, first += N) {
            Accumulators<N> d = {};
            int before = 0; // the stage of the step before
            for (int step = 0; step < depth; step++, turn.next()) {
                barrier_wait(&memory.full[turn.stage], turn.parity);
                const Stage &stage = memory.stages[turn.stage];
                uint64_t a = matrix_descriptor(stage.hidden + group * ROWS * K), b = matrix_descriptor(stage.weight);
                product_fence(d);
#pragma unroll
                for (int k = 0; k < K / 16; k++) product(d, a + 2 * k, b + 2 * k, step + k > 0);
                product_commit();
                product_wait<1>(); // those of the step before are done: its stage can be filled again
                if (step > 0) give_back(before);
                before = turn.stage;
            }
            product_wait<0>(d);
            give_back(before);

            int column = first + lane % 4 * 2;
            auto add = [&](auto end) {
                low.add<end.value, 0>(d, column, head.V, head.outputs.c, counted, target_low, target_logits + n);
                high.add<end.value, 1>(d, column, head.V, head.outputs.c, counted, target_high, target_logits + n + 8);
            };
            if (first + N <= head.V) {
                add(std::false_type());
                counted += N / 4;
            } else {
                add(std::true_type());
                counted += columns_below<N / 8>(column, head.V);
            }
        }
        VocabSums<float> sums_low = low.over_quad(counted), sums_high = high.over_quad(counted);
        const int64_t at = (int64_t)n * head_strips(head.V) + piece.strip;
        if (lane % 4 == 0 && n < head.N) strips[at] = sums_low;
        if (lane % 4 == 0 && n + 8 < head.N) strips[at + 8 * head_strips(head.V)] = sums_high;
    }
}

#endif

template <int CLUSTER>
__global__ void __launch_bounds__(THREADS, 1)
warp_specialised(const __grid_constant__ CUtensorMap hidden, const __grid_constant__ CUtensorMap weight, Head head,
                 int pieces, VocabSums<float> *strips, float *target_logits) {
#ifdef INTUITOR_SM90A
    char *begin = dynamic_shared<char>();
    Memory &memory = *(Memory *)(begin + (-shared_address(begin) & (SWIZZLE_BYTES - 1)));
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
        if (threadIdx.x == CONSUMERS * WARPGROUP) produce<CLUSTER>(memory, hidden, weight, head, pieces);
    } else {
        take_registers<240>();
        consume<CLUSTER>(memory, head, pieces, strips, target_logits);
    }
    if constexpr (CLUSTER > 1) {
        __syncwarp();
        cluster_barrier(); // none ends while others arrive at its barriers
    }
#endif
}

/* --- the host's side ---------------------------------------------------------------------------------------------- */

template <int CLUSTER> int run(const Head &head, it_stream s) {
    IT_WORKSPACE("lab", memory, head_bytes(head), s);
    auto strips = memory.get<VocabSums<float>>();
    auto target_logits = (float *)(strips + (size_t)head.N * head_strips(head.V));
    CUtensorMap hidden, weight;
    if (int status = describe_matrix(&hidden, head.hidden, head.N, head.H, M)) return status;
    if (int status = describe_matrix(&weight, head.weight, head.V, head.H, N / CLUSTER)) return status;
    int pieces = (int)ceil_div(head_row_blocks(head.N), CLUSTER) * head_strips(head.V);
    int clusters = min(pieces, max(1, multiprocessors() / CLUSTER));
    IT_CUDA_IN("lab", launch_clusters(CLUSTER, warp_specialised<CLUSTER>, dim3((unsigned)(clusters * CLUSTER)), THREADS,
                                      SHARED_BYTES, s, hidden, weight, head, pieces, strips, target_logits));
    return finish_head(head, strips, target_logits, s);
}

} // namespace
} // namespace intuitor::cuda::lab::hopper
