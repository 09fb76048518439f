/*
 * A thread a row: the formulas as they are written, in two loops over the row (the maximum, then the sums).
 *
 * Prediction: far from the floor. At any moment the 32 lanes of a warp read 32 rows, 300 KB apart: 32 sectors of 32
 * bytes for 64 bytes of logits, and what the caches keep of a sector is thrown out before the lane comes back for it.
 * 4096 rows make 128 warps: less than one for each multiprocessor's scheduler, so that nothing hides the latency. And a
 * lane adds 151936 fp32 numbers one after the other: the sums lose digits.
 */
#include "lab.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int THREADS = 128;

template <class T>
__global__ void __launch_bounds__(THREADS)
thread_a_row(VocabOutputs outputs, const T *logits, const int32_t *targets, int64_t N, int64_t V) {
    int64_t n = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (n >= N) return;
    const T *z = logits + n * V;
    float highest = -INFINITY;
    for (int64_t j = 0; j < V; j++) highest = fmaxf(highest, to_float(z[j]));
    LaneSums row = {outputs.c * highest};
    for (int64_t j = 0; j < V; j++) row.add(outputs.c, to_float(z[j]));
    write_row(outputs, n, row.shift, row.sum, row.weighted, (double)outputs.c * row.total, to_float(z[targets[n]]));
}

int run(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
        int64_t N, int64_t V, int32_t dtype, it_stream s) {
    return reduction(lse, logprob, entropy, self_certainty, logits, targets, N, V, dtype, [=](auto type, auto outputs) {
        using T = decltype(type);
        return check(launch(thread_a_row<T>, dim3((unsigned)ceil_div(N, THREADS)), THREADS, 0, s, outputs,
                            (const T *)logits, (const int32_t *)targets, N, V), "lab");
    });
}

const Register step("1 a thread a row", "the formulas as they are written", run);

} // namespace
} // namespace intuitor::cuda::lab
