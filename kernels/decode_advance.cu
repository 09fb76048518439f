/* The end of a step of decoding: what was drawn is kept, and the next step's inputs are made of it. */
#include "common.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 128;

/* A thread is for a sequence. */
__global__ void __launch_bounds__(THREADS)
advance(it_decode_run r, const int32_t *tokens, const float *logprob, const float *entropy,
        const float *self_certainty) {
    const int64_t n = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (n >= r.N) return;
    int32_t drawn = ((const int32_t *)r.drawn)[n], limit = ((const int32_t *)r.limit)[n];
    if (drawn >= limit) return;
    const int32_t token = tokens[n];
    ((it_drawn *)r.log)[drawn * r.N + n] = {token, logprob[n], entropy[n], self_certainty[n]};
    ((int32_t *)r.drawn)[n] = ++drawn;
    const int32_t *stop_tokens = (const int32_t *)r.stop_tokens;
    bool stops = false;
    for (int64_t i = 0; i < r.stop_count; i++) stops |= stop_tokens[i] == token;
    if (stops) ((int32_t *)r.limit)[n] = limit = drawn;
    if (drawn >= limit) return;
    it_segment &segment = ((it_segment *)r.segments)[n];
    ((int32_t *)r.ids)[n] = token;
    ((int32_t *)r.positions)[n]++;
    ((int32_t *)r.draw_positions)[n]++;
    const int64_t row = (int64_t)segment.k_start + segment.k_len++;
    const int64_t page = ((const int32_t *)r.pages)[row / r.page_size];
    ((int32_t *)r.cache_rows)[n] = (int32_t)(page * r.page_size + row % r.page_size);
}

} // namespace

int decode_advance(const it_decode_run *run, it_addr token, it_addr logprob, it_addr entropy, it_addr self_certainty,
                   it_stream s) {
    IT_CHECK(run, "null run");
    const it_decode_run r = *run;
    IT_CHECK(r.N >= 0 && r.N <= INT32_MAX && r.K >= 0 && r.stop_count >= 0, "sizes N %lld, K %lld, stop_count %lld",
             (long long)r.N, (long long)r.K, (long long)r.stop_count);
    if (r.N == 0) return IT_OK;
    IT_CHECK(r.ids && r.positions && r.cache_rows && r.segments && r.draw_positions && r.pages && r.drawn && r.limit &&
                 (r.log || r.K == 0) && (r.stop_tokens || r.stop_count == 0) && token && logprob && entropy &&
                 self_certainty,
             "null address");
    IT_CHECK(r.page_size > 0, "page size %lld", (long long)r.page_size);
    return check(launch(advance, dim3((unsigned)ceil_div(r.N, THREADS)), THREADS, 0, s, r, (const int32_t *)token,
                        (const float *)logprob, (const float *)entropy, (const float *)self_certainty),
                 __func__);
}

} // namespace intuitor::cuda
