/*
 * The engine's own: a warp a strip of a row, shifts that are whole numbers and move lazily, -inf found by its NaN,
 * strips added in fp64 by a second kernel. ../vocab.cuh explains it, docs/kernels/self-certainty.md counts it.
 *
 * Prediction: 92 to 95% of the ceiling for many rows, and as much parallelism for few rows as for many.
 */
#include "lab.cuh"

namespace intuitor::cuda::lab {

namespace {

int run(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
        int64_t N, int64_t V, int32_t dtype, it_stream s) {
    return vocab_reduce(lse, logprob, entropy, self_certainty, 0, logits, V, targets, 1, 1, N, V, dtype, s);
}

const Register step("5 strips", "a warp a strip; lazy shifts; the engine's kernel", run);

} // namespace
} // namespace intuitor::cuda::lab
