/*
 * Fused, for Hopper (sm_90a): products of a warpgroup (WGMMA, m64n256k16) that read both operands from shared memory,
 * tiles brought there by TMA, specialised warps, persistent blocks. The engine's kernel without its clusters:
 * ../lm_head_wgmma.cuh explains it.
 *
 * Prediction for an H100: products alone as fast as the tensor cores go, 660 to 790 TFLOP/s on random data. L2 gives a
 * block 48 KB for 4.2 MFLOP: at 700 TFLOP/s that would be 8 TB/s, more than the 5.5 to 6 that are measured there, so
 * 480 to 530 at first; two blocks of a cluster that share the tile of W (multicast) would need 5.3 TB/s for 700. While
 * one warpgroup reduces, the other multiplies as long as it finds stages: 4 stages are 2100 clocks of its products, a
 * reduction 1300. So at best it hides, at worst it costs 9% at H = 1536.
 */
#include "../lm_head_wgmma.cuh"
#include "head.cuh"

namespace intuitor::cuda::lab {

namespace {

int run(const Head &head, it_stream s) { return hopper::reduce<1, false>("lab", head, s); }

const RegisterHead step("3 wgmma", "fused, sm_90a: WGMMA, TMA, specialised warps, persistent", run_head<run>,
                        on_hopper);

} // namespace
} // namespace intuitor::cuda::lab
