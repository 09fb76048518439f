/*
 * The engine's own: FlashAttention-2 on the tensor cores, mma.m16n8k16, 32 rows a warp, scores and result in registers,
 * probabilities the next product's operand without leaving their thread, copies while the block computes.
 * ../attention_forward.cu explains it, docs/kernels/attention.md counts it.
 *
 * That is bf16 with D = 64 or 128. In fp32 and for other heads it is ../attention_generic.cu, step 2 with larger blocks
 * of registers; single queries go to ../attention_decode.cu.
 *
 * Prediction for an H100: 300 to 350 TFLOP/s, as FlashAttention-2 there; 0.6 to 0.7 ms at [4, 4096, 12, 128].
 */
#include "attention.cuh"

namespace intuitor::cuda::lab {

namespace {

const RegisterAttention step("3 mma", "FlashAttention-2 on tensor cores; the engine's kernel", attention_forward);

} // namespace
} // namespace intuitor::cuda::lab
