/* What the cases with sm_90's instructions share. */
#pragma once
#include "../../../kernels/ptx_sm90.cuh"
#include "cases.h"

namespace {

using namespace intuitor::cuda;

constexpr int COLUMNS = 64; // of a tile: 128 bytes

enum class Flaw {
    NONE,
    NOT_WAITED,    // read before it is there
    OTHER_PARITY,  // waits for the phase before
    FEWER_BYTES,   // announced than come
    MORE_BYTES,
    NO_INIT,
    NO_FENCE,      // after mbarrier.init; before a product; between proxies
    EARLY_FENCE,   // before registers are written
    MISALIGNED,    // a tile
    NOT_COMMITTED, // products
    OVERWRITTEN,   // an operand, before its products are waited for
    READ,          // registers that products use
    ACCUMULATED,   // to accumulators, while products do so
    OTHER_LANES,   // have other descriptors
    OTHER_WARPS,
    OTHER_COUNT,   // of threads at a barrier
    TWICE,         // there
};

/* Where element (row, column) of a tile lies. */
__device__ int place(int row, int column) { return row * COLUMNS + ((column / 8 ^ row % 8) * 8) + column % 8; }

/* A matrix of whole numbers below 128, which bf16 holds, and its map: of tiles, or with runs, of tiles of runs (as
   kernels/tensor_map.cuh has them). */
struct Matrix {
    int rows, columns;
    bf16 *data = nullptr;
    CUtensorMap map;

    Matrix(int rows, int columns, int box_rows, int seed, bool runs = false) : rows(rows), columns(columns) {
        cudaMalloc((void **)&data, (size_t)rows * columns * sizeof(bf16));
        for (int i = 0; i < rows * columns; i++) data[i] = __float2bfloat16_rn((float)((i * 7 + seed) % 13 - 6));
        cuuint64_t bytes = (cuuint64_t)columns * sizeof(bf16), strides[] = {bytes, bytes};
        cuuint64_t sizes[] = {(cuuint64_t)columns, (cuuint64_t)(runs ? box_rows : rows), (cuuint64_t)1 << 31};
        cuuint32_t box[] = {COLUMNS, (cuuint32_t)box_rows, 1}, every[] = {1, 1, 1};
        CUresult result = cuTensorMapEncodeTiled(
            &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, runs ? 3 : 2,
            (void *)((uintptr_t)data - (runs ? (cuuint64_t)box_rows * bytes : 0)), sizes, strides, box, every,
            CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
            CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
        if (result != CUDA_SUCCESS) printf("no tensor map: %d\n", (int)result);
    }
    ~Matrix() { cudaFree(data); }
    Matrix(const Matrix &) = delete;
    Matrix &operator=(const Matrix &) = delete;

    /* 0 outside. */
    float at(int r, int c) const { return r < rows && c < columns ? __bfloat162float(data[r * columns + c]) : 0; }
};

} // namespace
