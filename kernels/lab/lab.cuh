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

/* What a lane has added up of a row, relative to its shift. */
struct LaneSums {
    float shift = NO_SHIFT, sum = 0, weighted = 0, total = 0;

    __device__ __forceinline__ void add(float c, float x) {
        float t = fmaf(c, x, -shift), p = exp2f(t);
        sum += p;
        weighted += p > 0 ? p * t : 0;
        total += x;
    }

    __device__ __forceinline__ void move(float to) {
        float distance = shift - to, scale = exp2f(distance);
        weighted = scale > 0 ? (weighted + sum * distance) * scale : 0;
        sum *= scale;
        shift = to;
    }
};

/* The outputs of row n from what the lanes of a block have, by the whole block. */
template <int THREADS>
__device__ __forceinline__ void write_row_of_block(const VocabOutputs &outputs, int64_t n, LaneSums lane,
                                                   float target_logit) {
    lane.move(block_reduce<THREADS>(lane.shift, Max()));
    float sum = block_reduce<THREADS>(lane.sum, Sum());
    float weighted = block_reduce<THREADS>(lane.weighted, Sum());
    float total = block_reduce<THREADS>(lane.total, Sum());
    if (threadIdx.x == 0) {
        write_row(outputs, n, lane.shift, sum, weighted, (double)outputs.c * total, target_logit);
    }
}

} // namespace intuitor::cuda::lab
