/*
 * Fused, for Hopper (sm_90a): products of a warpgroup (WGMMA, m64n256k16) that read both operands from shared memory,
 * tiles brought there by TMA. A block is three warpgroups: of the third, one thread keeps copies for 4 stages of 64 of
 * H under way; the others have 64 rows each of a tile of 128 x 256, and the same reduction on their accumulators as in
 * step 2. Barriers say when a stage is full and when both are done with it. As many blocks as multiprocessors take one
 * piece of work after the other, so that copies go on from tile to tile and from strip to strip.
 *
 * Prediction for an H100: products alone as fast as the tensor cores go, 660 to 790 TFLOP/s on random data. L2 gives a
 * block 48 KB for 4.2 MFLOP: at 700 TFLOP/s that would be 8 TB/s, more than the 5.5 to 6 that are measured there, so
 * 480 to 530 at first; two blocks of a cluster that share the tile of W (multicast) would need 5.3 TB/s for 700. While
 * one warpgroup reduces, the other multiplies as long as it finds stages: 4 stages are 2100 clocks of its products, a
 * reduction 1300. So at best it hides, at worst it costs 9% at H = 1536.
 */
#include "../ptx_sm90.cuh"
#include "head.cuh"
#include "tensor_map.cuh"

namespace intuitor::cuda::lab {

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
constexpr int SWIZZLE_BYTES = 1024; // tiles begin at multiples of it
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

/* One thread: fills one stage after another. */
__device__ __forceinline__ void produce(Memory &memory, const CUtensorMap &hidden, const CUtensorMap &weight,
                                        const Head &head, int pieces) {
    const int depth = (head.H + K - 1) / K;
    Turn turn;
    for (int i = blockIdx.x; i < pieces; i += gridDim.x) {
        HeadPiece piece(i, head);
        for (int tile = 0; tile < piece.tiles(head.V); tile++) {
            for (int step = 0; step < depth; step++, turn.next()) {
                barrier_wait(&memory.empty[turn.stage], turn.parity ^ 1);
                uint64_t *full = &memory.full[turn.stage];
                barrier_arrive_expecting(full, sizeof(Stage)); // zeros outside of the matrices count, too
                Stage &stage = memory.stages[turn.stage];
                load_tile(stage.hidden, &hidden, full, step * K, piece.row);
                load_tile(stage.weight, &weight, full, step * K, piece.first() + tile * N);
            }
        }
    }
}

/* A warpgroup: products of its rows, and their reduction. */
__device__ __forceinline__ void consume(Memory &memory, const Head &head, int pieces, VocabSums<float> *strips,
                                        float *target_logits) {
    const int depth = (head.H + K - 1) / K, lane = threadIdx.x % WARP;
    const int group = threadIdx.x / WARPGROUP, warp = threadIdx.x % WARPGROUP / WARP;
    Turn turn;
    for (int i = blockIdx.x; i < pieces; i += gridDim.x) {
        HeadPiece piece(i, head);
        const int n = piece.row + group * ROWS + warp * 16 + lane / 4; // and n + 8
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
                if (step > 0 && lane == 0) barrier_arrive(&memory.empty[before]);
                before = turn.stage;
            }
            product_wait<0>(d);
            if (lane == 0) barrier_arrive(&memory.empty[before]);

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

__global__ void __launch_bounds__(THREADS, 1)
warp_specialised(const __grid_constant__ CUtensorMap hidden, const __grid_constant__ CUtensorMap weight, Head head,
                 int pieces, VocabSums<float> *strips, float *target_logits) {
#ifdef INTUITOR_SM90A
    char *begin = dynamic_shared<char>();
    Memory &memory = *(Memory *)(begin + (-shared_address(begin) & (SWIZZLE_BYTES - 1)));
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            barrier_init(&memory.full[i], 1);
            barrier_init(&memory.empty[i], CONSUMERS * WARPGROUP / WARP);
        }
        fence_barrier_init();
    }
    __syncthreads();
    if (threadIdx.x >= CONSUMERS * WARPGROUP) {
        give_registers<24>();
        if (threadIdx.x == CONSUMERS * WARPGROUP) produce(memory, hidden, weight, head, pieces);
    } else {
        take_registers<240>();
        consume(memory, head, pieces, strips, target_logits);
    }
#endif
}

/* --- the host's side ---------------------------------------------------------------------------------------------- */

int run(const Head &head, it_stream s) {
    IT_WORKSPACE("lab", memory, head_bytes(head), s);
    auto strips = memory.get<VocabSums<float>>();
    auto target_logits = (float *)(strips + (size_t)head.N * head_strips(head.V));
    CUtensorMap hidden, weight;
    if (int status = describe_matrix(&hidden, head.hidden, head.N, head.H, M)) return status;
    if (int status = describe_matrix(&weight, head.weight, head.V, head.H, N)) return status;
    int pieces = head_row_blocks(head.N) * head_strips(head.V);
    IT_CUDA_IN("lab", launch(warp_specialised, dim3((unsigned)min(pieces, multiprocessors())), THREADS, SHARED_BYTES, s,
                             hidden, weight, head, pieces, strips, target_logits));
    return finish_head(head, strips, target_logits, s);
}

const RegisterHead step("3 wgmma", "fused, sm_90a: WGMMA, TMA, specialised warps, persistent", run_head<run>,
                        on_hopper);

} // namespace
} // namespace intuitor::cuda::lab
