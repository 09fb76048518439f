/*
 * Two kernels: a product on the CUDA cores in fp32, tiles in shared memory, and vocab_reduce of the logits, for as many
 * rows at a time as 256 MB of logits take.
 *
 * Prediction: bound by fp32 arithmetic. An element of a tile is read from shared memory for 4 multiplications of a
 * lane, 0.5 loads for each of them: some 15 of the 67 TFLOP/s of an H100's CUDA cores, 2% of what its tensor cores do.
 * That logits are written and read, 8 bytes each, is not even noticed: at 3.35 TB/s it takes 0.36 us a row of 151936,
 * beside 31 us for the product at H = 1536. Beside a product at 790 TFLOP/s, 0.59 us, it would be.
 */
#include "head.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int TILE = 64, DEPTH = 16, THREADS = 256;
constexpr int64_t LOGITS_BYTES = 256 << 20, MOST_ROWS = (int64_t)65535 * TILE; // a grid's height

/* Rows r of [rows, H] from `first` on, columns from k on, transposed: to[k][r]. 0 outside. */
__device__ __forceinline__ void load_tile(float (&to)[DEPTH][TILE + 1], const bf16 *from, int first, int rows, int H,
                                          int k) {
    for (int i = threadIdx.x; i < TILE * DEPTH; i += THREADS) {
        int r = i / DEPTH, column = i % DEPTH;
        bool inside = first + r < rows && k + column < H;
        to[column][r] = inside ? to_float(from[(int64_t)(first + r) * H + k + column]) : 0;
    }
}

/* logits [N, V] = hidden [N, H] weight [V, H]^T; 4 x 4 of them a thread. */
__global__ void __launch_bounds__(THREADS)
product(float *logits, const bf16 *hidden, const bf16 *weight, int N, int H, int V) {
    __shared__ float a[DEPTH][TILE + 1], b[DEPTH][TILE + 1];
    int column = blockIdx.x * TILE, row = blockIdx.y * TILE;
    int x = threadIdx.x % 16, y = threadIdx.x / 16;
    float d[4][4] = {};
    for (int k = 0; k < H; k += DEPTH) {
        load_tile(a, hidden, row, N, H, k);
        load_tile(b, weight, column, V, H, k);
        __syncthreads();
#pragma unroll
        for (int l = 0; l < DEPTH; l++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) d[i][j] = fmaf(a[l][y + 16 * i], b[l][x + 16 * j], d[i][j]);
            }
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            int n = row + y + 16 * i, v = column + x + 16 * j;
            if (n < N && v < V) logits[(int64_t)n * V + v] = d[i][j];
        }
    }
}

int run(const Head &head, it_stream s) {
    int64_t most = min(max(LOGITS_BYTES / 4 / head.V / TILE * TILE, (int64_t)TILE), MOST_ROWS);
    int64_t rows = min((int64_t)head.N, most);
    IT_WORKSPACE("lab", memory, (size_t)rows * head.V * sizeof(float), s);
    float *logits = memory.get<float>();
    for (int64_t n = 0; n < head.N; n += rows) {
        int count = (int)min(rows, head.N - n);
        dim3 grid((unsigned)ceil_div(head.V, TILE), (unsigned)ceil_div(count, TILE));
        IT_CUDA_IN("lab", launch(product, grid, THREADS, 0, s, logits, head.hidden + n * head.H, head.weight, count,
                                 head.H, head.V));
        const VocabOutputs &out = head.outputs;
        int status = vocab_reduce((it_addr)(out.lse + n), (it_addr)(out.logprob + n), (it_addr)(out.entropy + n),
                                  (it_addr)(out.self_certainty + n), (it_addr)(head.argmax + n), (it_addr)logits,
                                  head.V, (it_addr)(head.targets + n), 1, 1, count, head.V, IT_F32, s);
        if (status) return status;
    }
    return IT_OK;
}

const RegisterHead step("1 unfused", "a product on the CUDA cores, logits in memory, vocab_reduce", run_head<run>,
                        everywhere);

} // namespace
} // namespace intuitor::cuda::lab
