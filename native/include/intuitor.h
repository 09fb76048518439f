/*
 * intuitor.h - the one ABI between the Java engine and its devices.
 *
 * A device library (libintuitor_cpu.so, libintuitor_cuda.so) exports a function, intuitor_get_api(), that returns a
 * table of function pointers. Java is written once, against this table.
 *
 * Conventions
 *   - Every matrix is row-major and contiguous unless a stride is given; strides and sizes count elements, not bytes.
 *   - it_addr is an address in the device's memory (host memory on the CPU), at least 64-byte aligned at the start of
 *     an allocation. 0 stands for "not wanted" where the comment says "optional".
 *   - dtype names the storage type, IT_F32 or IT_BF16, of weights, activations, their gradients and the KV cache: of
 *     every tensor whose comment gives no type. IT_F32 everywhere on the CPU except where a function says otherwise.
 *     Gradients of parameters are always fp32.
 *   - Arithmetic is in fp32 or better, whatever the storage type; a result is rounded once, to nearest even, when it is
 *     stored. Only factors of matrix products inside a kernel (attention's probabilities and their gradients) may be
 *     rounded to the storage type.
 *   - "+=" in a comment means that the result is added to what the destination holds: in fp32, rounded once a call.
 *   - Every function returns 0, or a non-zero status with the reason in last_error(). Calls on one stream run in
 *     order; host arrays passed to copy() must stay alive until the stream is synchronised.
 *   - Deterministic: the same inputs give the same bits on every call, whatever the number of threads. There are no
 *     floating-point atomics and no reduction whose order depends on scheduling.
 *   - Every function of the table is required: a library with a null pointer in it is refused, and its gaps are named.
 *
 * Symbols: T tokens (rows of a packed batch), H hidden size, Hq / Hkv query / key-value heads, D head size,
 * F feed-forward size, V width of the LM head, N scored rows.
 */
#ifndef INTUITOR_H
#define INTUITOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IT_ABI_VERSION 1

/* vocab_accumulate: where a tile of columns may begin, and what a row's state takes. */
#define IT_VOCAB_SEGMENT 16384
#define IT_VOCAB_STATE_BYTES 72

typedef uint64_t it_addr;   /* address in device memory */
typedef uint64_t it_stream; /* 0: the default stream */
typedef uint64_t it_event;
typedef uint64_t it_graph;

typedef enum it_dtype { IT_F32 = 0, IT_BF16 = 1, IT_F16 = 2, IT_I32 = 3, IT_F64 = 4, IT_I64 = 5 } it_dtype;

typedef enum it_status {
    IT_OK = 0,
    IT_NO_DEVICE = 1,
    IT_INVALID = 2,
    IT_OUT_OF_MEMORY = 3,
    IT_FAILED = 4,
    IT_UNSUPPORTED = 5 /* the device in use has no such kernel, or not for these types and sizes */
} it_status;

typedef enum it_copy_kind { IT_HOST_TO_DEVICE = 0, IT_DEVICE_TO_HOST = 1, IT_DEVICE_TO_DEVICE = 2 } it_copy_kind;

typedef struct it_device_info {
    char name[128];          /* "AMD EPYC ..." or "NVIDIA H200" */
    char isa[64];            /* kernels chosen at run time: "avx512", "avx2", "portable", "sm_90a" */
    uint64_t memory_bytes;   /* total memory of the device */
    int32_t threads;         /* CPU threads in use, or multiprocessors */
    int32_t bf16_dot;        /* 1 where the device multiplies bf16 natively */
} it_device_info;

/*
 * One sequence of a packed batch, as attention sees it. Query i (0 <= i < q_len, row q_start + i) attends to
 *   - all prefix_len rows from prefix_start on (the shared prompt of sibling completions), and
 *   - rows k_start + j of its own keys with j <= k_len - q_len + i (causal, aligned at the end).
 * Row numbers index the key/value matrices given to the call: the packed batch itself in training (k_start = q_start,
 * k_len = q_len), the KV cache in decoding (q_len = 1), where they are looked up in a page table. prefix_len may be 0;
 * k_len may not.
 */
typedef struct it_segment {
    int32_t q_start, q_len;
    int32_t prefix_start, prefix_len;
    int32_t k_start, k_len;
} it_segment;

/* How the next token is drawn. temperature 0 is greedy; top_k 0, top_p 1 and min_p 0 switch those filters off. */
typedef struct it_sampling {
    float temperature;
    int32_t top_k;
    float top_p;
    float min_p;
    int32_t valid_vocab; /* ids >= valid_vocab are padding rows of the LM head and are never drawn */
    uint64_t seed;
} it_sampling;

/* What was drawn for a sequence in one step, with the outputs of sample() for it. */
typedef struct it_drawn {
    int32_t token;
    float logprob, entropy, self_certainty;
} it_drawn;

/*
 * N sequences that decode for up to K steps while the host does not look: everything lies in device memory. The inputs
 * of a step are made of what the step before it drew. A sequence has ended when `drawn` reaches `limit`: then its
 * inputs stay as they are, so that it repeats its last step, harmlessly, until all have ended.
 */
typedef struct it_decode_run {
    int64_t N, K;
    it_addr ids;            /* int32 [N], the token that is each sequence's input */
    it_addr positions;      /* int32 [N], that token's, for RoPE */
    it_addr cache_rows;     /* int32 [N], where its key and value go */
    it_addr segments;       /* it_segment [N], for attention_decode; q_len 1 */
    it_addr draw_positions; /* int32 [N], for the noise of sample() */
    it_addr pages;          /* int32, the page table: with pages for the keys of all that may be drawn */
    int64_t page_size;
    it_addr drawn;          /* int32 [N], tokens of each sequence in the log */
    it_addr limit;          /* int32 [N], at most K */
    it_addr log;            /* it_drawn [K, N] */
    it_addr stop_tokens;    /* int32 [stop_count], those that end a sequence */
    int64_t stop_count;
} it_decode_run;

typedef struct it_api {
    uint32_t abi_version; /* IT_ABI_VERSION */
    uint32_t table_bytes; /* sizeof(it_api), to detect a header/library mismatch */

    /* --- device --------------------------------------------------------------------------------------------- */

    /* The reason for the last non-zero status of the calling thread; never null. */
    const char *(*last_error)(void);
    /* Number of devices; 0 with IT_OK where there is none. */
    int (*device_count)(int32_t *count);
    /* Chooses the device and the kernels for it; call once, before all that follows, on the thread that will make the
       calls. threads: CPU threads to use, 0 for one per core. */
    int (*init)(int32_t device, int32_t threads);
    int (*device_info)(it_device_info *info);

    /* --- memory, streams, events ---------------------------------------------------------------------------- */

    int (*alloc)(uint64_t bytes, it_addr *address); /* contents undefined */
    int (*free)(it_addr address);
    int (*copy)(it_addr dst, it_addr src, uint64_t bytes, int32_t kind, it_stream s);
    int (*zero)(it_addr dst, uint64_t bytes, it_stream s);
    int (*stream_create)(it_stream *s);
    int (*stream_destroy)(it_stream s);
    int (*stream_synchronize)(it_stream s);
    int (*event_create)(it_event *e);
    int (*event_destroy)(it_event e);
    int (*event_record)(it_event e, it_stream s);
    int (*event_elapsed_ms)(it_event start, it_event end, float *ms);

    /* Graphs: what is queued on a stream, recorded once, to be queued again and again by one call. A device may have
       none (the CPU): IT_INVALID. */

    /* From now on what is queued on s, which is not the default stream, is not done but recorded. No copy to or from
       the host is, and s cannot be waited for. */
    int (*graph_begin)(it_stream s);
    /* Ends the recording. With graph null, what was recorded is dropped. All memory that it names must live on. */
    int (*graph_end)(it_stream s, it_graph *graph);
    int (*graph_launch)(it_graph graph, it_stream s);
    int (*graph_destroy)(it_graph graph);

    /* dst[i] = (dst type) src[i], round to nearest even; any pair of IT_F32, IT_BF16, IT_F16. */
    int (*cast)(it_addr dst, int32_t dst_dtype, it_addr src, int32_t src_dtype, int64_t n, it_stream s);

    /* --- rows ----------------------------------------------------------------------------------------------- */

    /* out[t,:] = table[ids[t],:]   out [T,H], table [V,H], ids int32 [T] */
    int (*embedding_forward)(it_addr out, it_addr table, it_addr ids, int64_t T, int64_t H, int64_t V, int32_t dtype,
                             it_stream s);
    /* dtable[ids[t],:] += dout[t,:]   dtable fp32 [V,H], dout [T,H]; rows with the same id are added in order of t */
    int (*embedding_backward)(it_addr dtable, it_addr dout, it_addr ids, int64_t T, int64_t H, int64_t V, int32_t dtype,
                              it_stream s);
    /* dst[i,:] = src[index[i],:]   dst [N,H], src [T,H], index int32 [N] */
    int (*gather_rows)(it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H, int32_t dtype,
                       it_stream s);
    /* dst[index[i],:] += src[i,:]   dst [T,H], src [N,H]; an index may repeat, its rows are added in order of i */
    int (*scatter_add_rows)(it_addr dst, it_addr src, it_addr index, int64_t N, int64_t T, int64_t H, int32_t dtype,
                            it_stream s);

    /* --- RMSNorm -------------------------------------------------------------------------------------------- */

    /* If delta is given (optional): sum = x + delta, the residual stream (sum may alias x or delta, not out); else sum
       is ignored and x stands for it. Then out = sum * rstd * weight, rstd = 1 / sqrt(mean(sum^2) + eps).
       out, sum, x, delta [T,H]; weight [H]; rstd fp32 [T], optional. out may alias delta if sum does not. out and rstd
       are those of the sum as stored: normalising it once more, without delta, gives the same bits. */
    int (*rms_norm_forward)(it_addr out, it_addr rstd, it_addr sum, it_addr x, it_addr delta, it_addr weight, float eps,
                            int64_t T, int64_t H, int32_t dtype, it_stream s);
    /* dx += d(out)/dx . dout  (dx carries the residual stream's gradient);  dweight += sum_t dout * x * rstd (fp32 [H],
       optional). dx [T,H] must not alias dout. */
    int (*rms_norm_backward)(it_addr dx, it_addr dweight, it_addr dout, it_addr x, it_addr weight, it_addr rstd,
                             int64_t T, int64_t H, int32_t dtype, it_stream s);

    /* --- query, key, value ------------------------------------------------------------------------------------ */

    /* From the projection qkv [T, (Hq + 2 Hkv) D] (queries, then keys, then values):
         1. add bias [(Hq + 2 Hkv) D] (optional);
         2. if q_norm/k_norm [D] are given (both or none: Qwen3), RMSNorm every query and key head with eps;
         3. rotate queries and keys, rotate-half RoPE: with i < D/2, (a, b) = (x[i], x[i + D/2]) becomes
            (a cos_i - b sin_i, b cos_i + a sin_i), cos/sin = rope[positions[t], i]; rope fp32 [max_positions, 2, D/2]
            (cosines, then sines).
       out may alias qkv. With q_norm, the backward pass needs qkv with its bias added: qkv is updated by step 1 in
       place, and out must then not alias it. Nothing is rounded between the steps, but for that stored sum. */
    int (*qkv_forward)(it_addr out, it_addr qkv, it_addr bias, it_addr q_norm, it_addr k_norm, float eps, it_addr rope,
                       it_addr positions, int64_t T, int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s);
    /* In place: dqkv holds d(out) on entry and d(projection) on return. qkv: the biased projection, needed with norms
       only (else 0). dbias, dq_norm, dk_norm fp32, +=, each optional. */
    int (*qkv_backward)(it_addr dqkv, it_addr dbias, it_addr dq_norm, it_addr dk_norm, it_addr qkv, it_addr q_norm,
                        it_addr k_norm, float eps, it_addr rope, it_addr positions, int64_t T, int64_t Hq, int64_t Hkv,
                        int64_t D, int32_t dtype, it_stream s);
    /* k_cache[row[t],:] = key part of qkv row t, v_cache likewise.  caches [rows, Hkv D], row int32 [T] */
    int (*kv_cache_write)(it_addr k_cache, it_addr v_cache, it_addr qkv, it_addr row, int64_t T, int64_t Hq,
                          int64_t Hkv, int64_t D, int32_t dtype, it_stream s);

    /* --- attention -------------------------------------------------------------------------------------------- */

    /* out[t, h, :] = softmax(q k^T / sqrt(D)) v, over what the segment of row t may see (see it_segment).
       q row t at q + t * q_stride, head h at + h D; k and v rows at k + r * kv_stride, head h / (Hq / Hkv).
       out [T, Hq D] contiguous; lse fp32 [T, Hq] (optional; natural log of the sum of exp of the scaled scores).
       segments: it_segment[S] in device memory; max_q, max_k: largest q_len and prefix_len + k_len. */
    int (*attention_forward)(it_addr out, it_addr lse, it_addr q, int64_t q_stride, it_addr k, it_addr v,
                             int64_t kv_stride, it_addr segments, int64_t S, int64_t max_q, int64_t max_k, int64_t T,
                             int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s);
    /* Decoding: the same for segments of one query each (q_len 1), over a paged cache. Row r of a segment is row
       pages[r / page_size] * page_size + r % page_size of k and v (pages int32); prefix_start and k_start are multiples
       of page_size. Segments that share a prefix name the same prefix_start; where they follow each other, a device may
       read it once for them. On the CPU the bits are those that attention_forward gives a row with the same keys. */
    int (*attention_decode)(it_addr out, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
                            it_addr segments, int64_t S, int64_t max_k, it_addr pages, int64_t page_size, int64_t T,
                            int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s);
    /* Training shape only: q, k, v are parts of qkv [T, (Hq + 2 Hkv) D], k_start = q_start, k_len = q_len. Writes
       dqkv (every element). families int32 [NF + 1]: segments families[f] .. families[f+1]-1 share a prefix; the
       prefix rows are those of the family's first segment (which itself has prefix_len 0), so gradients of shared keys
       stay within the family and are added in the order of its segments. delta: workspace fp32 [T, Hq]. */
    int (*attention_backward)(it_addr dqkv, it_addr delta, it_addr dout, it_addr qkv, it_addr out, it_addr lse,
                              it_addr segments, int64_t S, it_addr families, int64_t NF, int64_t max_q, int64_t max_k,
                              int64_t T, int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s);

    /* --- SwiGLU ------------------------------------------------------------------------------------------------ */

    /* out = silu(gate) * up   gate_up [T, 2F]: gate in the first F columns, up in the rest; out [T,F] */
    int (*swiglu_forward)(it_addr out, it_addr gate_up, int64_t T, int64_t F, int32_t dtype, it_stream s);
    /* gate_up [T,2F] is overwritten by its own gradient; dout [T,F]. If out is given (optional, [T,F]) it receives
       silu(gate) * up once more, for the weight gradient of the down projection (out may not alias dout). */
    int (*swiglu_backward)(it_addr gate_up, it_addr out, it_addr dout, int64_t T, int64_t F, int32_t dtype,
                           it_stream s);

    /* --- vocabulary: one pass over rows of logits z [N, V] (row stride ld); dtype is that of the logits ----------- */

    /* With p = softmax(z / temperature); every output fp32 [N] and optional:
         lse            logsumexp(z / temperature)
         logprob        z[target] / temperature - lse          (targets int32 [N]; required if logprob is wanted)
         entropy        - sum_j p_j log p_j
         self_certainty KL(uniform || softmax(z / certainty_temperature))
                        = logsumexp(z / tc) - mean_j(z_j / tc) - log V          (Intuitor, arXiv 2505.19590)
         argmax         int32 [N], the lowest index of the largest logit
       Both types on every device. A logit of -inf has probability 0 and makes self_certainty +inf. */
    int (*vocab_reduce)(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax,
                        it_addr logits, int64_t ld, it_addr targets, float temperature, float certainty_temperature,
                        int64_t N, int64_t V, int32_t dtype, it_stream s);
    /* The two halves of vocab_reduce, for rows that are never whole: logits come a tile of columns at a time, and what
       is kept of a row is IT_VOCAB_STATE_BYTES bytes, however wide it is.
       vocab_accumulate adds logits [N, columns], columns first .. first + columns - 1 of the rows, to state [N]; first
       0 begins the rows, whatever the state holds. Tiles come in order, without gaps, and begin at multiples of
       IT_VOCAB_SEGMENT. targets int32 [N], ids in the whole row; optional: then there is no logprob.
       vocab_finish gives the outputs of vocab_reduce, each optional, for rows of V columns that are complete, at the
       temperatures that they were accumulated at; the state stays as it is. logprob is NaN where no tile had the
       target.
       The bits are those of vocab_reduce, however the row was cut. Sums at another temperature for self_certainty cost
       a second exponential a logit, and the bits say which sums there were: where vocab_reduce is not asked for it, or
       for nothing else at `temperature`, it takes one temperature for both, and so must the caller here. */
    int (*vocab_accumulate)(it_addr state, it_addr logits, int64_t ld, int64_t first, it_addr targets,
                            float temperature, float certainty_temperature, int64_t N, int64_t columns, int32_t dtype,
                            it_stream s);
    int (*vocab_finish)(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax,
                        it_addr state, float temperature, float certainty_temperature, int64_t N, int64_t V,
                        it_stream s);
    /* The LM head fused with it: the outputs of vocab_reduce, each optional, of logits z = hidden W^T that are never in
       memory. hidden [N, H], weight [V, H], finite numbers; targets as for vocab_reduce. A row has the same bits in any
       batch, but not those of a product that is stored and reduced. A logit that overflows to -inf is as there, but
       makes entropy NaN. Only IT_BF16 on sm_90a, H a multiple of 8, both matrices at multiples of 16 bytes; all else is
       IT_UNSUPPORTED, also for N = 0, which is how to ask. */
    int (*lm_head_forward)(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax,
                           it_addr hidden, it_addr weight, it_addr targets, float temperature,
                           float certainty_temperature, int64_t N, int64_t H, int64_t V, int32_t dtype, it_stream s);
    /* The LM head fused with sample(): draws token[n] with the same noise, without filters (top_k 0, top_p 1, min_p 0),
       from logits that are never in memory, and gives sample()'s outputs for it, each optional. Where the two largest
       of z / temperature + noise are closer than the rounding of either sum, it may draw the other one: that is some
       1e-5 and a few ulps of z / temperature, which are more where logits are large or the temperature is small. A row
       gives the same token and bits in any batch. For what lm_head_forward is for, though a row of hidden may also hold
       NaN or infinities, as one of sample()'s may; all else, and filters, are IT_UNSUPPORTED. */
    int (*lm_head_sample)(it_addr token, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr hidden,
                          it_addr weight, it_addr sequence, it_addr position, const it_sampling *sampling,
                          float certainty_temperature, int64_t N, int64_t H, int64_t V, int32_t dtype, it_stream s);
    /* Gradient of sum_n coefficient[n] * logprob[n] with respect to z, in place of the logits:
         z_j <- coefficient / temperature * ([j = target] - exp(z_j / temperature - lse)) */
    int (*logprob_backward)(it_addr logits, int64_t ld, it_addr lse, it_addr targets, it_addr coefficient,
                            float temperature, int64_t N, int64_t V, int32_t dtype, it_stream s);
    /* Draws token[n] from the filtered softmax(z / temperature) of row n by Gumbel-max with Philox4x32-10 noise: key =
       seed, counter = (vocabulary id / 4, position[n], sequence[n] low, sequence[n] high), word x = lane id % 4, noise
       -ln(-ln u) with u = ((x >> 8) + 1/2) 2^-24; so a draw depends on (seed, sequence, position) alone. Filters, each
       over what the one before it left: top_k, then top_p, then min_p; ties kept. Also the outputs of vocab_reduce for
       the drawn token, over the whole (unfiltered) vocabulary, at `temperature` (1 where it is 0) and
       certainty_temperature; each optional. sequence int64 [N], position int32 [N]. A row with NaN or +inf, or with
       nothing but -inf, makes its outputs NaN; its token is some id below valid_vocab, 0 where no logit is above
       -inf. */
    int (*sample)(it_addr token, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, int64_t ld,
                  it_addr sequence, it_addr position, const it_sampling *sampling, float certainty_temperature,
                  int64_t N, int64_t V, int32_t dtype, it_stream s);

    /* The repetition penalty (CTRL, Keskar et al. 2019, arXiv 1909.05858): of row n, the logit of every token in
       tokens[offsets[n]] .. tokens[offsets[n+1] - 1], which are different, is divided by the penalty if it is positive
       and multiplied by it if not. logits fp32 [N, V], in place; tokens int32; offsets int32 [N + 1]. */
    int (*repetition_penalty)(it_addr logits, int64_t ld, it_addr tokens, it_addr offsets, float penalty, int64_t N,
                              int64_t V, it_stream s);

    /* --- decoding on the device ----------------------------------------------------------------------------------- */

    /* Ends a step of decoding: takes what sample() drew, and makes the inputs of the next step of it. Of a sequence n
       with drawn[n] < limit[n],
         - log[drawn[n], n] = {token, logprob, entropy, self_certainty}[n], and drawn[n] += 1;
         - if token[n] is one of the stop tokens, limit[n] = drawn[n];
         - if still drawn[n] < limit[n], ids[n] = token[n]; positions[n], draw_positions[n] and the segment's k_len grow
           by 1; cache_rows[n] is where the page table has row k_start + k_len - 1.
       The others are left alone. token int32 [N], the other three fp32 [N]. */
    int (*decode_advance)(const it_decode_run *run, it_addr token, it_addr logprob, it_addr entropy,
                          it_addr self_certainty, it_stream s);

    /* --- optimiser --------------------------------------------------------------------------------------------- */

    /* AdamW (Loshchilov & Hutter 2019), fp32: g = grad * grad_scale;
         m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
         p -= lr * ( (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps) + weight_decay * p ),  t = step >= 1 */
    int (*adamw)(it_addr param, it_addr grad, it_addr m, it_addr v, int64_t n, float lr, float beta1, float beta2,
                 float eps, float weight_decay, float grad_scale, int64_t step, it_stream s);
    /* out[0] = sum x[i]^2 in fp64 (fp64 in device memory), over fixed blocks added in order; x fp32 [n] */
    int (*sum_squares)(it_addr out, it_addr x, int64_t n, it_stream s);
    /* out[0] = 1 if any of x [n] is NaN or infinite, else 0 (int32 in device memory) */
    int (*any_nonfinite)(it_addr out, it_addr x, int64_t n, int32_t dtype, it_stream s);

    /* --- ceilings, for benchmarks --------------------------------------------------------------------------------- */

    /* Reads `bytes` bytes as fast as the device can and writes one fp32 sum: the read bandwidth to compare with. */
    int (*read_ceiling)(it_addr out, it_addr x, int64_t bytes, it_stream s);
} it_api;

/* The only exported symbol. */
const it_api *intuitor_get_api(void);

#ifdef __cplusplus
}
#endif

#endif
