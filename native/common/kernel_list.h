/* The names of the ABI's kernels, as an X-macro: a device library declares and lists them without naming each again. */
#pragma once

#define INTUITOR_KERNELS(X)                                                                                            \
    X(cast) X(embedding_forward) X(embedding_backward) X(gather_rows) X(scatter_add_rows) X(rms_norm_forward)          \
    X(rms_norm_backward) X(qkv_forward) X(qkv_backward) X(kv_cache_write) X(attention_forward) X(attention_decode)     \
    X(attention_backward) X(swiglu_forward) X(swiglu_backward) X(vocab_reduce) X(vocab_accumulate) X(vocab_finish)     \
    X(lm_head_forward) X(lm_head_sample) X(logprob_backward) X(sample) X(repetition_penalty) X(decode_advance)         \
    X(adamw) X(sum_squares) X(any_nonfinite) X(read_ceiling)
