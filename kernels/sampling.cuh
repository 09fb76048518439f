/* What the kernels that draw tokens verify of a call alike: it_sampling, as the ABI describes it. */
#pragma once
#include <cmath>

#include "common.cuh"

namespace intuitor::cuda {

/* A row of V logits can be drawn from like this; else a status. NaN is refused, too. */
inline int check_sampling(const char *function, const it_sampling &s, float certainty_temperature, int64_t V) {
    if (!(s.temperature >= 0 && s.temperature < INFINITY)) {
        return fail(IT_INVALID, function, "temperature %g", s.temperature);
    }
    if (!(certainty_temperature > 0)) {
        return fail(IT_INVALID, function, "certainty temperature %g", certainty_temperature);
    }
    if (s.top_k < 0) return fail(IT_INVALID, function, "top_k %d", s.top_k);
    if (!(s.top_p > 0 && s.top_p <= 1)) return fail(IT_INVALID, function, "top_p %g is not in (0, 1]", s.top_p);
    if (!(s.min_p >= 0 && s.min_p <= 1)) return fail(IT_INVALID, function, "min_p %g is not in [0, 1]", s.min_p);
    if (s.valid_vocab <= 0 || s.valid_vocab > V) {
        return fail(IT_INVALID, function, "valid_vocab %d, V %lld", s.valid_vocab, (long long)V);
    }
    return IT_OK;
}

} // namespace intuitor::cuda
