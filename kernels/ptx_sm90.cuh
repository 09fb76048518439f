/*
 * The instructions of sm_90a that the lab's kernels use, a wrapper each, like ptx.cuh: barriers in shared memory that
 * count arrivals and bytes (mbarrier), copies of tiles by tensor maps (TMA), products of a warpgroup (WGMMA). Only for
 * code under INTUITOR_SM90A: this device compilation, or the emulated device (native/emulation/sm90.h).
 */
#pragma once
#include <cuda.h>

#include "ptx.cuh"

#if defined(INTUITOR_EMULATION) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define INTUITOR_SM90A
#endif

#ifdef INTUITOR_EMULATION
#include "sm90.h"
#endif

#ifdef INTUITOR_SM90A
namespace intuitor::cuda {

/* The 32-bit address of shared memory that instructions take. */
__device__ __forceinline__ uint32_t shared_address(const void *p) {
#ifdef INTUITOR_EMULATION
    return emulation::shared_address(INTUITOR_EMULATION_SITE, p);
#else
    return (uint32_t)__cvta_generic_to_shared(p);
#endif
}

/* --- barriers ----------------------------------------------------------------------------------------------------- */

/* Makes 8 bytes of shared memory a barrier whose phases are complete after `count` arrivals, and after the bytes that
   these announce. One thread; then fence_barrier_init() and a barrier of the block. */
__device__ __forceinline__ void barrier_init(uint64_t *barrier, unsigned count) {
#ifdef INTUITOR_EMULATION
    emulation::barrier_init(INTUITOR_EMULATION_SITE, barrier, count);
#else
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count) : "memory");
#endif
}

/* Makes this thread's initialised barriers known to the copies. */
__device__ __forceinline__ void fence_barrier_init() {
#ifdef INTUITOR_EMULATION
    emulation::fence_barrier_init();
#else
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

__device__ __forceinline__ void barrier_arrive(uint64_t *barrier) {
#ifdef INTUITOR_EMULATION
    emulation::barrier_arrive(INTUITOR_EMULATION_SITE, barrier);
#else
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
#endif
}

/* Arrives, and announces bytes that copies will bring. */
__device__ __forceinline__ void barrier_arrive_expecting(uint64_t *barrier, unsigned bytes) {
#ifdef INTUITOR_EMULATION
    emulation::barrier_arrive(INTUITOR_EMULATION_SITE, barrier, bytes);
#else
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
                 : "memory");
#endif
}

/* Waits until the phase of this parity is complete: 0 for the first, then 1, 0, ... A barrier is born as if a phase of
   parity 1 had been completed. */
__device__ __forceinline__ void barrier_wait(uint64_t *barrier, unsigned parity) {
#ifdef INTUITOR_EMULATION
    emulation::barrier_wait(INTUITOR_EMULATION_SITE, barrier, parity);
#else
    uint32_t done;
    do {
        asm volatile("{\n"
                     ".reg .pred complete;\n"
                     "mbarrier.try_wait.parity.shared::cta.b64 complete, [%1], %2;\n"
                     "selp.u32 %0, 1, 0, complete;\n"
                     "}"
                     : "=r"(done)
                     : "r"(shared_address(barrier)), "r"(parity)
                     : "memory");
    } while (!done);
#endif
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

/* Starts the copy of the tile of `map` whose first element is column x of row y; zeros outside of the matrix. When it
   is there, all of the tile's bytes count at the barrier. One thread; the tile at a multiple of 1024 bytes. */
__device__ __forceinline__ void load_tile(void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y) {
#ifdef INTUITOR_EMULATION
    emulation::load_tile(INTUITOR_EMULATION_SITE, tile, map, barrier, x, y);
#else
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3, %4}], [%2];" ::"r"(shared_address(tile)),
                 "l"(map), "r"(shared_address(barrier)), "r"(x), "r"(y)
                 : "memory");
#endif
}

/* --- products of a warpgroup -------------------------------------------------------------------------------------- */

/*
 * The descriptor of a matrix of bf16 in shared memory, K-major, its rows 128 bytes and swizzled as load_tile() does:
 * chunk c (16 bytes) of row r at c ^ (r & 7). PTX ISA, "Matrix Descriptor Format": the address / 16 in bits 0 - 13; the
 * leading dimension's offset, not used with a swizzle, 1; from 8 rows to the next 8, 1024 / 16, in bits 32 - 45;
 * 128-byte swizzle, 1, in bits 62 and 63. Columns that are 16 k further begin at 2 k more.
 */
__device__ __forceinline__ uint64_t matrix_descriptor(const void *tile) {
    return (uint64_t)((shared_address(tile) & 0x3ffff) >> 4) | (uint64_t)1 << 16 | (uint64_t)(1024 >> 4) << 32 |
           (uint64_t)1 << 62;
}

/* Accumulators [64,256] of a warpgroup: lane 4 g + t of warp w holds rows 16 w + g (elements 0, 1 of d[j]) and + 8 (2,
   3), columns 8 j + 2t and 2t + 1. */
using Accumulators = float[32][4];

/* Before the first product, and before one after the accumulators were read or written. */
__device__ __forceinline__ void product_fence(Accumulators &d) {
#ifdef INTUITOR_EMULATION
    (void)d;
    emulation::product_fence(INTUITOR_EMULATION_SITE);
#else
#pragma unroll
    for (int j = 0; j < 32; j++) {
        asm volatile("" : "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])::"memory");
    }
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

/* Starts d = a b^T, or d += if `accumulate`: a [64,16], b [256,16] by their descriptors. */
__device__ __forceinline__ void product(Accumulators &d, uint64_t a, uint64_t b, bool accumulate) {
#ifdef INTUITOR_EMULATION
    emulation::product(INTUITOR_EMULATION_SITE, d, a, b, accumulate);
#else
#define FOUR(j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define SIXTEEN(j) FOUR(j), FOUR(j + 1), FOUR(j + 2), FOUR(j + 3)
    asm volatile(
        "{\n"
        ".reg .pred accumulate;\n"
        "setp.ne.b32 accumulate, %130, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 "
        "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
        "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
        "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
        "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
        "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, "
        "%128, %129, accumulate, 1, 1, 0, 0;\n"
        "}"
        : SIXTEEN(0), SIXTEEN(4), SIXTEEN(8), SIXTEEN(12), SIXTEEN(16), SIXTEEN(20), SIXTEEN(24), SIXTEEN(28)
        : "l"(a), "l"(b), "r"((int)accumulate)
        : "memory");
#undef SIXTEEN
#undef FOUR
#endif
}

/* Closes a group of products. */
__device__ __forceinline__ void product_commit() {
#ifdef INTUITOR_EMULATION
    emulation::product_commit(INTUITOR_EMULATION_SITE);
#else
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}

/* Waits for all groups but the PENDING youngest: what they read may be overwritten. */
template <int PENDING> __device__ __forceinline__ void product_wait() {
#ifdef INTUITOR_EMULATION
    emulation::product_wait(INTUITOR_EMULATION_SITE, PENDING);
#else
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
#endif
}

/* Waits for all of them: their accumulators may be read. */
__device__ __forceinline__ void product_wait_all(Accumulators &d) {
    product_wait<0>();
#ifndef INTUITOR_EMULATION
#pragma unroll
    for (int j = 0; j < 32; j++) {
        asm volatile("" : "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])::"memory");
    }
#else
    (void)d;
#endif
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

/* Gives registers of this warpgroup's threads back, down to COUNT, for others to take with take_registers. */
template <int COUNT> __device__ __forceinline__ void give_registers() {
#ifndef INTUITOR_EMULATION
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
#endif
}
template <int COUNT> __device__ __forceinline__ void take_registers() {
#ifndef INTUITOR_EMULATION
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
#endif
}

} // namespace intuitor::cuda
#endif
