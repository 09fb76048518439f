/* The fused LM head is for tensor cores: on the CPU, a product in tiles and vocab_accumulate, or whole rows and sample,
   lose nothing to a kernel of one piece. */
#include "kernels.h"

namespace intuitor::INTUITOR_ISA {

static int unsupported(const char *function) {
    return fail(IT_UNSUPPORTED, function, "this kernel is for GPUs of compute capability 9.0");
}

int lm_head_forward(it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, float, float, int64_t,
                    int64_t, int64_t, int32_t, it_stream) {
    return unsupported(__func__);
}

int lm_head_sample(it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, const it_sampling *, float,
                   int64_t, int64_t, int64_t, int32_t, it_stream) {
    return unsupported(__func__);
}

} // namespace intuitor::INTUITOR_ISA
