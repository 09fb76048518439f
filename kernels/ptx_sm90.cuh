/*
 * The instructions of sm_90a that kernels use, a wrapper each, like ptx.cuh: barriers in shared memory that count
 * arrivals and bytes (mbarrier), copies of tiles by tensor maps (TMA), products of a warpgroup (WGMMA), barriers of a
 * part of the block, clusters of blocks. Only for code under INTUITOR_SM90A: this device compilation, or the emulated
 * device (native/emulation/sm90.h).
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

namespace intuitor::cuda {

constexpr int PANEL = 64;           // columns of a tile: 128 bytes, what the swizzle takes
constexpr int SWIZZLE_BYTES = 1024; // of the 8 rows after which it repeats: tiles begin at multiples of it

/* Dynamic shared memory to launch a kernel with that takes tile_memory<Memory>(). */
template <class Memory> constexpr size_t TILE_MEMORY_BYTES = sizeof(Memory) + SWIZZLE_BYTES;

#ifdef INTUITOR_SM90A

/* The 32-bit address of shared memory that instructions take. */
__device__ __forceinline__ uint32_t shared_address(const void *p) {
#ifdef INTUITOR_EMULATION
    return emulation::shared_address(INTUITOR_EMULATION_SITE, p);
#else
    return (uint32_t)__cvta_generic_to_shared(p);
#endif
}

/* The block's dynamic shared memory, from a multiple of SWIZZLE_BYTES on: the same place in all blocks of a cluster. */
template <class Memory> __device__ __forceinline__ Memory &tile_memory() {
    char *begin = dynamic_shared<char>();
    return *(Memory *)(begin + (-shared_address(begin) & (SWIZZLE_BYTES - 1)));
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

/* Arrives at the barrier at the same place in block `rank` of the cluster. */
__device__ __forceinline__ void barrier_arrive_at(uint64_t *barrier, int rank) {
#ifdef INTUITOR_EMULATION
    emulation::barrier_arrive_at(INTUITOR_EMULATION_SITE, barrier, rank);
#else
    asm volatile("{\n"
                 ".reg .b32 there;\n"
                 "mapa.shared::cluster.u32 there, %0, %1;\n"
                 "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];\n"
                 "}" ::"r"(shared_address(barrier)),
                 "r"(rank)
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
   is there, all of the tile's bytes count at the barrier. One thread; the tile at a multiple of SWIZZLE_BYTES. */
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

/* The same into the same place of all blocks of the cluster whose bits are set in `blocks`, where it counts at the
   barriers at the place of this one. */
__device__ __forceinline__ void load_tile_of(void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y,
                                             unsigned blocks) {
#ifdef INTUITOR_EMULATION
    emulation::load_tile_of(INTUITOR_EMULATION_SITE, tile, map, barrier, x, y, 0, blocks);
#else
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
                 "[%0], [%1, {%3, %4}], [%2], %5;" ::"r"(shared_address(tile)),
                 "l"(map), "r"(shared_address(barrier)), "r"(x), "r"(y), "h"((unsigned short)blocks)
                 : "memory");
#endif
}

/* The same of a map with three dimensions: the tile lies in plane z. */
__device__ __forceinline__ void load_tile(void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y, int z) {
#ifdef INTUITOR_EMULATION
    emulation::load_tile(INTUITOR_EMULATION_SITE, tile, map, barrier, x, y, z);
#else
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3, %4, %5}], [%2];" ::"r"(shared_address(tile)),
                 "l"(map), "r"(shared_address(barrier)), "r"(x), "r"(y), "r"(z)
                 : "memory");
#endif
}

/* Makes what this thread has written to `bytes` of shared memory known to products and copies; then a barrier of those
   that wait for it. (The hardware takes all that the thread has written, the emulated device what is named here.) */
__device__ __forceinline__ void publish(const void *written, size_t bytes) {
#ifdef INTUITOR_EMULATION
    emulation::publish(INTUITOR_EMULATION_SITE, written, bytes);
#else
    (void)written;
    (void)bytes;
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

/* --- products of a warpgroup -------------------------------------------------------------------------------------- */

/*
 * Descriptors of matrices of bf16 in shared memory, in panels whose rows are 128 bytes, swizzled as load_tile() does:
 * chunk c (16 bytes) of row r at c ^ (r & 7). PTX ISA, "Matrix Descriptor Format": the address / 16 in bits 0 - 13; the
 * leading dimension's offset / 16 in bits 16 - 29; the stride dimension's / 16 in bits 32 - 45; 128-byte swizzle, 1, in
 * bits 62 and 63.
 */
__device__ __forceinline__ uint64_t swizzled_descriptor(const void *panel, unsigned leading, unsigned stride) {
    return (uint64_t)((shared_address(panel) & 0x3ffff) >> 4) | (uint64_t)leading << 16 | (uint64_t)stride << 32 |
           (uint64_t)1 << 62;
}

/* K-major: a row of the panel is a row of the operand, 64 along k. 8 rows to the next 8: 1024 bytes; the leading
   dimension is not used with a swizzle. Columns that are 16 k further begin at 2 k more. */
__device__ __forceinline__ uint64_t matrix_descriptor(const void *panel) {
    return swizzled_descriptor(panel, 1, SWIZZLE_BYTES / 16);
}

/* MN-major: a row of the panel is 64 columns n at one k; 64 columns further is the next panel, `panel_bytes` behind.
   8 k to the next 8: 1024 bytes. Rows that are 16 k further begin at TRANSPOSED_STEP k more. */
__device__ __forceinline__ uint64_t transposed_descriptor(const void *panel, unsigned panel_bytes) {
    return swizzled_descriptor(panel, panel_bytes / 16, SWIZZLE_BYTES / 16);
}
constexpr int TRANSPOSED_STEP = 2 * SWIZZLE_BYTES / 16;

/* Accumulators [64,N] of a warpgroup: lane 4 g + t of warp w holds rows 16 w + g (elements 0, 1 of d[j]) and + 8 (2,
   3), columns 8 j + 2t and 2t + 1. */
template <int N> using Accumulators = float[N / 8][4];
/* An operand [64, 16 K] in registers: two neighbouring accumulators, rounded, are one a[k], as for mma_m16n8k16. */
template <int K> using RegisterOperand = uint32_t[K][4];

/* To the compiler, a use and a definition of these registers, so that it keeps its own uses on their side of it. */
template <int J> __device__ __forceinline__ void pin(float (&r)[J][4]) {
#ifndef INTUITOR_EMULATION
#pragma unroll
    for (int j = 0; j < J; j++) asm volatile("" : "+f"(r[j][0]), "+f"(r[j][1]), "+f"(r[j][2]), "+f"(r[j][3])::"memory");
#endif
}
template <int J> __device__ __forceinline__ void pin(uint32_t (&r)[J][4]) {
#ifndef INTUITOR_EMULATION
#pragma unroll
    for (int j = 0; j < J; j++) asm volatile("" : "+r"(r[j][0]), "+r"(r[j][1]), "+r"(r[j][2]), "+r"(r[j][3])::"memory");
#endif
}

/* Before the first product, and before one whose accumulators or operand were read or written since the last: names
   them. */
template <class... Registers> __device__ __forceinline__ void product_fence(Registers &...registers) {
#ifdef INTUITOR_EMULATION
    (emulation::product_registers(INTUITOR_EMULATION_SITE, registers, sizeof registers), ...);
    emulation::product_fence(INTUITOR_EMULATION_SITE);
#else
    (pin(registers), ...);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

#define INTUITOR_REGISTERS_64                                                                                          \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                                           \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define INTUITOR_REGISTERS_128                                                                                         \
    INTUITOR_REGISTERS_64                                                                                              \
    ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                               \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define INTUITOR_REGISTERS_256                                                                                         \
    INTUITOR_REGISTERS_128                                                                                             \
    ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "                               \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "                                 \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "                     \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define INTUITOR_FOUR(j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define INTUITOR_OUTPUTS_32(j) INTUITOR_FOUR(j), INTUITOR_FOUR(j + 1), INTUITOR_FOUR(j + 2), INTUITOR_FOUR(j + 3)
#define INTUITOR_OUTPUTS_64(j) INTUITOR_OUTPUTS_32(j), INTUITOR_OUTPUTS_32(j + 4)
#define INTUITOR_OUTPUTS_128(j) INTUITOR_OUTPUTS_64(j), INTUITOR_OUTPUTS_64(j + 8)
#define INTUITOR_OUTPUTS_256(j) INTUITOR_OUTPUTS_128(j), INTUITOR_OUTPUTS_128(j + 16)
/* The instruction of N columns; `operands` and the number of the register that says whether to accumulate follow those
   of d. */
#define INTUITOR_PRODUCT(N, operands, accumulate_at, ...)                                                              \
    asm volatile("{\n"                                                                                                 \
                 ".reg .pred accumulate;\n"                                                                            \
                 "setp.ne.b32 accumulate, " accumulate_at ", 0;\n"                                                     \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.bf16.bf16 {" INTUITOR_REGISTERS_##N "}, " operands    \
                 ";\n"                                                                                                 \
                 "}"                                                                                                   \
                 : INTUITOR_OUTPUTS_##N(0)                                                                             \
                 : __VA_ARGS__, "r"((int)accumulate)                                                                   \
                 : "memory")

/* Starts d = a b^T, or d += if `accumulate`: a [64,16], b [N,16] by their (K-major) descriptors. */
template <int J>
__device__ __forceinline__ void product(float (&d)[J][4], uint64_t a, uint64_t b, bool accumulate) {
    constexpr int N = 8 * J;
    static_assert(N == 128 || N == 256, "add the instruction of this shape");
#ifdef INTUITOR_EMULATION
    emulation::product(INTUITOR_EMULATION_SITE, d, N, a, b, accumulate);
#else
    if constexpr (N == 128) {
        INTUITOR_PRODUCT(128, "%64, %65, accumulate, 1, 1, 0, 0", "%66", "l"(a), "l"(b));
    } else {
        INTUITOR_PRODUCT(256, "%128, %129, accumulate, 1, 1, 0, 0", "%130", "l"(a), "l"(b));
    }
#endif
}

/* Starts d = a b, or d +=: a [64,16] in registers, b [16,N] by its transposed_descriptor(). */
template <int J>
__device__ __forceinline__ void product_transposed(float (&d)[J][4], uint32_t (&a)[4], uint64_t b, bool accumulate) {
    constexpr int N = 8 * J;
    static_assert(N == 64 || N == 128, "add the instruction of this shape");
#ifdef INTUITOR_EMULATION
    emulation::product_transposed(INTUITOR_EMULATION_SITE, d, N, a, b, accumulate);
#else
    if constexpr (N == 64) {
        INTUITOR_PRODUCT(64, "{%32, %33, %34, %35}, %36, accumulate, 1, 1, 1", "%37", "r"(a[0]), "r"(a[1]), "r"(a[2]),
                         "r"(a[3]), "l"(b));
    } else {
        INTUITOR_PRODUCT(128, "{%64, %65, %66, %67}, %68, accumulate, 1, 1, 1", "%69", "r"(a[0]), "r"(a[1]), "r"(a[2]),
                         "r"(a[3]), "l"(b));
    }
#endif
}

#undef INTUITOR_REGISTERS_64
#undef INTUITOR_REGISTERS_128
#undef INTUITOR_REGISTERS_256
#undef INTUITOR_FOUR
#undef INTUITOR_OUTPUTS_32
#undef INTUITOR_OUTPUTS_64
#undef INTUITOR_OUTPUTS_128
#undef INTUITOR_OUTPUTS_256
#undef INTUITOR_PRODUCT

/* Closes a group of products. */
__device__ __forceinline__ void product_commit() {
#ifdef INTUITOR_EMULATION
    emulation::product_commit(INTUITOR_EMULATION_SITE);
#else
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}

/* Waits for all groups but the PENDING youngest: what they read may be overwritten, and `registers`, which no other
   group uses, may be read and written. */
template <int PENDING, class... Registers> __device__ __forceinline__ void product_wait(Registers &...registers) {
#ifdef INTUITOR_EMULATION
    ((void)registers, ...);
    emulation::product_wait(INTUITOR_EMULATION_SITE, PENDING);
#else
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
    (pin(registers), ...);
#endif
}

/* --- barriers of a part of the block ------------------------------------------------------------------------------ */

/* Barrier `id` (1 .. 15; 0 is the block's) of THREADS threads, whole warps: waits for all of them. */
template <int THREADS> __device__ __forceinline__ void part_barrier(int id) {
#ifdef INTUITOR_EMULATION
    emulation::part_barrier(INTUITOR_EMULATION_SITE, id, THREADS, true);
#else
    asm volatile("bar.sync %0, %1;" ::"r"(id), "n"(THREADS) : "memory");
#endif
}
/* Counts as one of them, without waiting. */
template <int THREADS> __device__ __forceinline__ void part_barrier_arrive(int id) {
#ifdef INTUITOR_EMULATION
    emulation::part_barrier(INTUITOR_EMULATION_SITE, id, THREADS, false);
#else
    asm volatile("bar.arrive %0, %1;" ::"r"(id), "n"(THREADS) : "memory");
#endif
}

/* --- clusters of blocks ------------------------------------------------------------------------------------------- */

/* This block's rank in its cluster. */
__device__ __forceinline__ int cluster_rank() {
#ifdef INTUITOR_EMULATION
    return emulation::cluster_rank();
#else
    uint32_t rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return (int)rank;
#endif
}

/* Waits for all threads of the cluster's blocks; what they wrote to shared memory before is seen by all. */
__device__ __forceinline__ void cluster_barrier() {
#ifdef INTUITOR_EMULATION
    emulation::cluster_barrier(INTUITOR_EMULATION_SITE);
#else
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
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

#endif
} // namespace intuitor::cuda
