/*
 * A CUDA device behind the ABI: choosing it, memory, streams, events. The CUDA runtime is linked statically and nothing
 * else of CUDA is, so the library loads on a machine without a driver; device_count is then 0.
 *
 * Every kernel's pointer is null for now: the CUDA kernels come with their own issue, a file an operation here.
 */
#include <cuda_runtime.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "intuitor.h"

namespace {

thread_local char error_message[512] = "no error";

int fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error_message, sizeof error_message, format, arguments);
    va_end(arguments);
    return status;
}

const char *last_error() { return error_message; }

int check(cudaError_t error, const char *call) {
    if (error == cudaSuccess) return IT_OK;
    cudaGetLastError(); // not to be reported again by a later call
    int status = error == cudaErrorMemoryAllocation ? IT_OUT_OF_MEMORY
                 : error == cudaErrorInvalidValue   ? IT_INVALID
                                                    : IT_FAILED;
    return fail(status, "%s: %s", call, cudaGetErrorString(error));
}

#define CHECK(call)                                                                                                    \
    do {                                                                                                               \
        if (int status_ = check(call, #call)) return status_;                                                          \
    } while (0)

/* The number of devices; where it is 0, `reason` says why. */
int count_devices(const char **reason) {
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess) {
        cudaGetLastError();
        *reason = cudaGetErrorString(error);
        return 0;
    }
    *reason = "the driver reports none";
    return count;
}

int device_count(int32_t *count) {
    if (!count) return fail(IT_INVALID, "device_count: count is null");
    const char *reason;
    *count = count_devices(&reason);
    return IT_OK;
}

int init(int32_t device, int32_t) {
    const char *reason;
    int count = count_devices(&reason);
    if (count == 0) return fail(IT_NO_DEVICE, "no CUDA device: %s", reason);
    if (device < 0 || device >= count) return fail(IT_INVALID, "init: device %d of %d", device, count);
    CHECK(cudaSetDevice(device));
    CHECK(cudaFree(nullptr)); // makes the context now rather than in the first call that is timed
    return IT_OK;
}

int device_info(it_device_info *info) {
    if (!info) return fail(IT_INVALID, "device_info: info is null");
    int device;
    cudaDeviceProp properties;
    CHECK(cudaGetDevice(&device));
    CHECK(cudaGetDeviceProperties(&properties, device));
    memset(info, 0, sizeof *info);
    snprintf(info->name, sizeof info->name, "%s", properties.name);
    snprintf(info->isa, sizeof info->isa, "sm_%d%d%s", properties.major, properties.minor,
             properties.major == 9 && properties.minor == 0 ? "a" : "");
    info->memory_bytes = properties.totalGlobalMem;
    info->threads = properties.multiProcessorCount;
    info->bf16_dot = properties.major >= 8;
    return IT_OK;
}

int alloc(uint64_t bytes, it_addr *address) {
    if (!address) return fail(IT_INVALID, "alloc: address is null");
    void *p = nullptr;
    *address = 0;
    CHECK(cudaMalloc(&p, bytes ? bytes : 1));
    *address = (it_addr)p;
    return IT_OK;
}

int free_block(it_addr address) {
    CHECK(cudaFree((void *)address));
    return IT_OK;
}

int copy(it_addr dst, it_addr src, uint64_t bytes, int32_t kind, it_stream s) {
    static const cudaMemcpyKind kinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice};
    if (kind < IT_HOST_TO_DEVICE || kind > IT_DEVICE_TO_DEVICE) return fail(IT_INVALID, "copy: kind %d", kind);
    CHECK(cudaMemcpyAsync((void *)dst, (const void *)src, bytes, kinds[kind], (cudaStream_t)s));
    return IT_OK;
}

int zero(it_addr dst, uint64_t bytes, it_stream s) {
    CHECK(cudaMemsetAsync((void *)dst, 0, bytes, (cudaStream_t)s));
    return IT_OK;
}

int stream_create(it_stream *s) {
    if (!s) return fail(IT_INVALID, "stream_create: stream is null");
    cudaStream_t stream;
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    *s = (it_stream)stream;
    return IT_OK;
}
int stream_destroy(it_stream s) {
    CHECK(cudaStreamDestroy((cudaStream_t)s));
    return IT_OK;
}
int stream_synchronize(it_stream s) {
    CHECK(cudaStreamSynchronize((cudaStream_t)s));
    return IT_OK;
}

int event_create(it_event *e) {
    if (!e) return fail(IT_INVALID, "event_create: event is null");
    cudaEvent_t event;
    CHECK(cudaEventCreate(&event));
    *e = (it_event)event;
    return IT_OK;
}
int event_destroy(it_event e) {
    CHECK(cudaEventDestroy((cudaEvent_t)e));
    return IT_OK;
}
int event_record(it_event e, it_stream s) {
    CHECK(cudaEventRecord((cudaEvent_t)e, (cudaStream_t)s));
    return IT_OK;
}
/* Waits for both. */
int event_elapsed_ms(it_event start, it_event end, float *ms) {
    if (!ms) return fail(IT_INVALID, "event_elapsed_ms: ms is null");
    CHECK(cudaEventSynchronize((cudaEvent_t)end));
    CHECK(cudaEventElapsedTime(ms, (cudaEvent_t)start, (cudaEvent_t)end));
    return IT_OK;
}

it_api fill_table() {
    it_api api = {};
    api.abi_version = IT_ABI_VERSION;
    api.table_bytes = sizeof api;
    api.last_error = last_error;
    api.device_count = device_count;
    api.init = init;
    api.device_info = device_info;
    api.alloc = alloc;
    api.free = free_block;
    api.copy = copy;
    api.zero = zero;
    api.stream_create = stream_create;
    api.stream_destroy = stream_destroy;
    api.stream_synchronize = stream_synchronize;
    api.event_create = event_create;
    api.event_destroy = event_destroy;
    api.event_record = event_record;
    api.event_elapsed_ms = event_elapsed_ms;
    return api;
}

const it_api table = fill_table();

} // namespace

extern "C" __attribute__((visibility("default"))) const it_api *intuitor_get_api(void) { return &table; }
