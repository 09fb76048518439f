/*
 * What sm_90 does asynchronously, on the emulated device: barriers in shared memory that count arrivals and bytes
 * (mbarrier), copies of tiles by tensor maps (TMA) and products of a warpgroup (WGMMA).
 *
 * Everything happens as late as it may: a tile arrives when somebody waits for its barrier and finds it complete, a
 * product is computed when it is waited for. Meanwhile the tile's memory and the product's accumulators hold NaN. So
 * a kernel that reads too early, or that gives a stage back before the products that read it are done, gets NaN; a
 * barrier that never completes ends the launch as a deadlock.
 */
#pragma once
#include "cuda.h"
#include "emulator.h"

namespace intuitor::emulation {

/* mbarrier.init, for so many arrivals; unknown to the copies before fence_barrier_init. */
void barrier_init(const char *site, uint64_t *barrier, unsigned count);
void fence_barrier_init();
/* mbarrier.arrive; mbarrier.arrive.expect_tx, with bytes that must arrive before the phase is complete. */
void barrier_arrive(const char *site, uint64_t *barrier, unsigned expected_bytes = 0);
/* Until the phase of this parity (that of the first is 0) is complete. */
void barrier_wait(const char *site, uint64_t *barrier, unsigned parity);

/* cp.async.bulk.tensor.2d: the tile whose first element is (x, y), zeros outside of the matrix. */
void load_tile(const char *site, void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y);

/* wgmma.fence, .mma_async.m64n256k16 (d += a b^T, or = if not `accumulate`; bf16, both operands K-major in shared
   memory under 128-byte swizzle), .commit_group and .wait_group. */
void product_fence(const char *site);
void product(const char *site, float (*d)[4], uint64_t a, uint64_t b, bool accumulate);
void product_commit(const char *site);
void product_wait(const char *site, int pending);

/* Whether a kernel has used one of these since forget_sm90(). */
bool used_sm90();
void forget_sm90();

} // namespace intuitor::emulation
