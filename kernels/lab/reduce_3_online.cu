/*
 * One loop instead of two: each lane keeps the maximum so far and moves its sums when that grows (online softmax,
 * Milakov & Gimelshein 2018).
 *
 * Prediction: half the bytes of step 2, up to twice its speed if bytes were the bound. They may no longer be: a load
 * still brings 2 bytes, and the test for a new maximum costs each logit instructions that nothing amortises.
 */
#include "lab.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int THREADS = 256;

template <class T>
__global__ void __launch_bounds__(THREADS)
one_pass(VocabOutputs outputs, const T *logits, const int32_t *targets, int64_t V) {
    int64_t n = blockIdx.x;
    const T *z = logits + n * V;
    LaneSums lane;
    for (int64_t j = threadIdx.x; j < V; j += THREADS) {
        float x = to_float(z[j]), to = outputs.c * x;
        if (to > lane.shift) lane.move(to); // a new maximum: rare after the first few
        lane.add(outputs.c, x);
    }
    write_row_of_block<THREADS>(outputs, n, lane, to_float(z[targets[n]]));
}

int run(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
        int64_t N, int64_t V, int32_t dtype, it_stream s) {
    return reduction(lse, logprob, entropy, self_certainty, logits, targets, N, V, dtype, [=](auto type, auto outputs) {
        using T = decltype(type);
        return check(launch(one_pass<T>, dim3((unsigned)N), THREADS, 0, s, outputs, (const T *)logits,
                            (const int32_t *)targets, V), "lab");
    });
}

const Register step("3 one pass", "the maximum moves as the row goes by", run);

} // namespace
} // namespace intuitor::cuda::lab
