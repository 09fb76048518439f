/* What a step of the fused LM head is: a kernel made of ../lm_head.cuh, and a registration. */
#pragma once
#include "../lm_head.cuh"
#include "available.cuh"
#include "lab.cuh"

namespace intuitor::cuda::lab {

/* A step as the ABI has it: checks its arguments and calls STEP(head, stream). */
template <int (*STEP)(const Head &, it_stream)>
int run_head(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax, it_addr hidden,
             it_addr weight, it_addr targets, int64_t N, int64_t H, int64_t V, it_stream s) {
    if (int status = check_head("lab", N, H, V)) return status;
    if (!aligned<bf16>(H, hidden, weight)) {
        return fail(IT_INVALID, "lab", "rows of 16-byte blocks are needed: H a multiple of 8, addresses of 16");
    }
    if (N == 0) return IT_OK;
    if (!(lse && logprob && entropy && self_certainty && argmax && hidden && weight && targets)) {
        return fail(IT_INVALID, "lab", "null address");
    }
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, 1, 1, V);
    return STEP({outputs, (int32_t *)argmax, (const bf16 *)hidden, (const bf16 *)weight, (const int32_t *)targets,
                 (int)N, (int)H, (int)V}, s);
}

/* Makes a step known when the library is loaded. `available`: whether the device in use can run it. */
struct RegisterHead {
    RegisterHead(const char *name, const char *idea, decltype(it_lab_head::run) run, bool (*available)());
};

} // namespace intuitor::cuda::lab
