/* The fused LM head is for tensor cores: on the CPU, a product in tiles and vocab_accumulate (intuitor.device.TiledHead)
   lose nothing to a kernel of one piece. */
#include "kernels.h"

namespace intuitor::INTUITOR_ISA {

int lm_head_forward(it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, it_addr, float, float, int64_t,
                    int64_t, int64_t, int32_t, it_stream) {
    return fail(IT_UNSUPPORTED, __func__, "this kernel is for GPUs of compute capability 9.0");
}

} // namespace intuitor::INTUITOR_ISA
