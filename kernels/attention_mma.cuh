/*
 * bf16 tiles in shared memory and products of them on the tensor cores (mma.m16n8k16), for attention's kernels of head
 * size D = 64 and 128.
 *
 * A tile is [rows][D], 16 bytes = 8 elements a chunk; chunk c of row r lies at c ^ (r & 7), so that the 8 rows that
 * ldmatrix reads at once are in different banks, and so are the 8 chunks that a row's copy writes.
 *
 * Lane 4 g + t holds of a product [16][8] the columns 2t, 2t+1 of rows g (elements 0, 1) and g + 8 (2, 3). Two
 * neighbouring products, rounded to bf16, are an operand [16][16]: what comes out of one product goes into the next
 * without leaving its thread.
 */
#pragma once
#include "attention.cuh"

namespace intuitor::cuda::attention {

__device__ __forceinline__ int lane() { return threadIdx.x % WARP; }
__device__ __forceinline__ int warp() { return threadIdx.x / WARP; }

template <int D> __device__ __forceinline__ bf16 *chunk_of(bf16 *tile, int row, int chunk) {
    return tile + row * D + (chunk ^ (row & 7)) * 8;
}

/* Starts the copy of `count` rows, `first` being the address of row 0, into a tile of ROWS; zeros after them. By
   THREADS threads, of which this is number `thread`; the caller closes the group. */
template <int D, int ROWS, int THREADS>
__device__ __forceinline__ void copy_rows(bf16 *tile, const bf16 *first, int64_t stride, int count, int thread) {
    constexpr int CHUNKS = D / 8, STEP = THREADS / CHUNKS;
    int r = thread / CHUNKS, c = thread % CHUNKS;
    const bf16 *from = first + r * stride + c * 8;
#pragma unroll(STEP % 8 == 0 ? 2 : ROWS / STEP) // two if a chunk's place in its row is always the same
    for (int i = 0; i < ROWS / STEP; i++, r += STEP, from += STEP * stride) {
        cp_async_16(chunk_of<D>(tile, r, c), r < count ? from : first, r < count);
    }
}

/* The same for rows anywhere: row(r) is the address of row r < count. */
template <int D, int ROWS, int THREADS, class Row>
__device__ __forceinline__ void copy_scattered_rows(bf16 *tile, int count, int thread, Row row) {
    constexpr int CHUNKS = D / 8;
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / THREADS; i++) {
        int r = (thread + i * THREADS) / CHUNKS, c = thread % CHUNKS;
        cp_async_16(chunk_of<D>(tile, r, c), row(r < count ? r : 0) + c * 8, r < count);
    }
}

/*
 * What this lane adds to a tile's address for ldmatrix: of an operand A, or a transposed B, at rows 0 .. 15, and of an
 * operand B at rows 0 .. 15. Kept by the kernel; going to other columns then takes one exclusive-or, and all tiles and
 * rows (multiples of 8) share it.
 */
template <int D> __device__ __forceinline__ int lane_a() { return lane() % 16 * D + (lane() / 16 ^ lane() % 8) * 8; }
template <int D> __device__ __forceinline__ int lane_b() {
    return (lane() % 8 + lane() / 16 * 8) * D + (lane() / 8 % 2 ^ lane() % 8) * 8;
}
/* That of rows `row` on, columns 16 k .. 16 k + 15. */
template <int D> __device__ __forceinline__ bf16 *fragment(bf16 *tile, int lane_offset, int row, int k) {
    return tile + (lane_offset ^ k % 4 * 16) + row * D + k / 4 * 64;
}

/* Operand A [16][16]: rows row .. row + 15, columns 16 k .. 16 k + 15 of a tile. */
template <int D> __device__ __forceinline__ void load_a(uint32_t (&a)[4], bf16 *tile, int lane_a, int row, int k) {
    ldmatrix_x4(a, fragment<D>(tile, lane_a, row, k));
}

/* Operands B of two neighbouring products, where the tile's rows are columns: rows row .. row + 7 (elements 0, 1) and
   row + 8 .. row + 15 (2, 3), columns 16 k .. 16 k + 15. */
template <int D> __device__ __forceinline__ void load_b(uint32_t (&b)[4], bf16 *tile, int lane_b, int row, int k) {
    ldmatrix_x4(b, fragment<D>(tile, lane_b, row, k));
}

/* The same where the tile's rows are summed over: rows row .. row + 15, columns 16 n .. 16 n + 7 and 16 n + 8 .. */
template <int D>
__device__ __forceinline__ void load_b_transposed(uint32_t (&b)[4], bf16 *tile, int lane_a, int row, int n) {
    ldmatrix_x4_transposed(b, fragment<D>(tile, lane_a, row, n));
}

/* Both products of an operand A and what load_b gave. */
__device__ __forceinline__ void mma_pair(float (&d0)[4], float (&d1)[4], const uint32_t (&a)[4],
                                         const uint32_t (&b)[4]) {
    mma_m16n8k16(d0, a, {b[0], b[1]});
    mma_m16n8k16(d1, a, {b[2], b[3]});
}

/* Two neighbouring products as an operand A. */
__device__ __forceinline__ void to_operand(uint32_t (&a)[4], const float (&d0)[4], const float (&d1)[4]) {
    a[0] = pack_bf16(d0[0], d0[1]);
    a[1] = pack_bf16(d0[2], d0[3]);
    a[2] = pack_bf16(d1[0], d1[1]);
    a[3] = pack_bf16(d1[2], d1[3]);
}

/* The value of the 4 lanes that hold a row of a product. */
template <class Combine> __device__ __forceinline__ float quad_reduce(float x, Combine combine) {
    x = combine(x, __shfl_xor_sync(FULL_WARP, x, 1));
    return combine(x, __shfl_xor_sync(FULL_WARP, x, 2));
}

/* Puts 16 rows of a warp's result [16][D], times a factor for rows g and g + 8, into rows row .. row + 15 of a tile. */
template <int D>
__device__ __forceinline__ void put_rows(bf16 *tile, int row, const float (&result)[D / 8][4], float factor0,
                                         float factor1) {
    row += lane() / 4;
    int column = lane() % 4 * 2;
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
        const float(&x)[4] = result[n];
        *(uint32_t *)(chunk_of<D>(tile, row, n) + column) = pack_bf16(x[0] * factor0, x[1] * factor0);
        *(uint32_t *)(chunk_of<D>(tile, row + 8, n) + column) = pack_bf16(x[2] * factor1, x[3] * factor1);
    }
}

/* Writes ROWS rows of a tile from `row` on, by one warp, after put_rows() and a barrier of the warp; to(r) is the
   address of row r < ROWS in memory, or null. */
template <int D, int ROWS, class Row> __device__ __forceinline__ void write_rows(bf16 *tile, int row, Row to) {
    constexpr int CHUNKS = D / 8;
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / WARP; i++) {
        int r = (lane() + i * WARP) / CHUNKS, c = lane() % CHUNKS;
        if (bf16 *p = to(r)) *(uint4 *)(p + c * 8) = *(const uint4 *)chunk_of<D>(tile, row + r, c);
    }
}

} // namespace intuitor::cuda::attention
