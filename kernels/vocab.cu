/* Log-probability, entropy and self-certainty of rows of logits, and the gradient of the log-probability. */
#include "vocab.cuh"

namespace intuitor::cuda {

namespace {

/* --- vocab_reduce, whole and in two halves ----------------------------------------------------------------------- */

/* The row of a warp, or N and beyond. */
__device__ __forceinline__ int64_t row_of_warp() { return (int64_t)blockIdx.x * VOCAB_WARPS + threadIdx.x / WARP; }

/* The outputs of a row from its strips, a warp a row. */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(VOCAB_THREADS)
finish_rows(VocabOutputs outputs, int32_t *argmax, const VocabSums<float> *strips, const T *logits, int64_t ld,
            const int32_t *targets, int64_t N, int64_t V) {
    const int64_t n = row_of_warp();
    if (n >= N) return;
    const T *z = logits + n * ld;
    VocabState row;
    add_tile<T, ALIGNED>(row.sums, strips + n * vocab_strips(V), z, V, 0, argmax);
    if (threadIdx.x % WARP == 0) {
        if (argmax) argmax[n] = row.sums.first;
        outputs.write(n, row.sums, outputs.logprob ? to_float(z[targets[n]]) : 0);
    }
}

/* The strips of a tile of columns to a row's state, a warp a row. */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(VOCAB_THREADS)
add_to_states(VocabState *state, const VocabSums<float> *strips, const T *logits, int64_t ld, int64_t first,
              const int32_t *targets, int64_t N, int64_t columns) {
    const int64_t n = row_of_warp();
    if (n >= N) return;
    const T *z = logits + n * ld;
    VocabState row;
    if (first > 0) row = state[n];
    __syncwarp(); // a lane writes it below
    add_tile<T, ALIGNED>(row.sums, strips + n * vocab_strips(columns), z, columns, first, true);
    if (threadIdx.x % WARP == 0) {
        const int64_t target = targets ? targets[n] - first : -1;
        if (target >= 0 && target < columns) row.target_logit = to_float(z[target]);
        state[n] = row;
    }
}

/* The outputs of a row from its state, a thread a row. */
__global__ void __launch_bounds__(VOCAB_THREADS)
finish_states(VocabOutputs outputs, int32_t *argmax, const VocabState *state, int64_t N) {
    const int64_t n = (int64_t)blockIdx.x * VOCAB_THREADS + threadIdx.x;
    if (n >= N) return;
    const VocabState row = state[n];
    if (argmax) argmax[n] = row.sums.first;
    outputs.write(n, row.sums, row.target_logit);
}

} // namespace

int vocab_reduce(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax, it_addr logits,
                 int64_t ld, it_addr targets, float temperature, float certainty_temperature, int64_t N, int64_t V,
                 int32_t dtype, it_stream s) {
    if (int status = check_vocab(__func__, N, V, ld)) return status;
    IT_CHECK(N == 0 || logits, "null logits");
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    IT_CHECK(N == 0 || !logprob || targets, "logprob without targets");
    if (!self_certainty) certainty_temperature = temperature;
    if (!lse && !logprob && !entropy) temperature = certainty_temperature; // one set of sums will do
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, temperature, certainty_temperature, V);
    return with_storage(__func__, dtype, [=](auto type) {
        using T = decltype(type);
        if (N == 0) return (int)IT_OK;
        IT_WORKSPACE("vocab_reduce", strips, strips_bytes(N, V), s);
        auto z = (const T *)logits;
        auto sums = strips.template get<VocabSums<float>>();
        return with_flag(aligned<T>(ld, logits), [&](auto is_aligned) {
            constexpr bool ALIGNED = is_aligned.value;
            IT_CUDA_IN("vocab_reduce", (launch_sum_strips<T, ALIGNED>(sums, z, ld, N, V, V, outputs, s)));
            return check(launch(finish_rows<T, ALIGNED>, dim3((unsigned)ceil_div(N, VOCAB_WARPS)), VOCAB_THREADS, 0, s,
                                outputs, (int32_t *)argmax, sums, z, ld, (const int32_t *)targets, N, V),
                         "vocab_reduce");
        });
    });
}

int vocab_accumulate(it_addr state, it_addr logits, int64_t ld, int64_t first, it_addr targets, float temperature,
                     float certainty_temperature, int64_t N, int64_t columns, int32_t dtype, it_stream s) {
    if (int status = check_vocab(__func__, N, columns, ld)) return status;
    IT_CHECK(first >= 0 && first % IT_VOCAB_SEGMENT == 0 && first <= INT32_MAX - columns,
             "a tile begins at column %lld, not at a multiple of %d below 2^31", (long long)first, IT_VOCAB_SEGMENT);
    IT_CHECK(N == 0 || (state && logits), "null address");
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    VocabScales scales(temperature, certainty_temperature);
    return with_storage(__func__, dtype, [=](auto type) {
        using T = decltype(type);
        if (N == 0) return (int)IT_OK;
        IT_WORKSPACE("vocab_accumulate", strips, strips_bytes(N, columns), s);
        auto z = (const T *)logits;
        auto sums = strips.template get<VocabSums<float>>();
        return with_flag(aligned<T>(ld, logits), [&](auto is_aligned) {
            constexpr bool ALIGNED = is_aligned.value;
            IT_CUDA_IN("vocab_accumulate",
                       (launch_sum_strips<T, ALIGNED>(sums, z, ld, N, columns, columns, scales, s)));
            return check(launch(add_to_states<T, ALIGNED>, dim3((unsigned)ceil_div(N, VOCAB_WARPS)), VOCAB_THREADS, 0,
                                s, (VocabState *)state, sums, z, ld, first, (const int32_t *)targets, N, columns),
                         "vocab_accumulate");
        });
    });
}

int vocab_finish(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax, it_addr state,
                 float temperature, float certainty_temperature, int64_t N, int64_t V, it_stream s) {
    if (int status = check_vocab(__func__, N, V, V)) return status;
    IT_CHECK(N == 0 || state, "null state");
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    if (N == 0) return IT_OK;
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, temperature, certainty_temperature, V);
    return check(launch(finish_states, dim3((unsigned)ceil_div(N, VOCAB_THREADS)), VOCAB_THREADS, 0, s, outputs,
                        (int32_t *)argmax, (const VocabState *)state, N), __func__);
}

/* --- logprob_backward --------------------------------------------------------------------------------------------- */

namespace {

constexpr int BACKWARD_BLOCK = VOCAB_THREADS * VOCAB_VECTORS; // vectors of a block

/*
 * z <- scale ([j = target] - 2^(c (z - lse temperature))), in place. lse temperature is taken in two parts, so that
 * large logits lose nothing: z - high is exact for the logits that matter.
 */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(VOCAB_THREADS)
backward(T *logits, int64_t ld, const float *lse, const int32_t *targets, const float *coefficient, float temperature,
         float c, int64_t V, unsigned blocks_per_row) {
    constexpr int N = VECTOR<T>;
    unsigned n = blockIdx.x / blocks_per_row;
    int64_t begin = (int64_t)(blockIdx.x % blocks_per_row) * BACKWARD_BLOCK * N;
    T *z = logits + n * ld;
    const int64_t target = targets[n];
    const float scale = coefficient[n] / temperature;
    const double center = (double)lse[n] * temperature;
    const float high = (float)center;
    const float low = (float)((center - high) * LOG2_E / temperature);
    auto probability = [=](float x) { return fast_exp2(fmaf(x - high, c, -low)); };

    if (begin + BACKWARD_BLOCK * N <= V && scale != 0) {
        float x[VOCAB_VECTORS][N];
#pragma unroll
        for (int v = 0; v < VOCAB_VECTORS; v++) {
            load_vector<ALIGNED>(x[v], z + begin + (v * VOCAB_THREADS + threadIdx.x) * N);
        }
#pragma unroll
        for (int v = 0; v < VOCAB_VECTORS; v++) {
            int64_t i = begin + (v * VOCAB_THREADS + threadIdx.x) * N;
            bool has_target = target >= i && target < i + N;
#pragma unroll
            for (int j = 0; j < N; j++) {
                float p = probability(x[v][j]);
                x[v][j] = -scale * p;
                if (has_target && i + j == target) x[v][j] = scale * (1 - p);
            }
            store_vector<ALIGNED>(z + i, x[v]);
        }
        return;
    }
    /* The end of a row, or a token that does not count: zeros, whatever its logits are. */
    int64_t end = min(begin + BACKWARD_BLOCK * N, V);
    for (int64_t j = begin + threadIdx.x; j < end; j += VOCAB_THREADS) {
        float d = 0;
        if (scale != 0) {
            float p = probability(to_float(z[j]));
            d = j == target ? scale * (1 - p) : -scale * p;
        }
        z[j] = from_float<T>(d);
    }
}

} // namespace

int logprob_backward(it_addr logits, int64_t ld, it_addr lse, it_addr targets, it_addr coefficient, float temperature,
                     int64_t N, int64_t V, int32_t dtype, it_stream s) {
    if (int status = check_vocab(__func__, N, V, ld)) return status;
    IT_CHECK(N == 0 || (logits && lse && targets && coefficient), "null address");
    IT_CHECK(temperature > 0, "temperature %g", temperature);
    return with_storage(__func__, dtype, [=](auto type) {
        using T = decltype(type);
        if (N == 0) return (int)IT_OK;
        unsigned blocks_per_row = (unsigned)ceil_div(V, BACKWARD_BLOCK * VECTOR<T>);
        auto kernel = aligned<T>(ld, logits) ? backward<T, true> : backward<T, false>;
        return check(launch(kernel, dim3((unsigned)N * blocks_per_row), VOCAB_THREADS, 0, s, (T *)logits, ld,
                            (const float *)lse, (const int32_t *)targets, (const float *)coefficient, temperature,
                            (float)(LOG2_E / temperature), V, blocks_per_row), "logprob_backward");
    });
}

} // namespace intuitor::cuda
