/*
 * The instructions that CUDA C++ has no function for, a wrapper each; the emulated device puts its own in their place
 * (native/emulation/ptx_emulated.h), so nothing else here is written in assembly. sm_80 and later.
 */
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#ifdef INTUITOR_EMULATION
#include "ptx_emulated.h"
#endif

namespace intuitor::cuda {

/* d += a b on a warp: a bf16 [16,16], b bf16 [16,8], d fp32 [16,8]; who holds what: PTX ISA, "mma.m16n8k16". */
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#ifdef INTUITOR_EMULATION
    emulation::mma_m16n8k16(INTUITOR_EMULATION_SITE, d, a, b);
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/* Loads four 8 x 8 matrices of 16-bit elements from shared memory: lane 8 i + r gives the address of row r of matrix i
   (16 bytes, aligned); lane 4 g + t receives elements 2t, 2t+1 of row g of matrix i in r[i]. */
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], const void *row) {
#ifdef INTUITOR_EMULATION
    emulation::ldmatrix_x4(INTUITOR_EMULATION_SITE, r, row, false);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(row))
                 : "memory");
#endif
}

/* The same with every matrix transposed: r[i] of lane 4 g + t holds elements g of rows 2t, 2t+1. */
__device__ __forceinline__ void ldmatrix_x4_transposed(uint32_t (&r)[4], const void *row) {
#ifdef INTUITOR_EMULATION
    emulation::ldmatrix_x4(INTUITOR_EMULATION_SITE, r, row, true);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(row))
                 : "memory");
#endif
}

/* Copies 16 bytes from global to shared memory asynchronously, both aligned; not valid: zeros instead, and no read. */
__device__ __forceinline__ void cp_async_16(void *shared, const void *global, bool valid = true) {
#ifdef INTUITOR_EMULATION
    emulation::async_copy(shared, global, 16, valid ? 16 : 0);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(global), "r"(valid ? 16 : 0)
                 : "memory");
#endif
}

/* Closes a group of this thread's copies. */
__device__ __forceinline__ void cp_async_commit() {
#ifdef INTUITOR_EMULATION
    emulation::async_commit();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/* Waits until all but the PENDING youngest groups of this thread have arrived; others see them after a barrier. */
template <int PENDING> __device__ __forceinline__ void cp_async_wait() {
#ifdef INTUITOR_EMULATION
    emulation::async_wait(PENDING);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}

/* 2^x, 2 ulp; subnormal results are 0. */
__device__ __forceinline__ float fast_exp2(float x) {
#ifdef INTUITOR_EMULATION
    return exp2f(x);
#else
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

/* log2 x: within 2^-22 for x in [1/2, 2], else 2 ulp; x is not subnormal. */
__device__ __forceinline__ float fast_log2(float x) {
#ifdef INTUITOR_EMULATION
    return log2f(x);
#else
    float y;
    asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

/* All 64 bits of a product, by one instruction. */
struct WideProduct {
    uint32_t low, high;
};
__device__ __forceinline__ WideProduct multiply_wide(uint32_t a, uint32_t b) {
#ifdef INTUITOR_EMULATION
    const uint64_t product = (uint64_t)a * b;
    return {(uint32_t)product, (uint32_t)(product >> 32)};
#else
    WideProduct product;
    asm("{\n"
        ".reg .b64 all;\n"
        "mul.wide.u32 all, %2, %3;\n"
        "mov.b64 {%0, %1}, all;\n"
        "}"
        : "=r"(product.low), "=r"(product.high)
        : "r"(a), "r"(b));
    return product;
#endif
}

/* condition ? a : b, without a branch around what makes either: where lanes differ, both are made in any case. */
__device__ __forceinline__ float select(bool condition, float a, float b) {
#ifdef INTUITOR_EMULATION
    return condition ? a : b;
#else
    float y;
    asm("{\n"
        ".reg .pred p;\n"
        "setp.ne.u32 p, %3, 0;\n"
        "selp.f32 %0, %1, %2, p;\n"
        "}"
        : "=f"(y)
        : "f"(a), "f"(b), "r"((unsigned)condition));
    return y;
#endif
}

/* The larger of two bf16, in each half of a register; NaN only where both are. */
__device__ __forceinline__ uint32_t max_bf16x2(uint32_t a, uint32_t b) {
#ifdef INTUITOR_EMULATION
    return emulation::max_bf16x2(a, b);
#else
    uint32_t m;
    asm("max.bf16x2 %0, %1, %2;" : "=r"(m) : "r"(a), "r"(b));
    return m;
#endif
}

/* The block's dynamic shared memory, aligned to 16 bytes at least. */
template <class T> __device__ __forceinline__ T *dynamic_shared() {
#ifdef INTUITOR_EMULATION
    return (T *)emulation::dynamic_shared();
#else
    extern __shared__ uint4 dynamic_shared_memory[];
    return (T *)dynamic_shared_memory;
#endif
}

} // namespace intuitor::cuda
