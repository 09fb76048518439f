/* Gathering rows of a matrix (the hidden states that are scored) and adding their gradients back. */
#include "rows.cuh"

namespace intuitor::cuda {

static int check_rows(const char *function, it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H) {
    if (N < 0 || N > INT32_MAX || T < 0 || H <= 0) {
        return fail(IT_INVALID, function, "sizes N %lld, T %lld, H %lld", (long long)N, (long long)T, (long long)H);
    }
    if (N > 0 && !(dst && src && index)) return fail(IT_INVALID, function, "null address");
    return IT_OK;
}

int gather_rows(it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H, int32_t dtype, it_stream s) {
    if (int status = check_rows(__func__, dst, src, index, N, T, H)) return status;
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (N == 0) return (int)IT_OK;
        return check(launch_copy_rows((S *)dst, (const S *)src, (const int32_t *)index, N, H, s), "gather_rows");
    });
}

int scatter_add_rows(it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H, int32_t dtype,
                     it_stream s) {
    if (int status = check_rows(__func__, dst, src, index, N, T, H)) return status;
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (N == 0) return (int)IT_OK;
        return check(launch_add_rows((S *)dst, (const S *)src, (const int32_t *)index, N, H, s), "scatter_add_rows");
    });
}

} // namespace intuitor::cuda
