/*
 * 16 bytes a load, several loads in flight before the first is used, and one test for a new maximum for all that they
 * bring.
 *
 * Prediction: 8 bf16 logits a load instead of one, and 32 a lane under way: memory-bound for many rows, about 85% of
 * the ceiling (the last rows leave multiprocessors idle: 4096 rows are 3.9 waves of 1056 blocks). With few rows there
 * are fewer blocks than multiprocessors, and no kernel that gives a row to one block can be fast: step 5.
 */
#include "lab.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int THREADS = 256;
constexpr int LOADS = 4;

template <class T, bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
vectors(VocabOutputs outputs, const T *logits, const int32_t *targets, int64_t V) {
    constexpr int N = VECTOR<T>, BATCH = LOADS * THREADS * N;
    int64_t n = blockIdx.x;
    const T *z = logits + n * V;
    LaneSums lane;
    for (int64_t from = 0; from < V; from += BATCH) {
        uint4 bits[LOADS];
        int64_t left[LOADS];
#pragma unroll
        for (int v = 0; v < LOADS; v++) {
            int64_t i = from + (v * THREADS + threadIdx.x) * N;
            left[v] = V - i;
            bits[v] = load_raw<ALIGNED>(z + i, left[v]);
        }
        float highest = NO_SHIFT;
#pragma unroll
        for (int v = 0; v < LOADS; v++) {
            float x[N];
            widen<T>(x, bits[v]);
#pragma unroll
            for (int i = 0; i < N; i++) {
                if (i < left[v]) highest = fmaxf(highest, x[i]);
            }
        }
        if (outputs.c * highest > lane.shift) lane.move(outputs.c * highest);
#pragma unroll
        for (int v = 0; v < LOADS; v++) {
            float x[N];
            widen<T>(x, bits[v]);
#pragma unroll
            for (int i = 0; i < N; i++) {
                if (i < left[v]) lane.add(outputs.c, x[i]);
            }
        }
    }
    write_row_of_block<THREADS>(outputs, n, lane, to_float(z[targets[n]]));
}

int run(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
        int64_t N, int64_t V, int32_t dtype, it_stream s) {
    return reduction(lse, logprob, entropy, self_certainty, logits, targets, N, V, dtype, [=](auto type, auto outputs) {
        using T = decltype(type);
        auto kernel = aligned<T>(V, logits) ? vectors<T, true> : vectors<T, false>;
        return check(launch(kernel, dim3((unsigned)N), THREADS, 0, s, outputs, (const T *)logits,
                            (const int32_t *)targets, V), "lab");
    });
}

const Register step("4 vectors", "16 bytes a load, four loads in flight, one test for 32 logits", run);

} // namespace
} // namespace intuitor::cuda::lab
