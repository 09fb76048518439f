/*
 * Attention, backward, before the gradients themselves: zeros where no gradient comes, and delta = rowsum(dO * O).
 */
#include "attention.cuh"

namespace intuitor::cuda::attention {

namespace {

constexpr int THREADS = 256;

/* covered[t] = 1 for the rows of segment blockIdx.x. */
__global__ void __launch_bounds__(THREADS) mark_rows(uint8_t *covered, const it_segment *segments) {
    const it_segment s = segments[blockIdx.x];
    for (int i = threadIdx.x; i < s.q_len; i += THREADS) covered[(int64_t)s.q_start + i] = 1;
}

/* Rows in no segment have no gradient: dqkv [T, width]. A block looks at THREADS rows. */
template <class S> __global__ void __launch_bounds__(THREADS)
clear_others(S *dqkv, const uint8_t *covered, int64_t T, int64_t width) {
    __shared__ bool other[THREADS];
    int64_t first = (int64_t)blockIdx.x * THREADS, t = first + threadIdx.x;
    other[threadIdx.x] = t < T && !covered[t];
    if (!__syncthreads_or(other[threadIdx.x])) return;
    for (int i = 0; i < THREADS; i++) {
        if (!other[i]) continue;
        for (int64_t j = threadIdx.x; j < width; j += THREADS) dqkv[(first + i) * width + j] = from_float<S>(0);
    }
}

/* delta[i] = dout[i,:] . out[i,:], `lanes` (a power of two) neighbouring threads for each of the rows. Rows in no
   segment give what nobody reads. */
template <class S, bool ALIGNED> __global__ void __launch_bounds__(THREADS)
delta_kernel(float *delta, const S *dout, const S *out, int64_t rows, int D, int lanes) {
    int64_t row = ((int64_t)blockIdx.x * THREADS + threadIdx.x) / lanes;
    int lane = threadIdx.x % lanes;
    float sum = 0;
    if (row < rows) {
        const S *a = dout + row * D, *b = out + row * D;
        if constexpr (ALIGNED) {
            constexpr int N = VECTOR<S>;
            for (int d = lane * N; d < D; d += lanes * N) {
                float x[N], y[N];
                load_vector<true>(x, a + d);
                load_vector<true>(y, b + d);
#pragma unroll
                for (int i = 0; i < N; i++) sum = fmaf(x[i], y[i], sum);
            }
        } else {
            for (int d = lane; d < D; d += lanes) sum = fmaf(to_float(a[d]), to_float(b[d]), sum);
        }
    }
    sum = lanes_reduce(sum, lanes, Sum());
    if (row < rows && lane == 0) delta[row] = sum;
}

} // namespace

template <class S> int prepare_backward(const Backward<S> &b, int64_t T, it_stream s) {
    constexpr const char *NAME = "attention_backward";
    IT_WORKSPACE(NAME, covered, (size_t)T, s);
    IT_CUDA_IN(NAME, cudaMemsetAsync(covered.get<void>(), 0, (size_t)T, (cudaStream_t)s));
    if (b.S > 0) {
        IT_CUDA_IN(NAME, launch(mark_rows, dim3((unsigned)b.S), THREADS, 0, s, covered.get<uint8_t>(), b.segments));
    }
    IT_CUDA_IN(NAME, launch(clear_others<S>, dim3((unsigned)ceil_div(T, THREADS)), THREADS, 0, s, b.dqkv,
                            covered.get<uint8_t>(), T, b.width()));
    if (b.S == 0) return IT_OK;
    bool vectors = aligned<S>(b.D, (it_addr)b.dout, (it_addr)b.out);
    int lanes = 1;
    while (lanes < WARP && lanes * (vectors ? VECTOR<S> : 1) < b.D) lanes *= 2;
    dim3 grid((unsigned)ceil_div(T * b.Hq * lanes, THREADS));
    return check(launch(vectors ? delta_kernel<S, true> : delta_kernel<S, false>, grid, THREADS, 0, s, b.delta, b.dout,
                        b.out, T * b.Hq, b.D, lanes), NAME);
}

template int prepare_backward(const Backward<float> &, int64_t, it_stream);
template int prepare_backward(const Backward<bf16> &, int64_t, it_stream);

} // namespace intuitor::cuda::attention

