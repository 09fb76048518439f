/*
 * Attention, backward, for packed training batches whose segments share prefixes by families.
 *
 * FlashAttention-2 (Dao 2023, arXiv 2307.08691), algorithm 2: with s = scale q k^T and lse from the forward pass,
 *     P = exp(s - lse)            recomputed, so that no [T, T] matrix is kept
 *     dV = P^T dO,  dP = dO V^T,  delta = rowsum(dO * O)
 *     dS = P * (dP - delta)
 *     dQ = scale dS K,  dK = scale dS^T Q.
 * dK and dV come from blocks of keys that walk over rows, dQ from blocks of rows that walk over keys: P is computed
 * twice, and nothing is added by two blocks, so there are no atomics and the bits are always the same.
 */
#include "attention.cuh"

namespace intuitor::cuda {

using namespace attention;

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
    for (int distance = lanes / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(FULL_WARP, sum, distance);
    if (row < rows && lane == 0) delta[row] = sum;
}

template <class S> int run_delta(const Backward<S> &b, int64_t T, it_stream s) {
    bool vectors = aligned<S>(b.D, (it_addr)b.dout, (it_addr)b.out);
    int lanes = 1;
    while (lanes < WARP && lanes * (vectors ? VECTOR<S> : 1) < b.D) lanes *= 2;
    dim3 grid((unsigned)ceil_div(T * b.Hq * lanes, THREADS));
    return check(launch(vectors ? delta_kernel<S, true> : delta_kernel<S, false>, grid, THREADS, 0, s, b.delta, b.dout,
                        b.out, T * b.Hq, b.D, lanes), "attention_backward");
}

} // namespace

int attention_backward(it_addr dqkv, it_addr delta, it_addr dout, it_addr qkv, it_addr out, it_addr lse,
                       it_addr segments, int64_t S, it_addr families, int64_t NF, int64_t max_q, int64_t max_k,
                       int64_t T, int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s) {
    IT_CHECK(S >= 0 && NF >= 0 && T >= 0, "S = %lld, NF = %lld, T = %lld", (long long)S, (long long)NF, (long long)T);
    if (T == 0) return IT_OK;
    if (int status = check_heads(__func__, Hq, Hkv, D)) return status;
    IT_CHECK(S == 0 || (max_q > 0 && max_q * (Hq / Hkv) <= INT32_MAX && max_k >= max_q && max_k <= INT32_MAX),
             "max_q = %lld, max_k = %lld", (long long)max_q, (long long)max_k);
    IT_CHECK(T * Hq <= (int64_t)INT32_MAX * (THREADS / WARP), "%lld rows of %lld heads", (long long)T, (long long)Hq);
    IT_CHECK(dqkv && delta && dout && qkv && out && lse && segments && families, "null address");
    return with_storage(__func__, dtype, [=](auto type) -> int {
        using S_ = decltype(type);
        Backward<S_> b{(S_ *)dqkv, (float *)delta, (const S_ *)dout, (const S_ *)qkv, (const S_ *)out,
                       (const float *)lse, (const it_segment *)segments, S, (const int32_t *)families, NF, max_q,
                       (int)Hq, (int)Hkv, (int)D, (int)(Hq / Hkv), score_scale(D), score_scale(D) * LOG2_E};
        IT_WORKSPACE(covered, (size_t)T, s);
        IT_CUDA(cudaMemsetAsync(covered.get<void>(), 0, (size_t)T, (cudaStream_t)s));
        if (S > 0) {
            IT_CUDA(launch(mark_rows, dim3((unsigned)S), THREADS, 0, s, covered.get<uint8_t>(), b.segments));
        }
        IT_CUDA(launch(clear_others<S_>, dim3((unsigned)ceil_div(T, THREADS)), THREADS, 0, s, b.dqkv,
                       covered.get<uint8_t>(), T, b.width()));
        if (S == 0) return IT_OK;
        if (int status = run_delta(b, T, s)) return status;
        return generic_backward(b, s);
    });
}

} // namespace intuitor::cuda
