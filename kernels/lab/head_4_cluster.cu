/*
 * The engine's own: step 3 by clusters of two blocks, which have the same tile of W and 128 rows each: a block loads
 * its rows, and half of the tile of W into both blocks' shared memory (TMA's multicast). A stage is full when all bytes
 * have come, from either block, and empty when the warps of both blocks are done with it: they stay within four stages
 * of each other.
 *
 * Prediction for an H100: 32 KB from L2 for 4.2 MFLOP of a block instead of 48, at 700 TFLOP/s 5.3 TB/s instead of 8:
 * what L2 has, so that it is no more the bound. 560 to 640 TFLOP/s at H = 1536, where the reduction still costs up to
 * 9% if the warpgroups do not drift apart, 590 to 670 at 2048, 620 to 700 at 3584.
 */
#include "head.cuh"

namespace intuitor::cuda::lab {

namespace {

int run(const Head &head, it_stream s) {
    const VocabOutputs &out = head.outputs;
    return lm_head_forward((it_addr)out.lse, (it_addr)out.logprob, (it_addr)out.entropy, (it_addr)out.self_certainty,
                           (it_addr)head.argmax, (it_addr)head.hidden, (it_addr)head.weight, (it_addr)head.targets, 1,
                           1, head.N, head.H, head.V, IT_BF16, s);
}

const RegisterHead step("4 cluster", "two blocks share tiles of W: multicast by TMA; the engine's kernel",
                        run_head<run>, on_hopper);

} // namespace
} // namespace intuitor::cuda::lab
