/* Conversion between fp32, bf16 and f16, rounding to nearest even. */
#include "common.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 256;

/* Every thread takes elements a grid apart: neighbours touch neighbouring memory. */
template <class D, class S> __global__ void __launch_bounds__(THREADS) convert(D *dst, const S *src, int64_t n) {
    int64_t step = (int64_t)gridDim.x * THREADS;
    for (int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
        dst[i] = from_float<D>(to_float(src[i]));
    }
}

/* 16 bytes of the wider type at a time. */
template <class D, class S>
__global__ void __launch_bounds__(THREADS) convert_aligned(D *dst, const S *src, int64_t vectors) {
    constexpr int N = 16 / (sizeof(D) > sizeof(S) ? sizeof(D) : sizeof(S));
    struct alignas(N * sizeof(D)) To {
        D values[N];
    };
    struct alignas(N * sizeof(S)) From {
        S values[N];
    };
    int64_t step = (int64_t)gridDim.x * THREADS;
    for (int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x; i < vectors; i += step) {
        From from = ((const From *)src)[i];
        To to;
#pragma unroll
        for (int j = 0; j < N; j++) to.values[j] = from_float<D>(to_float(from.values[j]));
        ((To *)dst)[i] = to;
    }
}

template <class D, class S> int run(it_addr dst, it_addr src, int64_t n, it_stream s) {
    constexpr int N = 16 / (sizeof(D) > sizeof(S) ? sizeof(D) : sizeof(S));
    bool vectors = n % N == 0 && dst % (N * sizeof(D)) == 0 && src % (N * sizeof(S)) == 0;
    int64_t items = vectors ? n / N : n;
    dim3 grid((unsigned)min(ceil_div(items, THREADS), (int64_t)multiprocessors() * 16));
    return check(launch(vectors ? convert_aligned<D, S> : convert<D, S>, grid, THREADS, 0, s, (D *)dst, (const S *)src,
                        items), "cast");
}

template <class D> int convert_to(it_addr dst, it_addr src, int32_t src_dtype, int64_t n, it_stream s) {
    switch (src_dtype) {
    case IT_F32: return run<D, float>(dst, src, n, s);
    case IT_BF16: return run<D, bf16>(dst, src, n, s);
    case IT_F16: return run<D, f16>(dst, src, n, s);
    default: return fail(IT_INVALID, "cast", "source dtype %d is none of fp32, bf16, f16", src_dtype);
    }
}

} // namespace

int cast(it_addr dst, int32_t dst_dtype, it_addr src, int32_t src_dtype, int64_t n, it_stream s) {
    IT_CHECK(n >= 0, "n is %lld", (long long)n);
    IT_CHECK(n == 0 || (dst && src), "null address");
    if (n == 0) return IT_OK;
    switch (dst_dtype) {
    case IT_F32: return convert_to<float>(dst, src, src_dtype, n, s);
    case IT_BF16: return convert_to<bf16>(dst, src, src_dtype, n, s);
    case IT_F16: return convert_to<f16>(dst, src, src_dtype, n, s);
    default: return fail(IT_INVALID, "cast", "destination dtype %d is none of fp32, bf16, f16", dst_dtype);
    }
}

} // namespace intuitor::cuda
