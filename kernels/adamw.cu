/*
 * AdamW (Loshchilov & Hutter 2019). Bound by memory (16 bytes read, 12 written a parameter), so the scalars are folded
 * beforehand:  p -= step_size m / (sqrt(v) / sqrt(1 - b2^t) + eps) + decay p.
 */
#include <cmath>

#include "common.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 256, N = VECTOR<float>;

struct Scalars {
    float grad_scale, beta1, rest1, beta2, rest2, step_size, inverse_root, eps, decay;
};

template <bool ALIGNED>
__device__ __forceinline__ void update(float *param, const float *grad, float *m, float *v, int64_t count,
                                       const Scalars &c) {
    float p[N], g[N], first[N], second[N];
    load_vector<ALIGNED>(p, param, count);
    load_vector<ALIGNED>(g, grad, count);
    load_vector<ALIGNED>(first, m, count);
    load_vector<ALIGNED>(second, v, count);
#pragma unroll
    for (int j = 0; j < N; j++) {
        g[j] *= c.grad_scale;
        first[j] = fmaf(first[j], c.beta1, g[j] * c.rest1);
        second[j] = fmaf(second[j], c.beta2, g[j] * g[j] * c.rest2);
        float change = c.step_size * first[j] / fmaf(sqrtf(second[j]), c.inverse_root, c.eps);
        p[j] -= fmaf(p[j], c.decay, change);
    }
    store_vector<ALIGNED>(m, first, count);
    store_vector<ALIGNED>(v, second, count);
    store_vector<ALIGNED>(param, p, count);
}

/* N parameters a thread; the last ones, where they are fewer, one by one. */
template <bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
step_parameters(float *param, const float *grad, float *m, float *v, int64_t n, Scalars c) {
    int64_t i = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * N, count = n - i;
    if (ALIGNED && count >= N) {
        update<true>(param + i, grad + i, m + i, v + i, N, c);
    } else if (count > 0) {
        update<false>(param + i, grad + i, m + i, v + i, count, c);
    }
}

} // namespace

int adamw(it_addr param, it_addr grad, it_addr m, it_addr v, int64_t n, float lr, float beta1, float beta2, float eps,
          float weight_decay, float grad_scale, int64_t step, it_stream s) {
    IT_CHECK(n >= 0 && n / (THREADS * N) < INT32_MAX, "n is %lld", (long long)n);
    IT_CHECK(n == 0 || (param && grad && m && v), "null address");
    IT_CHECK(step >= 1, "step %lld: the first step is 1", (long long)step);
    IT_CHECK(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "beta1 %g, beta2 %g", beta1, beta2);
    if (n == 0) return IT_OK;
    Scalars scalars = {grad_scale,
                       beta1,
                       1 - beta1,
                       beta2,
                       1 - beta2,
                       (float)(lr / (1 - std::pow((double)beta1, (double)step))),
                       (float)(1 / std::sqrt(1 - std::pow((double)beta2, (double)step))),
                       eps,
                       (float)((double)lr * weight_decay)};
    bool vectors = aligned<float>(N, param, grad, m, v);
    return check(launch(vectors ? step_parameters<true> : step_parameters<false>,
                        dim3((unsigned)ceil_div(n, THREADS * N)), THREADS, 0, s, (float *)param, (const float *)grad,
                        (float *)m, (float *)v, n, scalars), "adamw");
}

} // namespace intuitor::cuda
