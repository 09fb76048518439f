/* The LM head fused with the reduction of its logits; and what every fused head ends with: rows from their strips. */
#include "lm_head_wgmma.cuh"

namespace intuitor::cuda {

namespace {

/* A warp a row. */
__global__ void __launch_bounds__(VOCAB_THREADS)
finish(Head head, const VocabSums<float> *strips, const float *target_logits) {
    int n = blockIdx.x * VOCAB_WARPS + threadIdx.x / WARP, count = head_strips(head.V);
    if (n >= head.N) return;
    VocabState row;
    float highest;
    int32_t column;
    add_strips(row.sums, highest, column, strips + (int64_t)n * count, count);
    if (threadIdx.x % WARP == 0) {
        head.outputs.write(n, row.sums, head.targets ? target_logits[n] : 0);
        if (head.argmax) head.argmax[n] = column;
    }
}

} // namespace

int finish_head(const char *function, const Head &head, const VocabSums<float> *strips, const float *target_logits,
                it_stream s) {
    return check(launch(finish, dim3((unsigned)ceil_div(head.N, VOCAB_WARPS)), VOCAB_THREADS, 0, s, head, strips,
                        target_logits), function);
}

int lm_head_forward(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax,
                    it_addr hidden, it_addr weight, it_addr targets, float temperature, float certainty_temperature,
                    int64_t N, int64_t H, int64_t V, int32_t dtype, it_stream s) {
    if (int status = support_head(__func__, hidden, weight, H, dtype)) return status;
    if (int status = check_head(__func__, N, H, V)) return status;
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    if (N == 0) return IT_OK;
    IT_CHECK(hidden && weight, "null address");
    IT_CHECK(!logprob || targets, "logprob without targets");
    if (!self_certainty) certainty_temperature = temperature;
    if (!lse && !logprob && !entropy) temperature = certainty_temperature; // one set of sums will do
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, temperature, certainty_temperature, V);
    Head head = {outputs, (int32_t *)argmax, (const bf16 *)hidden, (const bf16 *)weight,
                 logprob ? (const int32_t *)targets : nullptr, (int)N, (int)H, (int)V};
    return outputs.two ? hopper::reduce<2, true>(__func__, head, s) : hopper::reduce<2, false>(__func__, head, s);
}

} // namespace intuitor::cuda
