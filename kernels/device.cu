/*
 * A CUDA device behind the ABI: choosing it, memory, streams, events, graphs, and the table of the kernels. The CUDA
 * runtime is linked statically and nothing else of CUDA is, so the library loads on a machine without a driver;
 * device_count is then 0.
 */
#include <cstdio>
#include <cstring>

#include "common.cuh"

namespace intuitor::cuda {

int check(cudaError_t error, const char *function) {
    if (error == cudaSuccess) return IT_OK;
    cudaGetLastError(); // not to be reported again by a later call
    int status = error == cudaErrorMemoryAllocation ? IT_OUT_OF_MEMORY
                 : error == cudaErrorInvalidValue   ? IT_INVALID
                                                    : IT_FAILED;
    return fail(status, function, "%s", cudaGetErrorString(error));
}

static int multiprocessor_count = 1;
int multiprocessors() { return multiprocessor_count; }
static bool hopper = false;
bool on_hopper() { return hopper; }

namespace {

constexpr int MIN_MAJOR = 8; // of the compute capability: native/Makefile compiles for sm_80 and later

/* The number of devices, and 0 if the first one, which is the one that is used, cannot run these kernels; `reason` then
   says why. */
int count_devices(const char **reason) {
    int count = 0;
    cudaDeviceProp first;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0) error = cudaGetDeviceProperties(&first, 0);
    if (error != cudaSuccess) {
        cudaGetLastError();
        *reason = cudaGetErrorString(error);
        return 0;
    }
    *reason = "the driver reports none";
    if (count > 0 && first.major < MIN_MAJOR) {
        static char text[400];
        snprintf(text, sizeof text, "%s has compute capability %d.%d, and %d.0 is needed", first.name, first.major,
                 first.minor, MIN_MAJOR);
        *reason = text;
        return 0;
    }
    return count;
}

int device_count(int32_t *count) {
    IT_CHECK(count, "count is null");
    const char *reason;
    *count = count_devices(&reason);
    return IT_OK;
}

int init(int32_t device, int32_t) {
    const char *reason;
    int count = count_devices(&reason);
    if (count == 0) return fail(IT_NO_DEVICE, __func__, "%s", reason);
    IT_CHECK(device >= 0 && device < count, "device %d of %d", device, count);
    IT_CUDA(cudaSetDevice(device));
    IT_CUDA(cudaFree(nullptr)); // makes the context now rather than in the first call that is timed
    cudaDeviceProp properties;
    IT_CUDA(cudaGetDeviceProperties(&properties, device));
    multiprocessor_count = properties.multiProcessorCount;
    hopper = properties.major == 9 && properties.minor == 0;
    // what a Workspace gives back stays with this process: by default it would go back to the driver at every wait
    cudaMemPool_t pool;
    uint64_t keep = UINT64_MAX;
    IT_CUDA(cudaDeviceGetDefaultMemPool(&pool, device));
    IT_CUDA(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
    return IT_OK;
}

int device_info(it_device_info *info) {
    IT_CHECK(info, "info is null");
    int device;
    cudaDeviceProp properties;
    IT_CUDA(cudaGetDevice(&device));
    IT_CUDA(cudaGetDeviceProperties(&properties, device));
    memset(info, 0, sizeof *info);
    snprintf(info->name, sizeof info->name, "%.*s", (int)sizeof info->name - 1, properties.name);
    snprintf(info->isa, sizeof info->isa, "sm_%d%d%s", properties.major, properties.minor,
             properties.major == 9 && properties.minor == 0 ? "a" : "");
    info->memory_bytes = properties.totalGlobalMem;
    info->threads = properties.multiProcessorCount;
    info->bf16_dot = 1; // of compute capability 8.0 on
    return IT_OK;
}

int alloc(uint64_t bytes, it_addr *address) {
    IT_CHECK(address, "address is null");
    void *p = nullptr;
    *address = 0;
    cudaError_t error = cudaMalloc(&p, bytes ? bytes : 1);
    if (error == cudaErrorMemoryAllocation) { // once more, without what the pool of workspaces holds back
        cudaGetLastError();
        int device;
        cudaMemPool_t pool;
        IT_CUDA(cudaGetDevice(&device));
        IT_CUDA(cudaDeviceGetDefaultMemPool(&pool, device));
        IT_CUDA(cudaStreamSynchronize(nullptr));
        IT_CUDA(cudaMemPoolTrimTo(pool, 0));
        error = cudaMalloc(&p, bytes ? bytes : 1);
    }
    IT_CUDA(error);
    *address = (it_addr)p;
    return IT_OK;
}

int free_block(it_addr address) {
    IT_CUDA(cudaFree((void *)address));
    return IT_OK;
}

int copy(it_addr dst, it_addr src, uint64_t bytes, int32_t kind, it_stream s) {
    static const cudaMemcpyKind kinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice};
    IT_CHECK(kind >= IT_HOST_TO_DEVICE && kind <= IT_DEVICE_TO_DEVICE, "kind %d", kind);
    IT_CUDA(cudaMemcpyAsync((void *)dst, (const void *)src, bytes, kinds[kind], (cudaStream_t)s));
    return IT_OK;
}

int zero(it_addr dst, uint64_t bytes, it_stream s) {
    IT_CUDA(cudaMemsetAsync((void *)dst, 0, bytes, (cudaStream_t)s));
    return IT_OK;
}

int stream_create(it_stream *s) {
    IT_CHECK(s, "stream is null");
    cudaStream_t stream;
    IT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    *s = (it_stream)stream;
    return IT_OK;
}
int stream_destroy(it_stream s) {
    IT_CUDA(cudaStreamDestroy((cudaStream_t)s));
    return IT_OK;
}
int stream_synchronize(it_stream s) {
    IT_CUDA(cudaStreamSynchronize((cudaStream_t)s));
    return IT_OK;
}

int event_create(it_event *e) {
    IT_CHECK(e, "event is null");
    cudaEvent_t event;
    IT_CUDA(cudaEventCreate(&event));
    *e = (it_event)event;
    return IT_OK;
}
int event_destroy(it_event e) {
    IT_CUDA(cudaEventDestroy((cudaEvent_t)e));
    return IT_OK;
}
int event_record(it_event e, it_stream s) {
    IT_CUDA(cudaEventRecord((cudaEvent_t)e, (cudaStream_t)s));
    return IT_OK;
}
/* Waits for both. */
int event_elapsed_ms(it_event start, it_event end, float *ms) {
    IT_CHECK(ms, "ms is null");
    IT_CUDA(cudaEventSynchronize((cudaEvent_t)end));
    IT_CUDA(cudaEventElapsedTime(ms, (cudaEvent_t)start, (cudaEvent_t)end));
    return IT_OK;
}

/* Relaxed: a recording may meet a kernel that is not loaded yet, or memory that is not there yet. */
int graph_begin(it_stream s) {
    IT_CUDA(cudaStreamBeginCapture((cudaStream_t)s, cudaStreamCaptureModeRelaxed));
    return IT_OK;
}
int graph_end(it_stream s, it_graph *graph) {
    if (graph) *graph = 0;
    cudaGraph_t recorded = nullptr;
    IT_CUDA(cudaStreamEndCapture((cudaStream_t)s, &recorded));
    cudaGraphExec_t executable = nullptr;
    int status = graph ? check(cudaGraphInstantiate(&executable, recorded, 0), __func__) : (int)IT_OK;
    cudaGraphDestroy(recorded);
    if (graph) *graph = (it_graph)executable;
    return status;
}
int graph_launch(it_graph graph, it_stream s) {
    IT_CHECK(graph, "null graph");
    IT_CUDA(cudaGraphLaunch((cudaGraphExec_t)graph, (cudaStream_t)s));
    return IT_OK;
}
int graph_destroy(it_graph graph) {
    IT_CUDA(cudaGraphExecDestroy((cudaGraphExec_t)graph));
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
    api.graph_begin = graph_begin;
    api.graph_end = graph_end;
    api.graph_launch = graph_launch;
    api.graph_destroy = graph_destroy;
#define X(name) api.name = cuda::name;
    INTUITOR_KERNELS(X)
#undef X
    return api;
}

const it_api table = fill_table();

} // namespace
} // namespace intuitor::cuda

extern "C" __attribute__((visibility("default"))) const it_api *intuitor_get_api(void) {
    return &intuitor::cuda::table;
}
