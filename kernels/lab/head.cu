/* The last kernel of the fused LM head's steps: rows from their strips. */
#include "head.cuh"

namespace intuitor::cuda::lab {

namespace {

/* A warp a row. */
__global__ void __launch_bounds__(VOCAB_THREADS)
finish(Head head, const VocabSums<float> *strips, const float *target_logits) {
    int n = blockIdx.x * VOCAB_WARPS + threadIdx.x / WARP, count = head_strips(head.V);
    if (n >= head.N) return;
    VocabState row;
    float highest;
    int32_t column;
    add_strips(row.sums, highest, column, strips + (int64_t)n * count, count);
    if (threadIdx.x % WARP == 0) {
        head.outputs.write(n, row.sums, target_logits[n]);
        head.argmax[n] = column;
    }
}

} // namespace

int finish_head(const Head &head, const VocabSums<float> *strips, const float *target_logits, it_stream s) {
    return check(launch(finish, dim3((unsigned)ceil_div(head.N, VOCAB_WARPS)), VOCAB_THREADS, 0, s, head, strips,
                        target_logits), "lab");
}

} // namespace intuitor::cuda::lab
