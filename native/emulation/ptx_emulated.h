/* The instructions of kernels/ptx.cuh on the emulated device. */
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>

namespace intuitor::emulation {

/* The low or high bf16 of a register. */
inline float half_of(uint32_t pair, int high) {
    return __builtin_bit_cast(float, high ? pair & 0xffff0000u : pair << 16);
}

/* Lane 4 g + t holds, as PTX lays them out: of A rows g and g + 8, columns 2t, 2t+1 and those + 8; of B column g, rows
   2t, 2t+1 and those + 8; of D rows g and g + 8, columns 2t and 2t+1. */
inline void mma_m16n8k16(const char *site, float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    struct Operands {
        uint32_t a[4], b[2];
    } mine = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    auto lanes = exchange(site, mine);
    int group = lane() / 4, t = lane() % 4;
    for (int k = 0; k < 16; k++) {
        int holder = k % 8 / 2, upper = k / 8, high = k % 2;
        const Operands &rows = lanes[4 * group + holder];
        float a0 = half_of(rows.a[2 * upper], high), a1 = half_of(rows.a[2 * upper + 1], high);
        float b0 = half_of(lanes[4 * (2 * t) + holder].b[upper], high);
        float b1 = half_of(lanes[4 * (2 * t + 1) + holder].b[upper], high);
        d[0] += a0 * b0;
        d[1] += a0 * b1;
        d[2] += a1 * b0;
        d[3] += a1 * b1;
    }
}

/* Matrix i of four 8 x 8 ones: its row r is at the address that lane 8 i + r gives. */
inline void ldmatrix_x4(const char *site, uint32_t (&r)[4], const void *row, bool transposed) {
    if ((uintptr_t)row % 16) fail_launch("%s: ldmatrix of a misaligned address", site);
    auto rows = exchange(site, row);
    int group = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; i++) {
        if (transposed) {
            uint32_t low = ((const uint16_t *)rows[8 * i + 2 * t])[group];
            uint32_t high = ((const uint16_t *)rows[8 * i + 2 * t + 1])[group];
            r[i] = low | high << 16;
        } else {
            memcpy(&r[i], (const char *)rows[8 * i + group] + 4 * t, 4);
        }
    }
    (void)exchange(site, 0); // nobody overwrites what others have not read yet
}

inline uint32_t max_bf16x2(uint32_t a, uint32_t b) {
    uint32_t low = __builtin_bit_cast(uint32_t, fmaxf(half_of(a, 0), half_of(b, 0)));
    uint32_t high = __builtin_bit_cast(uint32_t, fmaxf(half_of(a, 1), half_of(b, 1)));
    return low >> 16 | (high & 0xffff0000u);
}

} // namespace intuitor::emulation
