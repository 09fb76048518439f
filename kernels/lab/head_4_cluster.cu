/*
 * Step 3 by clusters of two blocks, which have the same tile of W and 128 rows each: a block loads its rows, and half
 * of the tile of W into both blocks' shared memory (TMA's multicast). A stage is full when all bytes have come, from
 * either block, and empty when the warps of both blocks are done with it: they stay within four stages of each other.
 *
 * Prediction for an H100: 32 KB from L2 for 4.2 MFLOP of a block instead of 48, at 700 TFLOP/s 5.3 TB/s instead of 8:
 * what L2 has, so that it is no more the bound. 560 to 640 TFLOP/s at H = 1536, where the reduction still costs up to
 * 9% if the warpgroups do not drift apart, 590 to 670 at 2048, 620 to 700 at 3584.
 */
#include "head_wgmma.cuh"

namespace intuitor::cuda::lab {

namespace {

const RegisterHead step("4 cluster", "two blocks share tiles of W: multicast by TMA", run_head<hopper::run<2>>,
                        on_hopper);

} // namespace
} // namespace intuitor::cuda::lab
