/* The repetition penalty on logits. */
#include "common.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 128;

/* A block is for a row; its tokens are different, so no two threads meet. */
__global__ void __launch_bounds__(THREADS)
penalize(float *logits, int64_t ld, const int32_t *tokens, const int32_t *offsets, float penalty) {
    float *z = logits + blockIdx.x * ld;
    int end = offsets[blockIdx.x + 1];
    for (int i = offsets[blockIdx.x] + threadIdx.x; i < end; i += THREADS) {
        float x = z[tokens[i]];
        z[tokens[i]] = x > 0 ? x / penalty : x * penalty;
    }
}

} // namespace

int repetition_penalty(it_addr logits, int64_t ld, it_addr tokens, it_addr offsets, float penalty, int64_t N, int64_t V,
                       it_stream s) {
    IT_CHECK(N >= 0 && N <= INT32_MAX && V > 0 && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V,
             (long long)ld);
    if (N == 0) return IT_OK;
    IT_CHECK(logits && tokens && offsets, "null address");
    IT_CHECK(penalty > 0, "penalty %g", penalty);
    return check(launch(penalize, dim3((unsigned)N), THREADS, 0, s, (float *)logits, ld, (const int32_t *)tokens,
                        (const int32_t *)offsets, penalty), __func__);
}

} // namespace intuitor::cuda
