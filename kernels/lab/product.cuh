/*
 * A product on the CUDA cores in fp32, by tiles in shared memory: what the first steps compute with. An element of a
 * tile is read from shared memory for 4 multiplications of a lane.
 */
#pragma once
#include "../common.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int TILE = 64, DEPTH = 16, THREADS = 256;

/* to[k][i] = matrix(i, k); ROWS: k is what neighbours in memory differ by, else i. */
template <bool ROWS, class Matrix>
__device__ __forceinline__ void load_tile(float (&to)[DEPTH][TILE + 1], Matrix matrix, int from, int depth) {
    for (int n = threadIdx.x; n < TILE * DEPTH; n += THREADS) {
        int i = ROWS ? n / DEPTH : n % TILE, k = ROWS ? n % DEPTH : n / TILE;
        to[k][i] = from + k < depth ? matrix(i, from + k) : 0;
    }
}

/* A tile of a product: each(i, j, sum of a(i, k) b(j, k) over k < depth), i and j below TILE; 4 x 4 of them a thread.
   ROWS_OF_B: b's k is what neighbours in memory differ by, as a's is. */
template <bool ROWS_OF_B, class A, class B, class Each>
__device__ __forceinline__ void multiply(int depth, A a, B b, Each each) {
    __shared__ float a_tile[DEPTH][TILE + 1], b_tile[DEPTH][TILE + 1];
    int x = threadIdx.x % 16, y = threadIdx.x / 16;
    float d[4][4] = {};
    for (int k = 0; k < depth; k += DEPTH) {
        load_tile<true>(a_tile, a, k, depth);
        load_tile<ROWS_OF_B>(b_tile, b, k, depth);
        __syncthreads();
#pragma unroll
        for (int l = 0; l < DEPTH; l++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) d[i][j] = fmaf(a_tile[l][y + 16 * i], b_tile[l][x + 16 * j], d[i][j]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) each(y + 16 * i, x + 16 * j, d[i][j]);
    }
}

} // namespace
} // namespace intuitor::cuda::lab
