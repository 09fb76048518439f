/*
 * intuitor_lab.h - the kernels of kernels/lab: steps of ladders from the plainest kernel to the best. They are there to
 * be read, checked and timed (`intuitor bench --lab`); the engine calls none of them.
 *
 * A library of CUDA kernels exports intuitor_get_lab(). Conventions are those of intuitor.h, and so are types.
 */
#ifndef INTUITOR_LAB_H
#define INTUITOR_LAB_H

#include "intuitor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A step of the ladder of the self-certainty reduction. */
typedef struct it_lab_reduction {
    const char *name; /* such as "1 a thread a row"; steps are sorted by it */
    const char *idea; /* a line: what is new in it */
    /* Rows of logits z [N, V], fp32 or bf16, to lse, logprob, entropy and self_certainty, fp32 [N] each, of softmax(z):
       vocab_reduce of intuitor.h at temperature 1, with all of these outputs. targets int32 [N]. */
    int (*run)(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, it_addr targets,
               int64_t N, int64_t V, int32_t dtype, it_stream s);
} it_lab_reduction;

/* A step of the ladder of the fused LM head. */
typedef struct it_lab_head {
    const char *name;
    const char *idea;
    /* Logits z = hidden weight^T of hidden [N, H] and weight [V, H], bf16, added up in fp32, to lse, logprob, entropy
       and self_certainty, fp32 [N] each, and argmax, int32 [N]: vocab_reduce of z at temperature 1. targets int32 [N].
       H is a multiple of 8 and both begin at multiples of 16 bytes; N and V are any. Logits must be finite. */
    int (*run)(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax, it_addr hidden,
               it_addr weight, it_addr targets, int64_t N, int64_t H, int64_t V, it_stream s);
} it_lab_head;

/* A step of the ladder of attention's forward pass. */
typedef struct it_lab_attention {
    const char *name;
    const char *idea;
    /* attention_forward of intuitor.h with its own arguments, so that the ladder ends at the engine's kernel and every
       step sees what training packs: columns of qkv, grouped heads, sequences of any length, shared prefixes.
       Addresses are multiples of 16 bytes, and so are q's, k's and v's rows. */
    int (*run)(it_addr out, it_addr lse, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
               it_addr segments, int64_t S, int64_t max_q, int64_t max_k, int64_t T, int64_t Hq, int64_t Hkv,
               int64_t D, int32_t dtype, it_stream s);
    /* Whether `run` takes heads of D columns in this storage type (else it is IT_INVALID): 1 or 0. */
    int (*takes)(int64_t D, int32_t dtype);
} it_lab_attention;

typedef struct it_lab {
    int64_t reduction_count;
    const it_lab_reduction *reductions;
    int64_t head_count;
    const it_lab_head *heads;
    int64_t attention_count;
    const it_lab_attention *attentions;
} it_lab;

/* The lab of this library: the steps that the device in use can run. */
const it_lab *intuitor_get_lab(void);

#ifdef __cplusplus
}
#endif
#endif
