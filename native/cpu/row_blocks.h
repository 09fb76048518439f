/*
 * Sums over the rows of a matrix, such as the gradient of a weight or a bias: fixed blocks of rows each fill a partial
 * sum of their own, and the partial sums are added in order. The blocks depend on the number of rows alone.
 */
#pragma once
#include "parallel.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

struct RowBlocks {
    int64_t rows, per_block, count;

    /* At most 64 blocks, of at least 16 rows. */
    explicit RowBlocks(int64_t rows) : rows(rows) {
        per_block = (rows + 63) / 64;
        if (per_block < 16) per_block = 16;
        count = (rows + per_block - 1) / per_block;
    }
    int64_t begin(int64_t block) const { return block * per_block; }
    int64_t end(int64_t block) const { return (block + 1) * per_block < rows ? (block + 1) * per_block : rows; }

    /* out[j] += sum over blocks b of partial[b * stride + j], j < width. */
    void add_to(float *out, const float *partial, int64_t stride, int64_t width) const {
        parallel_blocks(width, 256, [=, this](int64_t from, int64_t to) {
            each_vector(to - from, [=, this](int64_t j, auto n) {
                j += from;
                vf sum = zero();
                for (int64_t b = 0; b < count; b++) sum += load(partial + b * stride + j, n);
                store(out + j, load(out + j, n) + sum, n);
            });
        });
    }
};

} // namespace intuitor::INTUITOR_ISA
