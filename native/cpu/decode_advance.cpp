/* The end of a step of decoding: what was drawn is kept, and the next step's inputs are made of it. */
#include <algorithm>

#include "error.h"
#include "kernels.h"

namespace intuitor::INTUITOR_ISA {

int decode_advance(const it_decode_run *run, it_addr token_, it_addr logprob, it_addr entropy, it_addr self_certainty,
                   it_stream) {
    IT_CHECK(run, "null run");
    const it_decode_run &r = *run;
    IT_CHECK(r.N >= 0 && r.K >= 0 && r.stop_count >= 0, "sizes N %lld, K %lld, stop_count %lld", (long long)r.N,
             (long long)r.K, (long long)r.stop_count);
    if (r.N == 0) return IT_OK;
    IT_CHECK(r.ids && r.positions && r.cache_rows && r.segments && r.draw_positions && r.pages && r.drawn && r.limit &&
                 (r.log || r.K == 0) && (r.stop_tokens || r.stop_count == 0) && token_ && logprob && entropy &&
                 self_certainty,
             "null address");
    IT_CHECK(r.page_size > 0, "page size %lld", (long long)r.page_size);
    const int32_t *tokens = (const int32_t *)token_, *stop = (const int32_t *)r.stop_tokens;
    int32_t *drawn = (int32_t *)r.drawn, *limit = (int32_t *)r.limit;
    for (int64_t n = 0; n < r.N; n++) {
        IT_CHECK(drawn[n] >= 0 && limit[n] <= r.K, "sequence %lld has drawn %d of %d tokens, the log has room for %lld",
                 (long long)n, drawn[n], limit[n], (long long)r.K);
        if (drawn[n] >= limit[n]) continue;
        const int32_t token = tokens[n];
        ((it_drawn *)r.log)[drawn[n] * r.N + n] = {token, ((const float *)logprob)[n], ((const float *)entropy)[n],
                                                   ((const float *)self_certainty)[n]};
        drawn[n]++;
        if (std::find(stop, stop + r.stop_count, token) != stop + r.stop_count) limit[n] = drawn[n];
        if (drawn[n] >= limit[n]) continue;
        it_segment &segment = ((it_segment *)r.segments)[n];
        ((int32_t *)r.ids)[n] = token;
        ((int32_t *)r.positions)[n]++;
        ((int32_t *)r.draw_positions)[n]++;
        const int64_t row = (int64_t)segment.k_start + segment.k_len++;
        const int32_t *pages = (const int32_t *)r.pages;
        ((int32_t *)r.cache_rows)[n] = (int32_t)(pages[row / r.page_size] * r.page_size + row % r.page_size);
    }
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
