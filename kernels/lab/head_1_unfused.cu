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
#include "product.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int64_t LOGITS_BYTES = 256 << 20, MOST_ROWS = (int64_t)65535 * TILE; // a grid's height

/* logits [N, V] = hidden [N, H] weight [V, H]^T. */
__global__ void __launch_bounds__(THREADS)
product(float *logits, const bf16 *hidden, const bf16 *weight, int N, int H, int V) {
    const int row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    multiply<true>(
        H, [&](int r, int k) { return row + r < N ? to_float(hidden[(int64_t)(row + r) * H + k]) : 0; },
        [&](int c, int k) { return column + c < V ? to_float(weight[(int64_t)(column + c) * H + k]) : 0; },
        [&](int r, int c, float sum) {
            if (row + r < N && column + c < V) logits[(int64_t)(row + r) * V + column + c] = sum;
        });
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
