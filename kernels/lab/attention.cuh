/*
 * What the steps of attention's forward pass share: their arguments are those of ../attention.cuh, verified. A step is
 * a struct with  template <class T> static int run(const Forward<T> &f, it_stream s).
 */
#pragma once
#include "../attention.cuh"
#include "available.cuh"
#include "intuitor_lab.h"

namespace intuitor::cuda::lab {

using namespace attention;

constexpr int MOST_COLUMNS = 128; // of a head

/* What most steps take. */
inline int multiple_of_8(int64_t D, int32_t dtype) {
    return D > 0 && D % 8 == 0 && D <= MOST_COLUMNS && (dtype == IT_F32 || dtype == IT_BF16);
}

/* A step as the ABI has it: checks its arguments and calls Step::run with the storage type. */
template <class Step>
int run_attention(it_addr out, it_addr lse, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
                  it_addr segments, int64_t S, int64_t max_q, int64_t max_k, int64_t T, int64_t Hq, int64_t Hkv,
                  int64_t D, int32_t dtype, it_stream s) {
    if (S < 0 || T < 0) return fail(IT_INVALID, "lab", "S = %lld, T = %lld", (long long)S, (long long)T);
    if (S == 0) return IT_OK;
    if (int status = check_shape("lab", Hq, Hkv, D, max_q, max_k)) return status;
    if (D % 8 || D > MOST_COLUMNS) {
        return fail(IT_INVALID, "lab", "head size %lld is not a multiple of 8 up to %d", (long long)D, MOST_COLUMNS);
    }
    if (!(out && q && k && v && segments)) return fail(IT_INVALID, "lab", "null address");
    return with_storage("lab", dtype, [=](auto type) {
        using U = decltype(type);
        if (!(aligned<U>(q_stride, out, q) && aligned<U>(kv_stride, k, v))) {
            return fail(IT_INVALID, "lab", "rows are needed that begin at multiples of 16 bytes");
        }
        return Step::run(Forward<U>{(U *)out, (float *)lse, (const U *)q, q_stride, (const U *)k, (const U *)v,
                                    kv_stride, (const it_segment *)segments, S, max_q, max_k, (int)Hq, (int)Hkv,
                                    (int)D, Group(Hq / Hkv), score_scale(D), score_scale(D) * (float)LOG2_E}, s);
    });
}

/* Makes a step known when the library is loaded. */
struct RegisterAttention {
    RegisterAttention(const char *name, const char *idea, decltype(it_lab_attention::run) run,
                      decltype(it_lab_attention::takes) takes = multiple_of_8,
                      bool (*available)() = everywhere);
};

} // namespace intuitor::cuda::lab
