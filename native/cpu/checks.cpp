/* Over a flat buffer: the sum of squares (the norm of the gradient), and whether anything is NaN or infinite. */
#include <cstring>

#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

constexpr int64_t BLOCK = 1 << 16;

/* In fp64, on 4 x W fixed lanes. */
static double square_sum(const float *x, int64_t n) {
    constexpr int HALF = W / 2; // as many doubles as fit in a vector
    typedef float floats __attribute__((vector_size(4 * HALF)));
    typedef double doubles __attribute__((vector_size(8 * HALF)));
    doubles sums[8] = {};
    int64_t i = 0;
    for (; i + 8 * HALF <= n; i += 8 * HALF) {
        for (int k = 0; k < 8; k++) {
            floats f;
            memcpy(&f, x + i + k * HALF, sizeof f);
            doubles d = __builtin_convertvector(f, doubles);
            sums[k] += d * d;
        }
    }
    double total = 0;
    for (; i < n; i++) total += (double)x[i] * x[i];
    doubles all = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (int k = 0; k < HALF; k++) total += all[k];
    return total;
}

int sum_squares(it_addr out, it_addr x, int64_t n, it_stream) {
    IT_CHECK(n >= 0, "n is %lld", (long long)n);
    IT_CHECK(out && (n == 0 || x), "null address");
    int64_t blocks = (n + BLOCK - 1) / BLOCK;
    IT_SCRATCH(double, sums, blocks);
    parallel_blocks(n, BLOCK, [=](int64_t begin, int64_t end) {
        sums[begin / BLOCK] = square_sum((const float *)x + begin, end - begin);
    });
    double total = 0;
    for (int64_t b = 0; b < blocks; b++) total += sums[b];
    *(double *)out = total;
    return IT_OK;
}

/* An exponent of all ones carries into the sign bit when the exponent's lowest bit is added to the magnitude. */
template <class Bits, Bits MAGNITUDE, Bits LOWEST_EXPONENT_BIT> static bool any_special(const Bits *x, int64_t n) {
    Bits carried = 0;
    for (int64_t i = 0; i < n; i++) carried |= (Bits)((x[i] & MAGNITUDE) + LOWEST_EXPONENT_BIT);
    return carried & (Bits)~MAGNITUDE;
}

int any_nonfinite(it_addr out, it_addr x, int64_t n, int32_t dtype, it_stream) {
    IT_CHECK(n >= 0, "n is %lld", (long long)n);
    IT_CHECK(out && (n == 0 || x), "null address");
    IT_CHECK(dtype == IT_F32 || dtype == IT_BF16 || dtype == IT_F16, "dtype %d is none of fp32, bf16, f16", dtype);
    int64_t blocks = (n + BLOCK - 1) / BLOCK;
    IT_SCRATCH(uint8_t, found, blocks);
    parallel_blocks(n, BLOCK, [=](int64_t begin, int64_t end) {
        const uint16_t *half = (const uint16_t *)x + begin;
        int64_t count = end - begin;
        found[begin / BLOCK] =
            dtype == IT_F32 ? any_special<uint32_t, 0x7fffffff, 0x00800000>((const uint32_t *)x + begin, count)
            : dtype == IT_BF16 ? any_special<uint16_t, 0x7fff, 0x0080>(half, count)
                               : any_special<uint16_t, 0x7fff, 0x0400>(half, count);
    });
    *(int32_t *)out = blocks && memchr(found, 1, blocks) ? 1 : 0;
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
