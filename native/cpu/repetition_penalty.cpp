/* The repetition penalty on logits. */
#include "error.h"
#include "kernels.h"

namespace intuitor::INTUITOR_ISA {

int repetition_penalty(it_addr logits, int64_t ld, it_addr tokens, it_addr offsets, float penalty, int64_t N, int64_t V,
                       it_stream) {
    IT_CHECK(N >= 0 && V > 0 && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V, (long long)ld);
    IT_CHECK(N == 0 || (logits && tokens && offsets), "null address");
    IT_CHECK(penalty > 0, "penalty %g", penalty);
    const int32_t *token = (const int32_t *)tokens, *offset = (const int32_t *)offsets;
    for (int64_t n = 0; n < N; n++) {
        float *z = (float *)logits + n * ld;
        for (int32_t i = offset[n]; i < offset[n + 1]; i++) {
            IT_CHECK(token[i] >= 0 && token[i] < V, "row %lld has token %d, the vocabulary has %lld", (long long)n,
                     token[i], (long long)V);
            float &x = z[token[i]];
            x = x > 0 ? x / penalty : x * penalty;
        }
    }
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
