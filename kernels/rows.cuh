/* Rows of matrices picked by index: shared by the embedding and by gather / scatter. */
#pragma once
#include "common.cuh"

namespace intuitor::cuda {

constexpr int ROW_THREADS = 128;

/* dst[i,:] = src[index[i],:], a block a row */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(ROW_THREADS) copy_rows(T *dst, const T *src, const int32_t *index, int64_t width) {
    constexpr int N = VECTOR<T>;
    T *to = dst + blockIdx.x * width;
    const T *from = src + index[blockIdx.x] * width;
    if constexpr (ALIGNED) {
        for (int64_t j = threadIdx.x; j < width / N; j += ROW_THREADS) ((uint4 *)to)[j] = ((const uint4 *)from)[j];
    } else {
        for (int64_t j = threadIdx.x; j < width; j += ROW_THREADS) to[j] = from[j];
    }
}

/*
 * dst[index[i],:] += src[i,:] without atomics: block i does nothing if an earlier row has its index; else it adds its
 * row and all later ones of that index, in order, in fp32, and rounds once. It reads all n indices for that, which
 * stay in the L2 cache. A thread owns VECTOR<S> columns; blockIdx.y counts groups of ROW_THREADS of them.
 */
template <class D, class S, bool ALIGNED>
__global__ void __launch_bounds__(ROW_THREADS)
add_rows(D *dst, const S *src, const int32_t *index, int64_t n, int64_t width) {
    constexpr int N = VECTOR<S>;
    __shared__ int32_t matches[ROW_THREADS]; // rows of the current stretch of indices that have this block's
    __shared__ int32_t warp_matches[ROW_THREADS / WARP];
    int64_t row = blockIdx.x, own = index[row];
    bool earlier = false;
    for (int64_t i = threadIdx.x; i < row; i += ROW_THREADS) earlier |= index[i] == own;
    if (__syncthreads_or(earlier)) return;

    int64_t column = ((int64_t)blockIdx.y * ROW_THREADS + threadIdx.x) * N;
    int columns = (int)max((int64_t)0, min((int64_t)N, width - column));
    D *to = dst + own * width + column;
    float sum[N] = {};
    for (int j = 0; j < columns; j++) sum[j] = to_float(to[j]);
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    for (int64_t begin = row; begin < n; begin += ROW_THREADS) {
        int64_t i = begin + threadIdx.x;
        bool match = i < n && index[i] == own;
        unsigned votes = __ballot_sync(FULL_WARP, match);
        __syncthreads(); // the stretch before may still be read
        if (lane == 0) warp_matches[warp] = __popc(votes);
        __syncthreads();
        int before = 0, total = 0;
        for (int w = 0; w < ROW_THREADS / WARP; w++) {
            before += w < warp ? warp_matches[w] : 0;
            total += warp_matches[w];
        }
        if (match) matches[before + __popc(votes & ((1u << lane) - 1))] = threadIdx.x;
        __syncthreads();
        for (int m = 0; m < total; m++) {
            const S *from = src + (begin + matches[m]) * width + column;
            if (ALIGNED && columns == N) {
                float x[N];
                load_vector<ALIGNED>(x, from);
#pragma unroll
                for (int j = 0; j < N; j++) sum[j] += x[j];
            } else {
                for (int j = 0; j < columns; j++) sum[j] += to_float(from[j]);
            }
        }
    }
    for (int j = 0; j < columns; j++) to[j] = from_float<D>(sum[j]);
}

template <class T>
cudaError_t launch_copy_rows(T *dst, const T *src, const int32_t *index, int64_t n, int64_t width, it_stream s) {
    bool vectors = aligned<T>(width, (it_addr)dst, (it_addr)src);
    return launch(vectors ? copy_rows<T, true> : copy_rows<T, false>, dim3((unsigned)n), ROW_THREADS, 0, s, dst, src,
                  index, width);
}

template <class D, class S>
cudaError_t launch_add_rows(D *dst, const S *src, const int32_t *index, int64_t n, int64_t width, it_stream s) {
    dim3 grid((unsigned)n, (unsigned)ceil_div(width, VECTOR<S> * ROW_THREADS));
    bool vectors = aligned<S>(width, (it_addr)src);
    return launch(vectors ? add_rows<D, S, true> : add_rows<D, S, false>, grid, ROW_THREADS, 0, s, dst, src, index, n,
                  width);
}

} // namespace intuitor::cuda
