/*
 * The CUDA runtime of the emulated device. Calls are done when they return, unless they are recorded; a failed launch
 * is reported at once, where the hardware reports it at the next synchronisation.
 */
#include "cuda_runtime.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "sm90.h"
#include "stream.h"

using intuitor::emulation::launch_error;
using intuitor::emulation::queue;

namespace {

/* sm_90's; and the least of the chips that the CUDA library is for (sm_86, sm_89): only kernels that use instructions
   of sm_90 may ask for more. */
constexpr int MAX_SHARED = 227 << 10, MAX_SHARED_EVERYWHERE = 99 << 10, MAX_SHARED_BY_DEFAULT = 48 << 10;

char launch_message[640] = "";
std::map<const void *, int> allowed_shared;

} // namespace

namespace intuitor::emulation {

cudaError_t allow_dynamic_shared(const void *kernel, int bytes) {
    if (bytes > MAX_SHARED) return cudaErrorInvalidValue;
    allowed_shared[kernel] = bytes;
    return cudaSuccess;
}

namespace {

cudaError_t run(const dim3 &grid, int cluster, const dim3 &block, size_t shared, const std::function<void()> &body) {
    forget_sm90();
    auto call = [](void *context) { (*(const std::function<void()> *)context)(); };
    bool good = run_grid({grid.x, grid.y, grid.z}, cluster, {block.x, block.y, block.z}, shared, call, (void *)&body);
    if (good && shared > MAX_SHARED_EVERYWHERE && !used_sm90()) {
        snprintf(launch_message, sizeof launch_message, "%zu bytes of shared memory, more than sm_86 has, for a kernel "
                 "that is not one of sm_90", shared);
        return cudaErrorLaunchFailure;
    }
    if (good) return cudaSuccess;
    snprintf(launch_message, sizeof launch_message, "unspecified launch failure: %s", launch_error());
    return cudaErrorLaunchFailure;
}

} // namespace

cudaError_t launch(const cudaLaunchConfig_t &config, const void *kernel, const std::function<void()> &body) {
    auto found = allowed_shared.find(kernel);
    size_t limit = found == allowed_shared.end() ? MAX_SHARED_BY_DEFAULT : (size_t)found->second;
    const dim3 &grid = config.gridDim, &block = config.blockDim;
    unsigned cluster = config.numAttrs ? config.attrs[0].val.clusterDim.x : 1;
    if (!cluster || cluster > (unsigned)intuitor::emulation::MAX_CLUSTER || grid.x % cluster) {
        return cudaErrorInvalidConfiguration;
    }
    if (config.dynamicSmemBytes > limit || !grid.x || !grid.y || !grid.z || grid.x > 0x7fffffff || grid.y > 65535 ||
        grid.z > 65535) {
        return cudaErrorInvalidConfiguration;
    }
    size_t shared = config.dynamicSmemBytes;
    return (cudaError_t)queue(config.stream, [=] { return (int)run(grid, (int)cluster, block, shared, body); });
}

} // namespace intuitor::emulation

const char *cudaGetErrorString(cudaError_t error) {
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorLaunchFailure: return launch_message;
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    }
    return "unknown error";
}
cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    static bool reverse = true;
    reverse = !reverse;
    intuitor::emulation::reverse_order(reverse);
    return device == 0 ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaGetDevice(int *device) {
    *device = 0;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
    // few multiprocessors: a grid that is sized by them has each block take several turns
    *properties = {"emulated CUDA device", (size_t)16 << 30, 9, 0, 3};
    return cudaSuccess;
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int) {
    *pool = nullptr;
    return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }

cudaError_t cudaMalloc(void **address, size_t bytes) {
    *address = nullptr;
    if (posix_memalign(address, 256, bytes)) return cudaErrorMemoryAllocation;
    memset(*address, 0xff, bytes); // nothing may rely on what new memory holds
    return cudaSuccess;
}
cudaError_t cudaFree(void *address) {
    free(address);
    return cudaSuccess;
}
/* What is allocated while a stream is recorded has its address from then on, and new contents at every launch. */
cudaError_t cudaMallocAsync(void **address, size_t bytes, cudaStream_t stream) {
    if (!bytes) return cudaErrorInvalidValue; // what CUDA says to that is not documented
    cudaError_t error = cudaMalloc(address, bytes);
    if (error == cudaSuccess && stream && stream->recording) {
        stream->memory.push_back(*address);
        cudaMemsetAsync(*address, 0xff, bytes, stream);
    }
    return error;
}
cudaError_t cudaFreeAsync(void *address, cudaStream_t stream) {
    return stream && stream->recording ? cudaSuccess : cudaFree(address);
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    // a host's array might be gone when the graph is launched
    if (stream && stream->recording && kind != cudaMemcpyDeviceToDevice) return cudaErrorStreamCaptureUnsupported;
    return (cudaError_t)queue(stream, [=] {
        memmove(dst, src, bytes);
        return 0;
    });
}
cudaError_t cudaMemsetAsync(void *dst, int value, size_t bytes, cudaStream_t stream) {
    return (cudaError_t)queue(stream, [=] {
        memset(dst, value, bytes);
        return 0;
    });
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult *result) {
    bool known = !strcmp(symbol, "cuTensorMapEncodeTiled");
    *function = known ? (void *)cuTensorMapEncodeTiled : nullptr;
    *result = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    *stream = new CUstream_st;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return stream && stream->recording ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

/* --- graphs ------------------------------------------------------------------------------------------------------- */

struct CUgraph_st {
    std::vector<std::function<int()>> work;
    std::vector<void *> memory;
};
struct CUgraphExec_st : CUgraph_st {};

static void free_all(const std::vector<void *> &memory) {
    for (void *address : memory) cudaFree(address);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (!stream || stream->recording) return cudaErrorStreamCaptureUnsupported; // the default stream cannot be
    stream->recording = true;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    if (!stream || !stream->recording) return cudaErrorInvalidValue;
    *graph = new CUgraph_st{std::exchange(stream->work, {}), std::exchange(stream->memory, {})};
    stream->recording = false;
    return cudaSuccess;
}
/* What was recorded goes to the executable graph: it is made once. */
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    *exec = new CUgraphExec_st{std::exchange(*graph, {})};
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    free_all(graph->memory);
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    // CUDA has graphs in graphs, here are none
    if (stream && stream->recording) return cudaErrorStreamCaptureUnsupported;
    for (auto &work : exec->work) {
        if (int error = work()) return (cudaError_t)error;
    }
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    free_all(exec->memory);
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
    *event = (cudaEvent_t)calloc(1, sizeof(timespec));
    return *event ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    free(event);
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    clock_gettime(CLOCK_MONOTONIC, (timespec *)event);
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end) {
    const timespec *a = (const timespec *)start, *b = (const timespec *)end;
    *ms = (float)((double)(b->tv_sec - a->tv_sec) * 1e3 + (double)(b->tv_nsec - a->tv_nsec) * 1e-6);
    return cudaSuccess;
}
