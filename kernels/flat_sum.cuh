/*
 * The sum of f(x[i]) over a flat fp32 buffer, at the speed of memory: a block of threads for each fixed block of
 * FLAT_BLOCK elements leaves a partial sum, and one block of threads adds those. The order depends on n alone.
 */
#pragma once
#include "common.cuh"

namespace intuitor::cuda {

constexpr int FLAT_THREADS = 256, FLAT_TOTAL_THREADS = 1024;
constexpr int64_t FLAT_BLOCK = 1 << 16;

template <class Sums, class F, bool ALIGNED>
__global__ void __launch_bounds__(FLAT_THREADS) sum_blocks(Sums *sums, const float *x, int64_t n) {
    constexpr int N = VECTOR<float>;
    int64_t begin = blockIdx.x * FLAT_BLOCK, count = n - begin;
    const float *from = x + begin;
    Sums sum[N] = {};
    if (ALIGNED && count >= FLAT_BLOCK) {
#pragma unroll 8
        for (int i = 0; i < FLAT_BLOCK / (FLAT_THREADS * N); i++) {
            float v[N];
            load_vector<true>(v, from + (i * FLAT_THREADS + threadIdx.x) * N);
#pragma unroll
            for (int j = 0; j < N; j++) sum[j] += F()(v[j]);
        }
    } else { // the same elements in the same order
        int last = (int)min(count, FLAT_BLOCK);
        for (int i = threadIdx.x * N; i < last; i += FLAT_THREADS * N) {
            float v[N];
            load_vector<false>(v, from + i, last - i);
#pragma unroll
            for (int j = 0; j < N; j++) sum[j] += F()(v[j]);
        }
    }
    Sums total = block_reduce<FLAT_THREADS>((sum[0] + sum[1]) + (sum[2] + sum[3]), Sum());
    if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

template <class Sums>
__global__ void __launch_bounds__(FLAT_TOTAL_THREADS) sum_total(Sums *out, const Sums *sums, int64_t blocks) {
    Sums sum = 0;
#pragma unroll 4
    for (int64_t b = threadIdx.x; b < blocks; b += FLAT_TOTAL_THREADS) sum += sums[b];
    sum = block_reduce<FLAT_TOTAL_THREADS>(sum, Sum());
    if (threadIdx.x == 0) *out = sum;
}

/* out[0] = sum of F()(x[i]), i < n, in the type Sums; F()(0) is 0. */
template <class Sums, class F>
int launch_flat_sum(const char *function, it_addr out, it_addr x, int64_t n, it_stream s) {
    int64_t blocks = ceil_div(n, FLAT_BLOCK);
    if (n < 0 || blocks > INT32_MAX) return fail(IT_INVALID, function, "%lld elements", (long long)n);
    if (!out || (n > 0 && !x)) return fail(IT_INVALID, function, "null address");
    Workspace partial((size_t)(blocks + 1) * sizeof(Sums), s);
    if (int status = check(partial.error, function)) return status;
    Sums *sums = partial.get<Sums>();
    if (blocks > 0) {
        bool vectors = aligned<float>(VECTOR<float>, x);
        cudaError_t error = launch(vectors ? sum_blocks<Sums, F, true> : sum_blocks<Sums, F, false>,
                                   dim3((unsigned)blocks), FLAT_THREADS, 0, s, sums, (const float *)x, n);
        if (int status = check(error, function)) return status;
    }
    return check(launch(sum_total<Sums>, dim3(1), FLAT_TOTAL_THREADS, 0, s, (Sums *)out, (const Sums *)sums, blocks),
                 function);
}

} // namespace intuitor::cuda
