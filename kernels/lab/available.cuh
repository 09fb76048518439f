/* Which devices can run a step: what it registers with. */
#pragma once
#include "../common.cuh"

namespace intuitor::cuda::lab {

inline bool everywhere() { return true; }

/* sm_90a's instructions exist on no later device. */
inline bool on_hopper() {
    int device;
    cudaDeviceProp properties;
    return cudaGetDevice(&device) == cudaSuccess && cudaGetDeviceProperties(&properties, device) == cudaSuccess &&
           properties.major == 9 && properties.minor == 0;
}

} // namespace intuitor::cuda::lab
