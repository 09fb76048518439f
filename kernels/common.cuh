/* What the kernels share: storage types, vectors of them, reductions over warps and blocks, launching. */
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "constants.h"
#include "error.h"
#include "intuitor.h"
#include "kernel_list.h"
#include "ptx.cuh"

namespace intuitor::cuda {

/* The kernels of this library: each has the type of the ABI's pointer of the same name. */
#define X(name) std::remove_pointer_t<decltype(it_api::name)> name;
INTUITOR_KERNELS(X)
#undef X

constexpr int WARP = 32;
constexpr unsigned FULL_WARP = ~0u;

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* --- storage types ------------------------------------------------------------------------------------------------ */

using bf16 = __nv_bfloat16;
using f16 = __half;

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(f16 x) { return __half2float(x); }

/* Rounds to nearest even. */
template <class T> __device__ __forceinline__ T from_float(float x) {
    if constexpr (std::is_same_v<T, bf16>) {
        return __float2bfloat16_rn(x);
    } else if constexpr (std::is_same_v<T, f16>) {
        return __float2half_rn(x);
    } else {
        return x;
    }
}

/* What is left of x when it has been stored. */
template <class T> __device__ __forceinline__ float rounded(float x) { return to_float(from_float<T>(x)); }

/* Two bf16 in a register, the first in the low half. */
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

/* How many elements of T one 16-byte access moves. */
template <class T> constexpr int VECTOR = 16 / sizeof(T);

/* The first `count` of VECTOR<T> elements from p on, as they are stored, and zeros for the rest: `count` ends a row.
   ALIGNED: in one access; p is a multiple of 16 bytes and count of VECTOR<T>. Kept for later, a uint4 takes fewer
   registers than the numbers in it. */
template <bool ALIGNED, class T>
__device__ __forceinline__ uint4 load_raw(const T *p, int64_t count = VECTOR<T>) {
    uint4 bits = make_uint4(0, 0, 0, 0);
    if constexpr (ALIGNED) {
        if (count > 0) bits = *(const uint4 *)p;
    } else {
        T raw[VECTOR<T>];
#pragma unroll
        for (int i = 0; i < VECTOR<T>; i++) raw[i] = i < count ? p[i] : from_float<T>(0);
        memcpy(&bits, raw, sizeof bits);
    }
    return bits;
}

template <class T> __device__ __forceinline__ void widen(float (&x)[VECTOR<T>], uint4 bits) {
    T raw[VECTOR<T>];
    memcpy(raw, &bits, sizeof raw);
#pragma unroll
    for (int i = 0; i < VECTOR<T>; i++) x[i] = to_float(raw[i]);
}

/* N elements, a multiple of VECTOR<T>, from p on, in fp32; those from `count` on are 0. ALIGNED: see load_raw. */
template <bool ALIGNED, int N, class T>
__device__ __forceinline__ void load_vector(float (&x)[N], const T *p, int64_t count = N) {
    static_assert(N % VECTOR<T> == 0);
#pragma unroll
    for (int v = 0; v < N; v += VECTOR<T>) {
        float part[VECTOR<T>];
        widen<T>(part, load_raw<ALIGNED>(p + v, count - v));
#pragma unroll
        for (int i = 0; i < VECTOR<T>; i++) x[v + i] = part[i];
    }
}

template <bool ALIGNED, int N, class T>
__device__ __forceinline__ void store_vector(T *p, const float (&x)[N], int64_t count = N) {
    static_assert(N % VECTOR<T> == 0);
#pragma unroll
    for (int v = 0; v < N; v += VECTOR<T>) {
        T raw[VECTOR<T>];
#pragma unroll
        for (int i = 0; i < VECTOR<T>; i++) raw[i] = from_float<T>(x[v + i]);
        if constexpr (ALIGNED) {
            uint4 bits;
            memcpy(&bits, raw, sizeof bits);
            if (v < count) *(uint4 *)(p + v) = bits;
        } else {
#pragma unroll
            for (int i = 0; i < VECTOR<T>; i++) {
                if (v + i < count) p[v + i] = raw[i];
            }
        }
    }
}

/* Whether rows of `width` elements of T, all that begin at these addresses, can be read 16 bytes at a time. */
template <class T, class... Addresses> bool aligned(int64_t width, Addresses... addresses) {
    return width % VECTOR<T> == 0 && ((addresses % 16 == 0) && ...);
}

/* --- reductions: the same order for the same sizes ---------------------------------------------------------------- */

struct Sum {
    template <class T> __device__ __forceinline__ T operator()(T a, T b) const { return a + b; }
};
struct Max {
    __device__ __forceinline__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

/* The value of `lanes` neighbouring lanes, a power of two, combined, in each of them. The whole warp calls it. */
template <class T, class Combine> __device__ __forceinline__ T lanes_reduce(T x, int lanes, Combine combine) {
#pragma unroll
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
        x = combine(x, __shfl_xor_sync(FULL_WARP, x, distance));
    }
    return x;
}

/* The value of all lanes combined, in every lane. */
template <class T, class Combine> __device__ __forceinline__ T warp_reduce(T x, Combine combine) {
    return lanes_reduce(x, WARP, combine);
}

/* The value of all THREADS threads of the block combined, in every thread. All of them call it. */
template <int THREADS, class T, class Combine> __device__ __forceinline__ T block_reduce(T x, Combine combine) {
    constexpr int WARPS = THREADS / WARP;
    x = warp_reduce(x, combine);
    if constexpr (WARPS > 1) {
        __shared__ T partial[WARPS];
        __syncthreads(); // an earlier call may still be read
        if (threadIdx.x % WARP == 0) partial[threadIdx.x / WARP] = x;
        __syncthreads();
        x = partial[0];
#pragma unroll
        for (int i = 1; i < WARPS; i++) x = combine(x, partial[i]);
    }
    return x;
}

/* --- the host's side ---------------------------------------------------------------------------------------------- */

/* IT_OK, or the runtime's error as a status with its reason. */
int check(cudaError_t error, const char *function);

/* Returns from a function of the ABI if a call of the runtime failed; in a lambda, which has no name, IT_CUDA_IN. */
#define IT_CUDA_IN(function, call)                                                                                     \
    do {                                                                                                               \
        if (int status_ = ::intuitor::cuda::check(call, function)) return status_;                                     \
    } while (0)
#define IT_CUDA(call) IT_CUDA_IN(__func__, call)

/* Starts kernel(arguments...) on `grid` blocks of `threads` threads with `shared` bytes of dynamic shared memory, in
   clusters of so many blocks that are neighbours in x (sm_90; 1: none). */
template <class... Parameters, class... Arguments>
cudaError_t launch_clusters(int cluster, void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared,
                            it_stream stream, Arguments... arguments) {
    if (shared > 48 << 10) {
        cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
        if (error != cudaSuccess) return error;
    }
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = dim3(threads);
    config.dynamicSmemBytes = shared;
    config.stream = (cudaStream_t)stream;
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {(unsigned)cluster, 1, 1};
    config.attrs = &attribute;
    config.numAttrs = cluster > 1;
    return cudaLaunchKernelEx(&config, kernel, (Parameters)arguments...);
}

/* The same without clusters. */
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared, it_stream stream,
                   Arguments... arguments) {
    return launch_clusters(1, kernel, grid, threads, shared, stream, arguments...);
}

/* Memory of one call, ordered on its stream: taken from the device's pool, given back when this goes. None: null. */
class Workspace {
public:
    Workspace(size_t bytes, it_stream s) : stream((cudaStream_t)s) {
        if (bytes) error = cudaMallocAsync(&address, bytes, stream);
    }
    ~Workspace() {
        if (address) cudaFreeAsync(address, stream);
    }
    Workspace(const Workspace &) = delete;
    Workspace &operator=(const Workspace &) = delete;
    template <class T> T *get() const { return (T *)address; }

    cudaError_t error = cudaSuccess;

private:
    void *address = nullptr;
    cudaStream_t stream;
};
#define IT_WORKSPACE(function, name, bytes, stream)                                                                    \
    ::intuitor::cuda::Workspace name(bytes, stream);                                                                   \
    IT_CUDA_IN(function, name.error)

int multiprocessors();

/* Whether the device in use has sm_90a's instructions, which no later one has. */
bool on_hopper();

/* Calls body(T()) with the storage type that `dtype` names; returns what it returns. */
template <class Body> int with_storage(const char *function, int32_t dtype, Body body) {
    switch (dtype) {
    case IT_F32: return body(float());
    case IT_BF16: return body(bf16());
    default: return fail(IT_INVALID, function, "dtype %d is neither fp32 nor bf16", dtype);
    }
}

/* Calls body(std::true_type()) or body(std::false_type()). */
template <class Body> int with_flag(bool flag, Body body) {
    return flag ? body(std::true_type()) : body(std::false_type());
}

} // namespace intuitor::cuda
