/*
 * AdamW (Loshchilov & Hutter 2019). Bound by memory (16 bytes read, 12 written a parameter), so the scalars are folded
 * beforehand:  p -= step_size m / (sqrt(v) / sqrt(1 - b2^t) + eps) + decay p.
 */
#include <cmath>

#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

int adamw(it_addr param_, it_addr grad_, it_addr m_, it_addr v_, int64_t n, float lr, float beta1, float beta2,
          float eps, float weight_decay, float grad_scale, int64_t step, it_stream) {
    IT_CHECK(n >= 0, "n is %lld", (long long)n);
    IT_CHECK(n == 0 || (param_ && grad_ && m_ && v_), "null address");
    IT_CHECK(step >= 1, "step %lld: the first step is 1", (long long)step);
    IT_CHECK(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "beta1 %g, beta2 %g", beta1, beta2);
    float *param = (float *)param_, *m = (float *)m_, *v = (float *)v_;
    const float *grad = (const float *)grad_;
    const float step_size = (float)(lr / (1 - std::pow((double)beta1, (double)step)));
    const float inverse_root = (float)(1 / std::sqrt(1 - std::pow((double)beta2, (double)step)));
    const float decay = (float)((double)lr * weight_decay), rest1 = 1 - beta1, rest2 = 1 - beta2;

    parallel_blocks(n, 1 << 14, [=](int64_t begin, int64_t end) {
        each_vector(end - begin, [=](int64_t i, auto count) {
            i += begin;
            vf g = load(grad + i, count) * set1(grad_scale), p = load(param + i, count);
            vf first = fma(load(m + i, count), set1(beta1), g * set1(rest1));
            vf second = fma(load(v + i, count), set1(beta2), g * g * set1(rest2));
            store(m + i, first, count);
            store(v + i, second, count);
            vf change = set1(step_size) * first / fma(sqrt(second), set1(inverse_root), set1(eps));
            store(param + i, p - fma(p, set1(decay), change), count);
        });
    });
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
