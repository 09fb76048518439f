/* Conversion between fp32, bf16 and f16, rounding to nearest even. */
#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

template <class D, class S> static void convert(it_addr dst, it_addr src, int64_t n) {
    D *d = (D *)dst;
    const S *s = (const S *)src;
    parallel_blocks(n, 1 << 14, [=](int64_t begin, int64_t end) {
        each_vector(end - begin, [=](int64_t i, auto count) {
            store(d + begin + i, load(s + begin + i, count), count);
        });
    });
}

template <class D> static int convert_to(it_addr dst, it_addr src, int32_t src_dtype, int64_t n) {
    switch (src_dtype) {
    case IT_F32: convert<D, float>(dst, src, n); return IT_OK;
    case IT_BF16: convert<D, bf16>(dst, src, n); return IT_OK;
    case IT_F16: convert<D, f16>(dst, src, n); return IT_OK;
    default: return fail(IT_INVALID, "cast", "source dtype %d is none of fp32, bf16, f16", src_dtype);
    }
}

int cast(it_addr dst, int32_t dst_dtype, it_addr src, int32_t src_dtype, int64_t n, it_stream) {
    IT_CHECK(n >= 0, "n is %lld", (long long)n);
    IT_CHECK(n == 0 || (dst && src), "null address");
    switch (dst_dtype) {
    case IT_F32: return convert_to<float>(dst, src, src_dtype, n);
    case IT_BF16: return convert_to<bf16>(dst, src, src_dtype, n);
    case IT_F16: return convert_to<f16>(dst, src, src_dtype, n);
    default: return fail(IT_INVALID, "cast", "destination dtype %d is none of fp32, bf16, f16", dst_dtype);
    }
}

} // namespace intuitor::INTUITOR_ISA
