/* The kernels of one instruction set: each has the type of the ABI's pointer of the same name, and its own file. */
#pragma once
#include <type_traits>

#include "intuitor.h"

#define INTUITOR_KERNELS(X)                                                                                            \
    X(cast) X(embedding_forward) X(embedding_backward) X(gather_rows) X(scatter_add_rows) X(rms_norm_forward)          \
    X(rms_norm_backward) X(qkv_forward) X(qkv_backward) X(kv_cache_write) X(attention_forward) X(attention_backward)   \
    X(swiglu_forward) X(swiglu_backward) X(vocab_reduce) X(logprob_backward) X(sample) X(adamw) X(sum_squares)         \
    X(any_nonfinite) X(read_ceiling)

namespace intuitor::INTUITOR_ISA {

#define X(name) std::remove_pointer_t<decltype(it_api::name)> name;
INTUITOR_KERNELS(X)
#undef X

} // namespace intuitor::INTUITOR_ISA
