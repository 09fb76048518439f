/* Over a flat buffer: the sum of squares (the norm of the gradient), and whether anything is NaN or infinite. */
#include "flat_sum.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 256, VECTORS = 8; // 16-byte vectors a thread

struct Square {
    __device__ double operator()(float x) const { return (double)x * x; }
};

/* An exponent of all ones carries into the sign bit when the exponent's lowest bit is added to the magnitude. In a word
   of two 16-bit numbers nothing carries from one to the other. */
struct Fp32 {
    using Element = uint32_t;
    static constexpr uint32_t MAGNITUDE = 0x7fffffff, LOWEST_EXPONENT_BIT = 0x00800000;
};
struct Bf16 {
    using Element = uint16_t;
    static constexpr uint32_t MAGNITUDE = 0x7fff7fff, LOWEST_EXPONENT_BIT = 0x00800080;
};
struct Fp16 {
    using Element = uint16_t;
    static constexpr uint32_t MAGNITUDE = 0x7fff7fff, LOWEST_EXPONENT_BIT = 0x04000400;
};

/* The sign bits of the result are those of the numbers that are not finite. */
template <class Format> __device__ __forceinline__ uint32_t carried(uint32_t word) {
    return (word & Format::MAGNITUDE) + Format::LOWEST_EXPONENT_BIT;
}

/* out[0], 0 before, becomes 1 if anything is not finite. */
template <class Format, bool ALIGNED>
__global__ void __launch_bounds__(THREADS) find_nonfinite(int32_t *out, const typename Format::Element *x, int64_t n) {
    constexpr int64_t BLOCK = VECTORS * THREADS * VECTOR<typename Format::Element>;
    int64_t begin = blockIdx.x * BLOCK, count = min(BLOCK, n - begin);
    uint32_t bits = 0;
    if (ALIGNED && count == BLOCK) {
#pragma unroll
        for (int k = 0; k < VECTORS; k++) {
            uint4 words = ((const uint4 *)(x + begin))[k * THREADS + threadIdx.x];
            bits |= carried<Format>(words.x) | carried<Format>(words.y) | carried<Format>(words.z) |
                    carried<Format>(words.w);
        }
    } else {
        for (int64_t i = threadIdx.x; i < count; i += THREADS) bits |= carried<Format>(x[begin + i]);
    }
    bool found = __syncthreads_or(bits & ~Format::MAGNITUDE);
    if (found && threadIdx.x == 0) atomicOr(out, 1);
}

template <class Format> int run(it_addr out, it_addr x, int64_t n, it_stream s) {
    using Element = typename Format::Element;
    constexpr int64_t BLOCK = (int64_t)THREADS * VECTORS * VECTOR<Element>;
    if (ceil_div(n, BLOCK) > INT32_MAX) return fail(IT_INVALID, "any_nonfinite", "n is %lld", (long long)n);
    return check(launch(x % 16 == 0 ? find_nonfinite<Format, true> : find_nonfinite<Format, false>,
                        dim3((unsigned)ceil_div(n, BLOCK)), THREADS, 0, s, (int32_t *)out, (const Element *)x, n),
                 "any_nonfinite");
}

} // namespace

int sum_squares(it_addr out, it_addr x, int64_t n, it_stream s) {
    return launch_flat_sum<double, Square>(__func__, out, x, n, s);
}

int any_nonfinite(it_addr out, it_addr x, int64_t n, int32_t dtype, it_stream s) {
    IT_CHECK(n >= 0, "n is %lld", (long long)n);
    IT_CHECK(out && (n == 0 || x), "null address");
    IT_CHECK(dtype == IT_F32 || dtype == IT_BF16 || dtype == IT_F16, "dtype %d is none of fp32, bf16, f16", dtype);
    IT_CUDA(cudaMemsetAsync((void *)out, 0, sizeof(int32_t), (cudaStream_t)s));
    if (n == 0) return IT_OK;
    switch (dtype) {
    case IT_F32: return run<Fp32>(out, x, n, s);
    case IT_BF16: return run<Bf16>(out, x, n, s);
    default: return run<Fp16>(out, x, n, s);
    }
}

} // namespace intuitor::cuda
