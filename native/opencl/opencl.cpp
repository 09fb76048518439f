/*
 * libOpenCL.so.1 for machines that have none: an OpenCL with no platform.
 *
 * The oneDNN library that Maven Central publishes is linked with libOpenCL.so.1, though its CPU engine never calls it,
 * and does not load where that file is missing. This one has the functions oneDNN imports, under the same symbol
 * versions (opencl.map). It is used only where the system has no OpenCL loader of its own.
 */
#include <stddef.h>
#include <stdint.h>

namespace {

constexpr int32_t DEVICE_NOT_FOUND = -1, INVALID_VALUE = -30, PLATFORM_NOT_FOUND = -1001;

void *not_created(int32_t *status) {
    if (status) *status = DEVICE_NOT_FOUND;
    return nullptr;
}

} // namespace

extern "C" {

int32_t clGetPlatformIDs(uint32_t entries, void **platforms, uint32_t *count) {
    if (count) *count = 0;
    return (entries == 0) != (platforms == nullptr) ? INVALID_VALUE : PLATFORM_NOT_FOUND;
}
int32_t clGetDeviceIDs(void *, uint64_t, uint32_t, void **, uint32_t *count) {
    if (count) *count = 0;
    return DEVICE_NOT_FOUND;
}
void *clGetExtensionFunctionAddressForPlatform(void *, const char *) { return nullptr; }

void *clCreateContext(const intptr_t *, uint32_t, void *const *, void *, void *, int32_t *status) {
    return not_created(status);
}
void *clCreateCommandQueue(void *, void *, uint64_t, int32_t *status) { return not_created(status); }
void *clCreateBuffer(void *, uint64_t, size_t, void *, int32_t *status) { return not_created(status); }
void *clCreateSubBuffer(void *, uint64_t, uint32_t, const void *, int32_t *status) { return not_created(status); }
void *clCreateProgramWithSource(void *, uint32_t, const char **, const size_t *, int32_t *status) {
    return not_created(status);
}
void *clCreateProgramWithBinary(void *, uint32_t, void *const *, const size_t *, const unsigned char **, int32_t *,
                                int32_t *status) {
    return not_created(status);
}
void *clCreateKernel(void *, const char *, int32_t *status) { return not_created(status); }
void *clEnqueueMapBuffer(void *, void *, uint32_t, uint64_t, size_t, size_t, uint32_t, void *const *, void **,
                         int32_t *status) {
    return not_created(status);
}

/* The rest takes an object that nobody can have. */
#define WITHOUT_A_DEVICE(name)                                                                                         \
    int32_t name(void *) { return DEVICE_NOT_FOUND; }
WITHOUT_A_DEVICE(clBuildProgram)
WITHOUT_A_DEVICE(clCreateSubDevices)
WITHOUT_A_DEVICE(clEnqueueCopyBuffer)
WITHOUT_A_DEVICE(clEnqueueFillBuffer)
WITHOUT_A_DEVICE(clEnqueueMarkerWithWaitList)
WITHOUT_A_DEVICE(clEnqueueNDRangeKernel)
WITHOUT_A_DEVICE(clEnqueueReadBuffer)
WITHOUT_A_DEVICE(clEnqueueUnmapMemObject)
WITHOUT_A_DEVICE(clEnqueueWriteBuffer)
WITHOUT_A_DEVICE(clFinish)
WITHOUT_A_DEVICE(clGetCommandQueueInfo)
WITHOUT_A_DEVICE(clGetContextInfo)
WITHOUT_A_DEVICE(clGetDeviceInfo)
WITHOUT_A_DEVICE(clGetEventProfilingInfo)
WITHOUT_A_DEVICE(clGetKernelArgInfo)
WITHOUT_A_DEVICE(clGetKernelInfo)
WITHOUT_A_DEVICE(clGetMemObjectInfo)
WITHOUT_A_DEVICE(clGetPlatformInfo)
WITHOUT_A_DEVICE(clGetProgramBuildInfo)
WITHOUT_A_DEVICE(clGetProgramInfo)
WITHOUT_A_DEVICE(clReleaseCommandQueue)
WITHOUT_A_DEVICE(clReleaseContext)
WITHOUT_A_DEVICE(clReleaseDevice)
WITHOUT_A_DEVICE(clReleaseEvent)
WITHOUT_A_DEVICE(clReleaseKernel)
WITHOUT_A_DEVICE(clReleaseMemObject)
WITHOUT_A_DEVICE(clReleaseProgram)
WITHOUT_A_DEVICE(clRetainCommandQueue)
WITHOUT_A_DEVICE(clRetainContext)
WITHOUT_A_DEVICE(clRetainDevice)
WITHOUT_A_DEVICE(clRetainEvent)
WITHOUT_A_DEVICE(clRetainMemObject)
WITHOUT_A_DEVICE(clSetKernelArg)

} // extern "C"
