/* Tensor maps for load_tile() of ptx_sm90.cuh, made on the host. */
#pragma once
#include <cuda.h>

#include "common.cuh"
#include "ptx_sm90.cuh"

namespace intuitor::cuda {

/* The driver's function that describes a matrix to the copies; null where there is none. */
inline decltype(&cuTensorMapEncodeTiled) encoder() {
    void *function = nullptr;
    cudaDriverEntryPointQueryResult found;
    cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found);
    if (error != cudaSuccess || found != cudaDriverEntryPointSuccess) {
        cudaGetLastError();
        return nullptr;
    }
    return (decltype(&cuTensorMapEncodeTiled))function;
}

/* sizes: columns, rows, planes; strides in bytes: from a row, and from a plane, to the next. */
template <int RANK>
int describe(CUtensorMap *map, uintptr_t first, const cuuint64_t (&sizes)[RANK], const cuuint64_t (&strides)[RANK - 1],
             int tile_rows) {
    cuuint32_t box[] = {PANEL, (cuuint32_t)tile_rows, 1}, every[] = {1, 1, 1};
    auto encode = encoder();
    if (!encode) return fail(IT_FAILED, "tensor_map", "the driver has no tensor maps");
    CUresult result = encode(map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, RANK, (void *)first, sizes, strides, box, every,
                             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    return result == CUDA_SUCCESS ? IT_OK
                                  : fail(IT_FAILED, "tensor_map", "cuTensorMapEncodeTiled: error %d", (int)result);
}

/* A matrix [rows, columns] that is read in tiles [tile_rows, PANEL]. */
inline int describe_matrix(CUtensorMap *map, const bf16 *matrix, int64_t rows, int64_t columns, int tile_rows) {
    return describe<2>(map, (uintptr_t)matrix, {(cuuint64_t)columns, (cuuint64_t)rows},
                       {(cuuint64_t)columns * sizeof(bf16)}, tile_rows);
}

/*
 * A matrix of which runs of rows are read in tiles [tile_rows, PANEL], zeros behind a run's end: rows first .. first +
 * count - 1 begin at x, y = tile_rows - count, z = first + count. Plane z is the tile_rows rows before row z, and the
 * copy ends where a plane ends; so one map serves runs of any length, and nobody needs to know how many rows the matrix
 * has. Planes overlap, and plane 0 lies before the matrix: nothing of it is read.
 */
inline int describe_runs(CUtensorMap *map, const bf16 *matrix, int64_t stride, int64_t columns, int tile_rows) {
    cuuint64_t bytes = (cuuint64_t)stride * sizeof(bf16);
    return describe<3>(map, (uintptr_t)matrix - tile_rows * bytes,
                       {(cuuint64_t)columns, (cuuint64_t)tile_rows, (cuuint64_t)1 << 31}, {bytes, bytes}, tile_rows);
}

} // namespace intuitor::cuda
