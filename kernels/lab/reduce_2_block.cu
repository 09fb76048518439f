/*
 * A block a row: neighbouring lanes read neighbouring logits, and a tree adds up what the lanes have. Still two loops.
 *
 * Prediction: coalesced, so every sector that is fetched is used; but the row is read twice. 132 multiprocessors with
 * 8 blocks each hold 1056 rows of 304 KB in flight, 320 MB: the second loop finds little of them in 50 MB of L2. So
 * half of the ceiling at best; and a load brings a lane 2 bytes: the number of load instructions may bind first.
 */
#include "lab.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int THREADS = 256;

template <class T>
__global__ void __launch_bounds__(THREADS)
block_a_row(VocabOutputs outputs, const T *logits, const int32_t *targets, int64_t V) {
    int64_t n = blockIdx.x;
    const T *z = logits + n * V;
    float highest = -INFINITY;
    for (int64_t j = threadIdx.x; j < V; j += THREADS) highest = fmaxf(highest, to_float(z[j]));
    LaneSums lane = {outputs.c * block_reduce<THREADS>(highest, Max())};
    for (int64_t j = threadIdx.x; j < V; j += THREADS) lane.add(outputs.c, to_float(z[j]));
    write_row_of_block<THREADS>(outputs, n, lane, to_float(z[targets[n]]));
}

int run(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
        int64_t N, int64_t V, int32_t dtype, it_stream s) {
    return reduction(lse, logprob, entropy, self_certainty, logits, targets, N, V, dtype, [=](auto type, auto outputs) {
        using T = decltype(type);
        return check(launch(block_a_row<T>, dim3((unsigned)N), THREADS, 0, s, outputs, (const T *)logits,
                            (const int32_t *)targets, V), "lab");
    });
}

const Register step("2 a block a row", "neighbouring lanes read neighbouring logits", run);

} // namespace
} // namespace intuitor::cuda::lab
