/*
 * How fast this machine reads memory: the yardstick for every kernel that reads each byte once. Fixed blocks, each read
 * as four streams of two vectors, because the prefetchers follow several streams better than one.
 */
#include <cstring>

#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

constexpr int64_t BLOCK = 1 << 18; // floats
constexpr int STREAMS = 4;

static float read_block(const float *x, int64_t n) {
    vf sums[2 * STREAMS] = {};
    int64_t part = n / STREAMS / (2 * W) * (2 * W);
    for (int64_t i = 0; i < part; i += 2 * W) {
        for (int k = 0; k < STREAMS; k++) {
            sums[2 * k] += load(x + k * part + i);
            sums[2 * k + 1] += load(x + k * part + i + W);
        }
    }
    vf total = zero();
    for (vf sum : sums) total += sum;
    each_vector(n - STREAMS * part, [&](int64_t i, auto count) { total += load(x + STREAMS * part + i, count); });
    return reduce_add(total);
}

int read_ceiling(it_addr out, it_addr x, int64_t bytes, it_stream) {
    IT_CHECK(bytes >= 0 && bytes % 4 == 0, "%lld bytes: must be a multiple of 4", (long long)bytes);
    IT_CHECK(out && (bytes == 0 || x), "null address");
    int64_t n = bytes / 4, blocks = (n + BLOCK - 1) / BLOCK;
    IT_SCRATCH(float, sums, blocks);
    parallel_for_dynamic(blocks, BLOCK, [=](int64_t b) {
        int64_t begin = b * BLOCK, count = n - begin < BLOCK ? n - begin : BLOCK;
        sums[b] = read_block((const float *)x + begin, count);
    });
    float total = 0;
    for (int64_t b = 0; b < blocks; b++) total += sums[b];
    *(float *)out = total;
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
