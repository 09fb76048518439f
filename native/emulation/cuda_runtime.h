/*
 * Stands in for CUDA's header of this name where kernels/ is compiled by a C++ compiler for the emulated device
 * (emulator.h): what those sources use of CUDA C++ and of the runtime, and no more.
 */
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#include "emulator.h"

/* --- the language ------------------------------------------------------------------------------------------------- */

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
/* One block runs at a time. Thread-local, so that the emulator can find and poison it; AddressSanitizer puts red zones
   around plain statics only. */
#ifdef __SANITIZE_ADDRESS__
#define __shared__ static
#else
#define __shared__ static thread_local
#endif

inline intuitor::emulation::Index &threadIdx = intuitor::emulation::position.thread;
inline intuitor::emulation::Index &blockIdx = intuitor::emulation::position.block;
inline intuitor::emulation::Index &blockDim = intuitor::emulation::position.block_size;
inline intuitor::emulation::Index &gridDim = intuitor::emulation::position.grid_size;

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) uint2 { unsigned x, y; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

/* --- barriers and warps ------------------------------------------------------------------------------------------- */

#define __syncthreads() ((void)::intuitor::emulation::block_barrier(INTUITOR_EMULATION_SITE))
#define __syncthreads_count(p) ::intuitor::emulation::block_barrier(INTUITOR_EMULATION_SITE, (p) != 0)
#define __syncthreads_or(p) (__syncthreads_count(p) != 0)
#define __syncwarp(...) ((void)::intuitor::emulation::exchange(INTUITOR_EMULATION_SITE, 0))

#define __shfl_sync(mask, v, source) ::intuitor::emulation::shuffle(INTUITOR_EMULATION_SITE, mask, v, source)
#define __shfl_xor_sync(mask, v, bits)                                                                                 \
    ::intuitor::emulation::shuffle(INTUITOR_EMULATION_SITE, mask, v, ::intuitor::emulation::lane() ^ (bits))
#define __shfl_down_sync(mask, v, n)                                                                                   \
    ::intuitor::emulation::shuffle(INTUITOR_EMULATION_SITE, mask, v,                                                   \
                                   ::intuitor::emulation::clamped(::intuitor::emulation::lane() + (int)(n)))
#define __shfl_up_sync(mask, v, n)                                                                                     \
    ::intuitor::emulation::shuffle(INTUITOR_EMULATION_SITE, mask, v,                                                   \
                                   ::intuitor::emulation::clamped(::intuitor::emulation::lane() - (int)(n)))
#define __ballot_sync(mask, p) ::intuitor::emulation::ballot(INTUITOR_EMULATION_SITE, mask, (p) != 0)

namespace intuitor::emulation {

/* Beyond the warp's end, a lane gets its own value back. */
inline int clamped(int source) { return source < 0 || source >= WARP ? lane() : source; }

inline void whole_warp(const char *site, unsigned mask) {
    if (mask != ~0u) fail_launch("%s: collectives of a part of a warp are not emulated", site);
}
template <class T> T shuffle(const char *site, unsigned mask, T value, int source) {
    whole_warp(site, mask);
    return exchange(site, value)[source];
}
inline unsigned ballot(const char *site, unsigned mask, bool predicate) {
    whole_warp(site, mask);
    auto lanes = exchange(site, predicate);
    unsigned result = 0;
    for (int i = 0; i < WARP; i++) result |= (unsigned)lanes[i] << i;
    return result;
}

} // namespace intuitor::emulation

/* Blocks and threads take turns: nothing comes between. */
template <class T> T atomicAdd(T *address, std::type_identity_t<T> value) {
    static_assert(std::is_integral_v<T>, "no floating-point atomics: the result would depend on the order");
    T old = *address;
    *address = old + value;
    return old;
}
template <class T> T atomicOr(T *address, std::type_identity_t<T> value) {
    T old = *address;
    *address = old | value;
    return old;
}

/* --- arithmetic --------------------------------------------------------------------------------------------------- */

inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }

template <class A, class B> constexpr std::enable_if_t<std::is_integral_v<A> && std::is_integral_v<B>,
                                                       std::common_type_t<A, B>> min(A a, B b) {
    using T = std::common_type_t<A, B>;
    return (T)a < (T)b ? (T)a : (T)b;
}
template <class A, class B> constexpr std::enable_if_t<std::is_integral_v<A> && std::is_integral_v<B>,
                                                       std::common_type_t<A, B>> max(A a, B b) {
    using T = std::common_type_t<A, B>;
    return (T)a > (T)b ? (T)a : (T)b;
}

/* --- the runtime: runtime.cpp ------------------------------------------------------------------------------------- */

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorLaunchFailure = 719,
    cudaErrorStreamCaptureUnsupported = 900
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold = 4 };
enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess = 0, cudaDriverEntryPointSymbolNotFound = 1 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned long long cudaEnableDefault = 0;

using cudaStream_t = struct CUstream_st *;
using cudaEvent_t = struct CUevent_st *;
using cudaMemPool_t = struct CUmemPoolHandle_st *;
using cudaGraph_t = struct CUgraph_st *;
using cudaGraphExec_t = struct CUgraphExec_st *;

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    int major, minor, multiProcessorCount;
};
enum cudaLaunchAttributeID { cudaLaunchAttributeClusterDimension = 4 };
struct cudaLaunchAttribute {
    cudaLaunchAttributeID id;
    struct {
        struct {
            unsigned x, y, z;
        } clusterDim;
    } val;
};
struct cudaLaunchConfig_t {
    dim3 gridDim, blockDim;
    size_t dynamicSmemBytes;
    cudaStream_t stream;
    cudaLaunchAttribute *attrs;
    unsigned numAttrs;
};

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device); /* every second call turns the order of threads and blocks around */
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value);
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes);
cudaError_t cudaMalloc(void **address, size_t bytes);
cudaError_t cudaFree(void *address);
cudaError_t cudaMallocAsync(void **address, size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void *address, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *dst, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **function, unsigned version,
                                             unsigned long long flags, cudaDriverEntryPointQueryResult *result);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end);

namespace intuitor::emulation {
cudaError_t allow_dynamic_shared(const void *kernel, int bytes);
cudaError_t launch(const cudaLaunchConfig_t &config, const void *kernel, const std::function<void()> &body);
} // namespace intuitor::emulation

template <class Kernel> cudaError_t cudaFuncSetAttribute(Kernel *kernel, cudaFuncAttribute, int value) {
    return intuitor::emulation::allow_dynamic_shared((const void *)kernel, value);
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Parameters...),
                               Arguments &&...arguments) {
    // the arguments by value: the launch may be recorded
    return intuitor::emulation::launch(*config, (const void *)kernel, [=] { kernel(arguments...); });
}
