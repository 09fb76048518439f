/*
 * Sums over the rows of a matrix, such as the gradient of a weight or a bias: fixed blocks of rows each fill a partial
 * sum of their own, and the partial sums are added in a fixed order. The blocks depend on the number of rows alone, not
 * on the device.
 */
#pragma once
#include "common.cuh"

namespace intuitor::cuda {

struct RowBlocks {
    int64_t rows, per_block, count;

    /* At most 512 blocks, enough for every chip, of at least 8 rows, lest the partial sums be the larger part. */
    explicit RowBlocks(int64_t rows) : rows(rows) {
        per_block = max(ceil_div(rows, 512), (int64_t)8);
        count = ceil_div(rows, per_block);
    }
    __device__ int64_t begin(int64_t block) const { return block * per_block; }
    __device__ int64_t end(int64_t block) const { return min((block + 1) * per_block, rows); }
};

constexpr int PARTIAL_SUM_WARPS = 32;

/* out[j] += sum over b < count of partial[b * stride + j], j < width: a lane a column; warp w adds every 32nd sum. */
static __global__ void __launch_bounds__(PARTIAL_SUM_WARPS *WARP)
add_partial_sums(float *out, const float *partial, int64_t count, int64_t stride, int64_t width) {
    __shared__ float sums[PARTIAL_SUM_WARPS][WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    int64_t column = (int64_t)blockIdx.x * WARP + lane;
    float sum = 0;
    if (column < width) {
#pragma unroll 8
        for (int64_t b = warp; b < count; b += PARTIAL_SUM_WARPS) sum += partial[b * stride + column];
    }
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || column >= width) return;
#pragma unroll 8
    for (int w = 1; w < PARTIAL_SUM_WARPS; w++) sum += sums[w][lane];
    out[column] += sum;
}

inline cudaError_t launch_add_partial_sums(it_addr out, const float *partial, int64_t count, int64_t stride,
                                           int64_t width, it_stream s) {
    return launch(add_partial_sums, dim3((unsigned)ceil_div(width, WARP)), PARTIAL_SUM_WARPS * WARP, 0, s, (float *)out,
                  partial, count, stride, width);
}

} // namespace intuitor::cuda
