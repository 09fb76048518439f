/*
 * Fused, on the tensor cores of sm_80 and later: mma.m16n8k16, operands by cp.async and ldmatrix. A block of 8 warps
 * has tiles of 128 rows x 256 columns, 64 x 64 a warp, and 4 stages of 32 of H under way. The reduction works on the
 * accumulators; while it does, the copies for the next tile are already on their way.
 *
 * Prediction for an H100: mma.sync is said to reach 0.62 of the tensor cores' 989 TFLOP/s, 1.6 clocks a product; shared
 * memory gives 128 bytes a clock and is asked for 176 a product, 1.4 clocks: close to a second bound. L2 gives a block
 * 24 KB for 2.1 MFLOP: at 600 TFLOP/s that would be 6.9 TB/s, more than the 5.5 to 6 that are measured there, so 450 to
 * 500. The reduction is not overlapped with products: some 10 instructions a logit are 2600 clocks a tile on each
 * scheduler beside 38000 (H = 1536), 6%. In all 400 to 470 TFLOP/s: no faster than cuBLASLt's product with the logits
 * in memory, but with 20 MB instead of them.
 */
#include "head.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int M = HEAD_ROWS, N = HEAD_COLUMNS, K = 32, STAGES = 4;
constexpr int THREADS = 256, WARPS_N = 4; // 2 x 4 warps
constexpr int WARP_M = 64, WARP_N = 64;
constexpr int STAGE = (M + N) * K; // elements: M rows of hidden, then N of W
constexpr int ROW_STEP = THREADS / (K / 8);

/* A tile's rows are 64 bytes, four 16-byte chunks; chunk c of row r lies at c ^ (r / 2 & 3), so that 8 rows' chunks c
   are in different banks. */
__device__ __forceinline__ int place(int row, int chunk) { return row * K + (chunk ^ (row >> 1 & 3)) * 8; }

/* Starts the copies of one stage after another, of all tiles of a strip: two chunks of hidden's and four of W's rows a
   thread. */
class Copies {
public:
    __device__ __forceinline__ Copies(const Head &head, int row, int first, int tiles)
        : head(head), row(row + threadIdx.x / (K / 8)), column(first + threadIdx.x / (K / 8)),
          k(threadIdx.x % (K / 8) * 8), tiles(tiles), to(place(threadIdx.x / (K / 8), threadIdx.x % (K / 8))) {}

    /* The next stage, into this memory; nothing after the last. */
    __device__ __forceinline__ void start(bf16 *stage) {
        if (tiles > 0) {
            bool inside = k < head.H;
            copy<M>(stage + to, head.hidden, row, head.N, inside);
            copy<N>(stage + M * K + to, head.weight, column, head.V, inside);
            k += K;
            if (k - k % K >= head.H) {
                k %= K;
                column += N;
                tiles--;
            }
        }
        cp_async_commit();
    }

private:
    template <int ROWS>
    __device__ __forceinline__ void copy(bf16 *to, const bf16 *from, int row, int rows, bool inside) const {
        const bf16 *p = from + (int64_t)row * head.H + k;
#pragma unroll
        for (int i = 0; i < ROWS / ROW_STEP; i++) {
            bool valid = inside && row + i * ROW_STEP < rows;
            cp_async_16(to + i * ROW_STEP * K, valid ? p + (int64_t)i * ROW_STEP * head.H : from, valid);
        }
    }

    const Head &head;
    int row, column, k, tiles, to;
};

__global__ void __launch_bounds__(THREADS, 1)
tensor_cores(Head head, VocabSums<float> *strips, float *target_logits) {
    bf16 *memory = dynamic_shared<bf16>();
    const HeadPiece<> piece((int)blockIdx.x, head);
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int warp_row = warp / WARPS_N * WARP_M, warp_column = warp % WARPS_N * WARP_N;
    const int tiles = piece.tiles(head.V), depth = (head.H + K - 1) / K;

    Copies copies(head, piece.row, piece.first(), tiles);
#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) copies.start(memory + i * STAGE);

    /* Operands' addresses for ldmatrix: row and chunk of this lane; the second 16 of H are two chunks on. */
    const int lane_a = warp_row * K + place(lane % 16, lane / 16);
    const int lane_b = M * K + warp_column * K + place(lane % 8 + lane / 16 * 8, lane / 8 % 2);

    HeadRow<> rows[WARP_M / 8];
    int counted = 0, column = piece.first() + warp_column + lane % 4 * 2;
    int filled = STAGES - 1, ready = 0;
    for (int tile = 0; tile < tiles; tile++, column += N) {
        float d[WARP_M / 16][WARP_N / 8][4] = {};
        for (int step = 0; step < depth; step++) {
            cp_async_wait<STAGES - 2>();
            __syncthreads(); // the stage has arrived for all, and all are done with the one before it: fill that
            copies.start(memory + filled * STAGE);
            const bf16 *stage = memory + ready * STAGE;
            filled = ready;
            ready = (ready + 1) % STAGES;
#pragma unroll
            for (int k = 0; k < K / 16; k++) {
                uint32_t a[WARP_M / 16][4];
#pragma unroll
                for (int i = 0; i < WARP_M / 16; i++) ldmatrix_x4(a[i], stage + (lane_a ^ k * 16) + i * 16 * K);
#pragma unroll
                for (int j = 0; j < WARP_N / 16; j++) {
                    uint32_t b[4];
                    ldmatrix_x4(b, stage + (lane_b ^ k * 16) + j * 16 * K);
#pragma unroll
                    for (int i = 0; i < WARP_M / 16; i++) {
                        mma_m16n8k16(d[i][2 * j], a[i], {b[0], b[1]});
                        mma_m16n8k16(d[i][2 * j + 1], a[i], {b[2], b[3]});
                    }
                }
            }
        }
        auto add = [&](auto end) {
#pragma unroll
            for (int i = 0; i < WARP_M / 16; i++) {
                int n = piece.row + warp_row + 16 * i + lane / 4;
                rows[2 * i].add<end.value, 0>(d[i], column, head, counted, n, target_logits);
                rows[2 * i + 1].add<end.value, 1>(d[i], column, head, counted, n + 8, target_logits);
            }
        };
        if (column - lane % 4 * 2 + WARP_N <= head.V) {
            add(std::false_type());
            counted += WARP_N / 4;
        } else {
            add(std::true_type());
            counted += columns_below<WARP_N / 8>(column, head.V);
        }
    }

    /* The four warps that share rows, in order. */
    cp_async_wait<0>();
    __syncthreads();
    auto sums = (VocabSums<float> *)memory; // [WARPS_N][M]
#pragma unroll
    for (int i = 0; i < WARP_M / 8; i++) {
        VocabSums<float> all = rows[i].over_quad(counted);
        if (lane % 4 == 0) sums[warp % WARPS_N * M + warp_row + 8 * i + lane / 4] = all;
    }
    __syncthreads();
    int n = piece.row + threadIdx.x;
    if (threadIdx.x < M && n < head.N) {
        VocabSums<float> all = sums[threadIdx.x];
#pragma unroll
        for (int w = 1; w < WARPS_N; w++) merge(all, sums[w * M + threadIdx.x]);
        strips[(int64_t)n * head_strips(head.V) + piece.strip] = all;
    }
}

int run(const Head &head, it_stream s) {
    IT_WORKSPACE("lab", memory, head_bytes(head), s);
    auto strips = memory.get<VocabSums<float>>();
    auto target_logits = (float *)(strips + (size_t)head.N * head_strips(head.V));
    dim3 grid((unsigned)head_row_blocks(head.N) * head_strips(head.V));
    size_t shared = STAGES * STAGE * sizeof(bf16);
    IT_CUDA_IN("lab", launch(tensor_cores, grid, THREADS, shared, s, head, strips, target_logits));
    return finish_head("lab", head, strips, target_logits, s);
}

const RegisterHead step("2 mma", "fused: mma.m16n8k16, cp.async, the reduction on accumulators", run_head<run>,
                        everywhere);

} // namespace
} // namespace intuitor::cuda::lab
