/* How fast this device reads memory: the yardstick for every kernel that reads each byte once. */
#include "flat_sum.cuh"

namespace intuitor::cuda {

struct Itself {
    __device__ float operator()(float x) const { return x; }
};

int read_ceiling(it_addr out, it_addr x, int64_t bytes, it_stream s) {
    IT_CHECK(bytes >= 0 && bytes % 4 == 0, "%lld bytes: must be a multiple of 4", (long long)bytes);
    return launch_flat_sum<float, Itself>(__func__, out, x, bytes / 4, s);
}

} // namespace intuitor::cuda
