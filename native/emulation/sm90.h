/*
 * What sm_90 does asynchronously, on the emulated device: barriers in shared memory that count arrivals and bytes
 * (mbarrier), copies of tiles by tensor maps (TMA) and products of a warpgroup (WGMMA); and barriers of a part of the
 * block.
 *
 * Everything happens as late as it may: a tile arrives when somebody waits for its barrier and finds it complete, a
 * product is computed when it is waited for. Meanwhile the tile's memory and the product's registers, accumulators and
 * operand, hold NaN. So a kernel that reads too early, or that gives a stage back before the products that read it are
 * done, gets NaN; one that writes to registers which products use is told so; a barrier that never completes ends the
 * launch as a deadlock.
 *
 * Products and copies know of what threads have written to shared memory only after publish(): a product of anything
 * else ends the launch. (On the hardware a thread publishes its own writes; here, what is in the range by then.)
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
/* At the barrier at the same place in another block of the cluster. */
void barrier_arrive_at(const char *site, uint64_t *barrier, int rank);
/* Until the phase of this parity (that of the first is 0) is complete. */
void barrier_wait(const char *site, uint64_t *barrier, unsigned parity);

/* cp.async.bulk.tensor.2d and .3d: the tile whose first element is (x, y) of plane z, zeros outside. */
void load_tile(const char *site, void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y, int z = 0);
/* .multicast::cluster: into the same place of all blocks of the cluster whose bits are set, counted at their
   barriers. */
void load_tile_of(const char *site, void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y, int z,
                  unsigned blocks);
/* fence.proxy.async, for these bytes of shared memory. */
void publish(const char *site, const void *written, size_t bytes);

/* wgmma.fence, after product_registers for each set of registers that it is there for. */
void product_registers(const char *site, const void *registers, size_t bytes);
void product_fence(const char *site);
/* wgmma.mma_async.m64nNk16 of bf16, operands in shared memory under 128-byte swizzle. d = a b^T (+= if `accumulate`),
   both K-major; d = a b (+=), a in registers, b MN-major. */
void product(const char *site, float (*d)[4], int n, uint64_t a, uint64_t b, bool accumulate);
void product_transposed(const char *site, float (*d)[4], int n, uint32_t (&a)[4], uint64_t b, bool accumulate);
/* .commit_group and .wait_group. */
void product_commit(const char *site);
void product_wait(const char *site, int pending);

/* bar.sync, or bar.arrive if not `wait`. */
void part_barrier(const char *site, int id, int threads, bool wait);

/* Whether a kernel has used one of these since forget_sm90(). */
bool used_sm90();
void forget_sm90();

} // namespace intuitor::emulation
