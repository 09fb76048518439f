/* What the lab's kernels share. A new variant is one file: its kernel, and a registration at its end. */
#pragma once
#include "../vocab.cuh"
#include "intuitor_lab.h"

namespace intuitor::cuda::lab {

/* Makes a step known when the library is loaded:  static const Register step("6 name", "idea", run); */
struct Register {
    Register(const char *name, const char *idea, decltype(it_lab_reduction::run) run);
};

/* Checks what every step is given, and calls body(T(), outputs) with the storage type. */
template <class Body>
int reduction(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
              int64_t N, int64_t V, int32_t dtype, Body body) {
    if (int status = check_vocab("lab", N, V, V)) return status;
    if (N > 0 && !(lse && logprob && entropy && self_certainty && logits && targets)) {
        return fail(IT_INVALID, "lab", "null address");
    }
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, 1, 1, V);
    return with_storage("lab", dtype, [=](auto type) { return N == 0 ? (int)IT_OK : body(type, outputs); });
}

/* The outputs of row n from its sums, by one thread. */
template <class F>
__device__ __forceinline__ void write_row(const VocabOutputs &outputs, int64_t n, float shift, F sum, F weighted,
                                          double total, float target_logit) {
    VocabSums<double> row = {};
    row.main = {shift, (double)sum, (double)weighted};
    row.total = total;
    outputs.write(n, row, target_logit);
}

} // namespace intuitor::cuda::lab
