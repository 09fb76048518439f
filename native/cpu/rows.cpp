/* Gathering rows of a matrix (the hidden states that are scored) and adding their gradients back. */
#include "rows.h"

#include "error.h"
#include "kernels.h"

namespace intuitor::INTUITOR_ISA {

static int check(const char *function, it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H,
                 int32_t dtype) {
    if (dtype != IT_F32) return fail(IT_INVALID, function, "dtype %d: this kernel works on fp32 only", dtype);
    if (N < 0 || T < 0 || H <= 0) {
        return fail(IT_INVALID, function, "sizes N %lld, T %lld, H %lld", (long long)N, (long long)T, (long long)H);
    }
    if (N > 0 && !(dst && src && index)) return fail(IT_INVALID, function, "null address");
    int64_t bad = first_outside((const int32_t *)index, N, T);
    if (bad >= 0) {
        return fail(IT_INVALID, function, "index %lld is %d, the matrix has %lld rows", (long long)bad,
                    ((const int32_t *)index)[bad], (long long)T);
    }
    return IT_OK;
}

int gather_rows(it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H, int32_t dtype, it_stream) {
    if (int status = check(__func__, dst, src, index, N, T, H, dtype)) return status;
    copy_rows((float *)dst, (const float *)src, (const int32_t *)index, N, H);
    return IT_OK;
}

int scatter_add_rows(it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H, int32_t dtype,
                     it_stream) {
    if (int status = check(__func__, dst, src, index, N, T, H, dtype)) return status;
    add_rows((float *)dst, (const float *)src, (const int32_t *)index, N, H);
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
