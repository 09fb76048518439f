/* Token embedding: rows of a table by token id, and their gradient. */
#include "rows.cuh"

namespace intuitor::cuda {

static int check_ids(const char *function, it_addr a, it_addr b, it_addr ids, int64_t T, int64_t H, int64_t V) {
    if (T < 0 || T > INT32_MAX || H <= 0 || V <= 0) {
        return fail(IT_INVALID, function, "sizes T %lld, H %lld, V %lld", (long long)T, (long long)H, (long long)V);
    }
    if (T > 0 && !(a && b && ids)) return fail(IT_INVALID, function, "null address");
    return IT_OK;
}

int embedding_forward(it_addr out, it_addr table, it_addr ids, int64_t T, int64_t H, int64_t V, int32_t dtype,
                      it_stream s) {
    if (int status = check_ids(__func__, out, table, ids, T, H, V)) return status;
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        return check(launch_copy_rows((S *)out, (const S *)table, (const int32_t *)ids, T, H, s), "embedding_forward");
    });
}

int embedding_backward(it_addr dtable, it_addr dout, it_addr ids, int64_t T, int64_t H, int64_t V, int32_t dtype,
                       it_stream s) {
    if (int status = check_ids(__func__, dtable, dout, ids, T, H, V)) return status;
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        return check(launch_add_rows((float *)dtable, (const S *)dout, (const int32_t *)ids, T, H, s),
                     "embedding_backward");
    });
}

} // namespace intuitor::cuda
