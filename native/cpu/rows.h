/* Rows of matrices picked by index: shared by the embedding and by gather / scatter. */
#pragma once
#include <cstring>

#include "parallel.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

/* The first i with index[i] outside [0, rows), or -1. */
inline int64_t first_outside(const int32_t *index, int64_t n, int64_t rows) {
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= rows) return i;
    }
    return -1;
}

/* dst[i,:] = src[index[i],:] */
inline void copy_rows(float *dst, const float *src, const int32_t *index, int64_t n, int64_t width) {
    parallel_for(n, width, [=](int64_t i) { memcpy(dst + i * width, src + index[i] * width, width * sizeof(float)); });
}

/*
 * dst[index[i],:] += src[i,:]. Split over columns, not rows: an index may repeat, and so every element of dst is still
 * added to in order of i, by one thread.
 */
inline void add_rows(float *dst, const float *src, const int32_t *index, int64_t n, int64_t width) {
    constexpr int64_t COLUMNS = 64;
    parallel_for((width + COLUMNS - 1) / COLUMNS, n * COLUMNS, [=](int64_t block) {
        int64_t begin = block * COLUMNS, columns = width - begin < COLUMNS ? width - begin : COLUMNS;
        for (int64_t i = 0; i < n; i++) {
            float *d = dst + index[i] * width + begin;
            const float *s = src + i * width + begin;
            each_vector(columns, [=](int64_t j, auto count) {
                store(d + j, load(d + j, count) + load(s + j, count), count);
            });
        }
    });
}

} // namespace intuitor::INTUITOR_ISA
