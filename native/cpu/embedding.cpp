/* Token embedding: rows of a table by token id, and their gradient. */
#include "error.h"
#include "kernels.h"
#include "rows.h"

namespace intuitor::INTUITOR_ISA {

static int check(const char *function, it_addr a, it_addr b, it_addr ids, int64_t T, int64_t H, int64_t V,
                 int32_t dtype) {
    if (dtype != IT_F32) return fail(IT_INVALID, function, "dtype %d: this kernel works on fp32 only", dtype);
    if (T < 0 || H <= 0 || V <= 0) {
        return fail(IT_INVALID, function, "sizes T %lld, H %lld, V %lld", (long long)T, (long long)H, (long long)V);
    }
    if (T > 0 && !(a && b && ids)) return fail(IT_INVALID, function, "null address");
    int64_t bad = first_outside((const int32_t *)ids, T, V);
    if (bad >= 0) {
        return fail(IT_INVALID, function, "token %lld has id %d, the vocabulary has %lld", (long long)bad,
                    ((const int32_t *)ids)[bad], (long long)V);
    }
    return IT_OK;
}

int embedding_forward(it_addr out, it_addr table, it_addr ids, int64_t T, int64_t H, int64_t V, int32_t dtype,
                      it_stream) {
    if (int status = check(__func__, out, table, ids, T, H, V, dtype)) return status;
    copy_rows((float *)out, (const float *)table, (const int32_t *)ids, T, H);
    return IT_OK;
}

int embedding_backward(it_addr dtable, it_addr dout, it_addr ids, int64_t T, int64_t H, int64_t V, int32_t dtype,
                       it_stream) {
    if (int status = check(__func__, dtable, dout, ids, T, H, V, dtype)) return status;
    add_rows((float *)dtable, (const float *)dout, (const int32_t *)ids, T, H);
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA
