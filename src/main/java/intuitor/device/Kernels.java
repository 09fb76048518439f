package intuitor.device;

import static intuitor.device.DType.F32;
import static intuitor.device.DType.F64;
import static intuitor.device.DType.I32;

import intuitor.device.abi.Intuitor;
import intuitor.device.abi.it_api;
import intuitor.device.abi.it_decode_run;
import intuitor.device.abi.it_sampling;
import java.lang.foreign.MemorySegment;

/**
 * The kernels of a device library, one method each: tensors for addresses, sizes from their shapes, null for what the
 * ABI calls optional. {@code native/include/intuitor.h} defines what each computes; T, H, D, F, V and N are used as
 * there. Weights and activations are of one storage type, F32 or BF16 (the CPU: F32).
 *
 * <p>Under {@link Checks} every shape, type and index is verified first; otherwise a call costs a native call and
 * nothing more.
 */
public final class Kernels {

    /** Tiles of {@link #vocabAccumulate} begin at multiples of so many columns. */
    public static final int VOCAB_SEGMENT = Intuitor.IT_VOCAB_SEGMENT();

    private final NativeApi api;
    private final MemorySegment embeddingForward;
    private final MemorySegment embeddingBackward;
    private final MemorySegment gatherRows;
    private final MemorySegment scatterAddRows;
    private final MemorySegment rmsNormForward;
    private final MemorySegment rmsNormBackward;
    private final MemorySegment qkvForward;
    private final MemorySegment qkvBackward;
    private final MemorySegment kvCacheWrite;
    private final MemorySegment attentionForward;
    private final MemorySegment attentionDecode;
    private final MemorySegment attentionBackward;
    private final MemorySegment swigluForward;
    private final MemorySegment swigluBackward;
    private final MemorySegment vocabReduce;
    private final MemorySegment vocabAccumulate;
    private final MemorySegment vocabFinish;
    private final MemorySegment lmHeadForward;
    private final MemorySegment lmHeadSample;
    private final MemorySegment logprobBackward;
    private final MemorySegment sample;
    private final MemorySegment repetitionPenalty;
    private final MemorySegment decodeAdvance;
    private final MemorySegment adamw;
    private final MemorySegment sumSquares;
    private final MemorySegment anyNonfinite;
    private final MemorySegment readCeiling;
    private final MemorySegment sampling; // the it_sampling of the call being made
    private final MemorySegment decodeRun; // likewise

    Kernels(NativeApi api) {
        MemorySegment table = api.table();
        this.api = api;
        embeddingForward = it_api.embedding_forward(table);
        embeddingBackward = it_api.embedding_backward(table);
        gatherRows = it_api.gather_rows(table);
        scatterAddRows = it_api.scatter_add_rows(table);
        rmsNormForward = it_api.rms_norm_forward(table);
        rmsNormBackward = it_api.rms_norm_backward(table);
        qkvForward = it_api.qkv_forward(table);
        qkvBackward = it_api.qkv_backward(table);
        kvCacheWrite = it_api.kv_cache_write(table);
        attentionForward = it_api.attention_forward(table);
        attentionDecode = it_api.attention_decode(table);
        attentionBackward = it_api.attention_backward(table);
        swigluForward = it_api.swiglu_forward(table);
        swigluBackward = it_api.swiglu_backward(table);
        vocabReduce = it_api.vocab_reduce(table);
        vocabAccumulate = it_api.vocab_accumulate(table);
        vocabFinish = it_api.vocab_finish(table);
        lmHeadForward = it_api.lm_head_forward(table);
        lmHeadSample = it_api.lm_head_sample(table);
        logprobBackward = it_api.logprob_backward(table);
        sample = it_api.sample(table);
        repetitionPenalty = it_api.repetition_penalty(table);
        decodeAdvance = it_api.decode_advance(table);
        adamw = it_api.adamw(table);
        sumSquares = it_api.sum_squares(table);
        anyNonfinite = it_api.any_nonfinite(table);
        readCeiling = it_api.read_ceiling(table);
        sampling = it_sampling.allocate(java.lang.foreign.Arena.ofAuto());
        decodeRun = it_decode_run.allocate(java.lang.foreign.Arena.ofAuto());
    }

    // --- rows ------------------------------------------------------------------------------------------------------

    /** out[t,:] = table[ids[t],:]. out [T,H], table [V,H], ids int32 [T]. */
    public void embeddingForward(Tensor out, Tensor table, Tensor ids) {
        if (Checks.ENABLED) {
            KernelChecks.rows("embeddingForward", out, table, out.dtype(), ids);
        }
        api.check(it_api.embedding_forward.invoke(embeddingForward, out.address(), table.address(), ids.address(),
                out.dim(0), out.dim(1), table.dim(0), out.dtype().code(), api.stream()));
    }

    /** dtable[ids[t],:] += dout[t,:]. dtable fp32 [V,H], dout [T,H], ids int32 [T]. */
    public void embeddingBackward(Tensor dtable, Tensor dout, Tensor ids) {
        if (Checks.ENABLED) {
            KernelChecks.rows("embeddingBackward", dout, dtable, F32, ids);
        }
        api.check(it_api.embedding_backward.invoke(embeddingBackward, dtable.address(), dout.address(), ids.address(),
                dout.dim(0), dout.dim(1), dtable.dim(0), dout.dtype().code(), api.stream()));
    }

    /** dst[i,:] = src[index[i],:]. dst [N,H], src [T,H], index int32 [N]. */
    public void gatherRows(Tensor dst, Tensor src, Tensor index) {
        if (Checks.ENABLED) {
            KernelChecks.rows("gatherRows", dst, src, dst.dtype(), index);
        }
        api.check(it_api.gather_rows.invoke(gatherRows, dst.address(), src.address(), index.address(), dst.dim(0),
                src.dim(0), dst.dim(1), dst.dtype().code(), api.stream()));
    }

    /** dst[index[i],:] += src[i,:]. dst [T,H], src [N,H], index int32 [N]; an index may repeat. */
    public void scatterAddRows(Tensor dst, Tensor src, Tensor index) {
        if (Checks.ENABLED) {
            KernelChecks.rows("scatterAddRows", src, dst, src.dtype(), index);
        }
        api.check(it_api.scatter_add_rows.invoke(scatterAddRows, dst.address(), src.address(), index.address(),
                src.dim(0), dst.dim(0), dst.dim(1), dst.dtype().code(), api.stream()));
    }

    // --- RMSNorm ---------------------------------------------------------------------------------------------------

    /**
     * sum = x + delta if delta is given (else x stands for sum); out = sum * rstd * weight with
     * rstd = 1 / sqrt(mean(sum^2) + eps).
     *
     * @param out    [T,H]
     * @param rstd   fp32 [T], optional
     * @param sum    [T,H], ignored without delta; may be x or delta, not out
     * @param delta  [T,H], optional
     * @param weight [H]
     */
    public void rmsNormForward(Tensor out, Tensor rstd, Tensor sum, Tensor x, Tensor delta, Tensor weight,
            double eps) {
        if (Checks.ENABLED) {
            KernelChecks.rmsNormForward(out, rstd, sum, x, delta, weight);
        }
        api.check(it_api.rms_norm_forward.invoke(rmsNormForward, out.address(), address(rstd), address(sum),
                x.address(), address(delta), weight.address(), (float) eps, x.dim(0), x.dim(1), x.dtype().code(),
                api.stream()));
    }

    /**
     * dx += d(out)/dx . dout; dweight += sum_t dout * x * rstd.
     *
     * @param dx      [T,H], not dout
     * @param dweight fp32 [H], optional
     * @param dout    [T,H]
     * @param x       [T,H], the normalised sum
     * @param rstd    fp32 [T], of the forward pass
     */
    public void rmsNormBackward(Tensor dx, Tensor dweight, Tensor dout, Tensor x, Tensor weight, Tensor rstd) {
        if (Checks.ENABLED) {
            KernelChecks.rmsNormBackward(dx, dweight, dout, x, weight, rstd);
        }
        api.check(it_api.rms_norm_backward.invoke(rmsNormBackward, dx.address(), address(dweight), dout.address(),
                x.address(), weight.address(), rstd.address(), x.dim(0), x.dim(1), x.dtype().code(), api.stream()));
    }

    // --- query, key, value -----------------------------------------------------------------------------------------

    /**
     * Bias, per-head RMSNorm and RoPE of the projection qkv [T, (heads + 2 kvHeads) headDim]: queries, keys, values.
     *
     * @param out       like qkv; may be qkv unless there are norms
     * @param qkv       biased in place if there are norms
     * @param bias      [(heads + 2 kvHeads) headDim], optional
     * @param qNorm     [headDim], optional, together with kNorm
     * @param rope      fp32 [max positions, 2, headDim / 2]: cosines, then sines
     * @param positions int32 [T]
     */
    public void qkvForward(Tensor out, Tensor qkv, Tensor bias, Tensor qNorm, Tensor kNorm, double eps, Tensor rope,
            Tensor positions, int heads, int kvHeads, int headDim) {
        if (Checks.ENABLED) {
            KernelChecks.qkvForward(out, qkv, bias, qNorm, kNorm, rope, positions, heads, kvHeads, headDim);
        }
        api.check(it_api.qkv_forward.invoke(qkvForward, out.address(), qkv.address(), address(bias), address(qNorm),
                address(kNorm), (float) eps, rope.address(), positions.address(), qkv.dim(0), heads, kvHeads, headDim,
                qkv.dtype().code(), api.stream()));
    }

    /**
     * Turns d(out) of {@link #qkvForward} into d(projection), in place.
     *
     * @param dqkv    [T, (heads + 2 kvHeads) headDim]
     * @param dbias   fp32, +=, optional
     * @param dqNorm  fp32 [headDim], +=, optional; dkNorm likewise
     * @param qkv     the biased projection; null if there are no norms
     */
    public void qkvBackward(Tensor dqkv, Tensor dbias, Tensor dqNorm, Tensor dkNorm, Tensor qkv, Tensor qNorm,
            Tensor kNorm, double eps, Tensor rope, Tensor positions, int heads, int kvHeads, int headDim) {
        if (Checks.ENABLED) {
            KernelChecks.qkvBackward(dqkv, dbias, dqNorm, dkNorm, qkv, qNorm, kNorm, rope, positions, heads, kvHeads,
                    headDim);
        }
        api.check(it_api.qkv_backward.invoke(qkvBackward, dqkv.address(), address(dbias), address(dqNorm),
                address(dkNorm), address(qkv), address(qNorm), address(kNorm), (float) eps, rope.address(),
                positions.address(), dqkv.dim(0), heads, kvHeads, headDim, dqkv.dtype().code(), api.stream()));
    }

    /**
     * kCache[row[t],:] = key part of qkv row t; vCache likewise.
     *
     * @param kCache [rows, kvHeads headDim]; vCache likewise
     * @param qkv    [T, (heads + 2 kvHeads) headDim]
     * @param row    int32 [T]
     */
    public void kvCacheWrite(Tensor kCache, Tensor vCache, Tensor qkv, Tensor row, int heads, int kvHeads,
            int headDim) {
        if (Checks.ENABLED) {
            KernelChecks.kvCacheWrite(kCache, vCache, qkv, row, heads, kvHeads, headDim);
        }
        api.check(it_api.kv_cache_write.invoke(kvCacheWrite, kCache.address(), vCache.address(), qkv.address(),
                row.address(), qkv.dim(0), heads, kvHeads, headDim, qkv.dtype().code(), api.stream()));
    }

    // --- attention -------------------------------------------------------------------------------------------------

    /**
     * Attention of a packed batch over itself.
     *
     * @param out [T, heads headDim]
     * @param lse fp32 [T, heads], optional
     * @param qkv [T, (heads + 2 kvHeads) headDim]
     */
    public void attentionForward(Tensor out, Tensor lse, Tensor qkv, Segments segments, int heads, int kvHeads,
            int headDim) {
        if (Checks.ENABLED) {
            KernelChecks.attentionForward(out, lse, qkv, segments, heads, kvHeads, headDim);
        }
        long stride = (heads + 2L * kvHeads) * headDim;
        long k = qkv.address() + (long) heads * headDim * qkv.dtype().bytes();
        long v = k + (long) kvHeads * headDim * qkv.dtype().bytes();
        api.check(it_api.attention_forward.invoke(attentionForward, out.address(), address(lse), qkv.address(), stride,
                k, v, stride, segments.segments().address(), segments.count(), segments.maxQ(), segments.maxK(),
                out.dim(0), heads, kvHeads, headDim, out.dtype().code(), api.stream()));
    }

    /**
     * Attention of one query a segment over the rows of a paged cache, to which {@link #kvCacheWrite} has added the
     * keys and values of qkv already; the segments' key rows are looked up in the page table.
     *
     * @param out    [T, heads headDim]
     * @param qkv    [T, (heads + 2 kvHeads) headDim]
     * @param kCache [rows, kvHeads headDim]; vCache likewise
     */
    public void attentionDecode(Tensor out, Tensor qkv, Tensor kCache, Tensor vCache, Segments segments,
            PageTable pages, int heads, int kvHeads, int headDim) {
        if (Checks.ENABLED) {
            KernelChecks.attentionDecode(out, qkv, kCache, vCache, segments, pages, heads, kvHeads, headDim);
        }
        api.check(it_api.attention_decode.invoke(attentionDecode, out.address(), qkv.address(),
                (heads + 2L * kvHeads) * headDim, kCache.address(), vCache.address(), (long) kvHeads * headDim,
                segments.segments().address(), segments.count(), segments.maxK(), pages.pages().address(),
                pages.pageSize(), out.dim(0), heads, kvHeads, headDim, out.dtype().code(), api.stream()));
    }

    /**
     * Gradient of {@link #attentionForward}.
     *
     * @param dqkv  like qkv; every element is written
     * @param delta workspace, fp32 [T, heads]
     * @param dout  [T, heads headDim]; out likewise, and lse [T, heads], of the forward pass
     */
    public void attentionBackward(Tensor dqkv, Tensor delta, Tensor dout, Tensor qkv, Tensor out, Tensor lse,
            Segments segments, int heads, int kvHeads, int headDim) {
        if (Checks.ENABLED) {
            KernelChecks.attentionBackward(dqkv, delta, dout, qkv, out, lse, segments, heads, kvHeads, headDim);
        }
        api.check(it_api.attention_backward.invoke(attentionBackward, dqkv.address(), delta.address(), dout.address(),
                qkv.address(), out.address(), lse.address(), segments.segments().address(), segments.count(),
                segments.families().address(), segments.familyCount(), segments.maxQ(), segments.maxK(), qkv.dim(0),
                heads, kvHeads, headDim, qkv.dtype().code(), api.stream()));
    }

    // --- SwiGLU ----------------------------------------------------------------------------------------------------

    /** out = silu(gate) * up. out [T,F], gateUp [T,2F]: gate in the first F columns, up in the rest. */
    public void swigluForward(Tensor out, Tensor gateUp) {
        if (Checks.ENABLED) {
            KernelChecks.swigluForward(out, gateUp);
        }
        api.check(it_api.swiglu_forward.invoke(swigluForward, out.address(), gateUp.address(), out.dim(0), out.dim(1),
                out.dtype().code(), api.stream()));
    }

    /**
     * Overwrites gateUp [T,2F] with its own gradient.
     *
     * @param out  [T,F], optional: receives silu(gate) * up once more; not dout
     * @param dout [T,F]
     */
    public void swigluBackward(Tensor gateUp, Tensor out, Tensor dout) {
        if (Checks.ENABLED) {
            KernelChecks.swigluBackward(gateUp, out, dout);
        }
        api.check(it_api.swiglu_backward.invoke(swigluBackward, gateUp.address(), address(out), dout.address(),
                dout.dim(0), dout.dim(1), dout.dtype().code(), api.stream()));
    }

    // --- vocabulary ------------------------------------------------------------------------------------------------

    /**
     * One pass over rows of logits [N,V] for everything that a row's distribution is asked for.
     *
     * @param out                  what is wanted
     * @param targets              int32 [N]; needed for log-probabilities only, else null
     * @param temperature          divides the logits, except for self-certainty
     * @param certaintyTemperature divides the logits for self-certainty
     */
    public void vocabReduce(VocabStats out, Tensor logits, Tensor targets, double temperature,
            double certaintyTemperature) {
        if (Checks.ENABLED) {
            KernelChecks.vocabReduce(out, logits, targets, temperature, certaintyTemperature);
        }
        api.check(it_api.vocab_reduce.invoke(vocabReduce, address(out.lse()), address(out.logprob()),
                address(out.entropy()), address(out.selfCertainty()), address(out.argmax()), logits.address(),
                logits.dim(1), address(targets), (float) temperature, (float) certaintyTemperature, logits.dim(0),
                logits.dim(1), logits.dtype().code(), api.stream()));
    }

    /**
     * Adds a tile of columns of logits to what is known of the rows: {@link #vocabReduce} for rows that are never
     * whole. Tiles come in order; {@link #vocabFinish} then gives the bits that vocabReduce gives for whole rows.
     *
     * @param state                {@link #vocabState}; begun anew where first is 0
     * @param logits               [N,columns]
     * @param first                the rows' column that the tile begins with, a multiple of {@link #VOCAB_SEGMENT}
     * @param targets              int32 [N], ids in the whole row; null if no log-probabilities are wanted
     * @param temperature          divides the logits, except for self-certainty
     * @param certaintyTemperature divides the logits for self-certainty; the same as the other if only one is wanted
     */
    public void vocabAccumulate(Tensor state, Tensor logits, long first, Tensor targets, double temperature,
            double certaintyTemperature) {
        if (Checks.ENABLED) {
            KernelChecks.vocabAccumulate(state, logits, first, targets, temperature, certaintyTemperature);
        }
        api.check(it_api.vocab_accumulate.invoke(vocabAccumulate, state.address(), logits.address(), logits.dim(1),
                first, address(targets), (float) temperature, (float) certaintyTemperature, logits.dim(0),
                logits.dim(1), logits.dtype().code(), api.stream()));
    }

    /**
     * What is wanted of rows whose tiles {@link #vocabAccumulate} has all seen.
     *
     * @param temperature          that of the tiles; certaintyTemperature likewise
     * @param vocab                V, columns of the rows
     */
    public void vocabFinish(VocabStats out, Tensor state, double temperature, double certaintyTemperature, long vocab) {
        if (Checks.ENABLED) {
            KernelChecks.vocabFinish(out, state, temperature, certaintyTemperature);
        }
        api.check(it_api.vocab_finish.invoke(vocabFinish, address(out.lse()), address(out.logprob()),
                address(out.entropy()), address(out.selfCertainty()), address(out.argmax()), state.address(),
                (float) temperature, (float) certaintyTemperature, state.dim(0), vocab, api.stream()));
    }

    /** Room for what {@link #vocabAccumulate} knows of so many rows. */
    public static Tensor vocabState(Arena arena, long rows) {
        return arena.allocate("state of rows", F64, rows, Intuitor.IT_VOCAB_STATE_BYTES() / F64.bytes());
    }

    /**
     * {@link #vocabReduce} of logits = hidden weight^T that are never in memory.
     *
     * @param hidden  [N,H], bf16
     * @param weight  [V,H], bf16
     * @param targets int32 [N]; needed for log-probabilities only, else null
     * @throws UnsupportedOperationException if {@link #hasLmHeadForward} is false
     */
    public void lmHeadForward(VocabStats out, Tensor hidden, Tensor weight, Tensor targets, double temperature,
            double certaintyTemperature) {
        if (Checks.ENABLED) {
            KernelChecks.lmHeadForward(out, hidden, weight, targets, temperature, certaintyTemperature);
        }
        api.check(it_api.lm_head_forward.invoke(lmHeadForward, address(out.lse()), address(out.logprob()),
                address(out.entropy()), address(out.selfCertainty()), address(out.argmax()), hidden.address(),
                weight.address(), address(targets), (float) temperature, (float) certaintyTemperature, hidden.dim(0),
                hidden.dim(1), weight.dim(0), hidden.dtype().code(), api.stream()));
    }

    /**
     * {@link #sample} from logits = hidden weight^T that are never in memory. Where two tokens are so close that
     * rounding decides, it may draw another one than that does from stored logits.
     *
     * @param token    int32 [N]
     * @param out      as for {@link #sample}
     * @param hidden   [N,H], bf16
     * @param weight   [V,H], bf16
     * @param sequence int64 [N], and position int32 [N]
     * @throws UnsupportedOperationException if {@link #hasLmHeadForward} is false, or tokens are filtered
     */
    public void lmHeadSample(Tensor token, VocabStats out, Tensor hidden, Tensor weight, Tensor sequence,
            Tensor position, Sampling s, double certaintyTemperature) {
        if (Checks.ENABLED) {
            KernelChecks.lmHeadSample(token, out, hidden, weight, sequence, position, s, certaintyTemperature);
        }
        api.check(it_api.lm_head_sample.invoke(lmHeadSample, token.address(), address(out.logprob()),
                address(out.entropy()), address(out.selfCertainty()), hidden.address(), weight.address(),
                sequence.address(), position.address(), struct(s), (float) certaintyTemperature, hidden.dim(0),
                hidden.dim(1), weight.dim(0), hidden.dtype().code(), api.stream()));
    }

    /**
     * Whether this device has {@link #lmHeadForward} and {@link #lmHeadSample} for matrices of this type and so many
     * inputs.
     */
    public boolean hasLmHeadForward(DType type, long hidden) {
        int status = it_api.lm_head_forward.invoke(lmHeadForward, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, hidden, 1,
                type.code(), 0);
        if (status != Intuitor.IT_UNSUPPORTED()) {
            api.check(status);
        }
        return status == Intuitor.IT_OK();
    }

    /**
     * Overwrites logits [N,V] with the gradient of sum_n coefficient[n] * logprob[n].
     *
     * @param lse         fp32 [N], of the same logits and temperature
     * @param targets     int32 [N]
     * @param coefficient fp32 [N]
     */
    public void logprobBackward(Tensor logits, Tensor lse, Tensor targets, Tensor coefficient, double temperature) {
        if (Checks.ENABLED) {
            KernelChecks.logprobBackward(logits, lse, targets, coefficient, temperature);
        }
        api.check(it_api.logprob_backward.invoke(logprobBackward, logits.address(), logits.dim(1), lse.address(),
                targets.address(), coefficient.address(), (float) temperature, logits.dim(0), logits.dim(1),
                logits.dtype().code(), api.stream()));
    }

    /**
     * Draws one token from each row of logits [N,V].
     *
     * @param token    int32 [N]
     * @param out      log-probability, entropy and self-certainty at the drawn token, over the whole unfiltered
     *                 vocabulary; lse and argmax are not offered here
     * @param sequence int64 [N], and position int32 [N]: with the seed, they alone decide the noise
     */
    public void sample(Tensor token, VocabStats out, Tensor logits, Tensor sequence, Tensor position, Sampling s,
            double certaintyTemperature) {
        if (Checks.ENABLED) {
            KernelChecks.sample(token, out, logits, sequence, position, s, certaintyTemperature);
        }
        api.check(it_api.sample.invoke(sample, token.address(), address(out.logprob()), address(out.entropy()),
                address(out.selfCertainty()), logits.address(), logits.dim(1), sequence.address(), position.address(),
                struct(s), (float) certaintyTemperature, logits.dim(0), logits.dim(1), logits.dtype().code(),
                api.stream()));
    }

    private MemorySegment struct(Sampling s) {
        it_sampling.temperature(sampling, (float) s.temperature());
        it_sampling.top_k(sampling, s.topK());
        it_sampling.top_p(sampling, (float) s.topP());
        it_sampling.min_p(sampling, (float) s.minP());
        it_sampling.valid_vocab(sampling, s.validVocab());
        it_sampling.seed(sampling, s.seed());
        return sampling;
    }

    /**
     * The repetition penalty: of row n, the logits of tokens [offsets[n], offsets[n + 1]), which are different, are
     * divided by the penalty if they are positive and multiplied by it if not.
     *
     * @param logits  fp32 [N,V], in place
     * @param tokens  int32
     * @param offsets int32 [N + 1]
     */
    public void repetitionPenalty(Tensor logits, Tensor tokens, Tensor offsets, double penalty) {
        if (Checks.ENABLED) {
            KernelChecks.repetitionPenalty(logits, tokens, offsets, penalty);
        }
        api.check(it_api.repetition_penalty.invoke(repetitionPenalty, logits.address(), logits.dim(1),
                tokens.address(), offsets.address(), (float) penalty, logits.dim(0), logits.dim(1), api.stream()));
    }

    // --- decoding on the device ------------------------------------------------------------------------------------

    /**
     * Ends a step of decoding: keeps what was drawn in the log, and makes the inputs of the next step of it.
     *
     * @param inputs   of the step that was made; of the next one afterwards. The page table has pages for all that may
     *                 be drawn
     * @param progress brought up to date
     * @param token    int32 [N], the drawn tokens
     * @param stats    of them: log-probability, entropy and self-certainty
     */
    public void decodeAdvance(DecodeInputs inputs, DecodeProgress progress, Tensor token, VocabStats stats) {
        if (Checks.ENABLED) {
            KernelChecks.decodeAdvance(inputs, progress, token, stats);
        }
        MemorySegment run = decodeRun;
        it_decode_run.N(run, inputs.size());
        it_decode_run.K(run, progress.log().dim(0));
        it_decode_run.ids(run, inputs.tokens().address());
        it_decode_run.positions(run, inputs.positions().address());
        it_decode_run.cache_rows(run, inputs.cacheRows().address());
        it_decode_run.segments(run, inputs.segments().segments().address());
        it_decode_run.draw_positions(run, progress.drawPositions().address());
        it_decode_run.pages(run, inputs.pages().pages().address());
        it_decode_run.page_size(run, inputs.pages().pageSize());
        it_decode_run.drawn(run, progress.drawn().address());
        it_decode_run.limit(run, progress.limit().address());
        it_decode_run.log(run, progress.log().address());
        it_decode_run.stop_tokens(run, progress.stopTokens().address());
        it_decode_run.stop_count(run, progress.stopTokens().size());
        api.check(it_api.decode_advance.invoke(decodeAdvance, run, token.address(), stats.logprob().address(),
                stats.entropy().address(), stats.selfCertainty().address(), api.stream()));
    }

    // --- optimiser -------------------------------------------------------------------------------------------------

    /**
     * One AdamW step (Loshchilov and Hutter 2019) over fp32 tensors of one size.
     *
     * @param gradScale multiplies the gradient first (clipping, accumulation)
     * @param step      1 for the first
     */
    public void adamw(Tensor param, Tensor grad, Tensor m, Tensor v, double lr, double beta1, double beta2, double eps,
            double weightDecay, double gradScale, long step) {
        if (Checks.ENABLED) {
            Checks.required("adamw", "param", param, F32, param.shape());
            Checks.required("adamw", "grad", grad, F32, param.shape());
            Checks.required("adamw", "m", m, F32, param.shape());
            Checks.required("adamw", "v", v, F32, param.shape());
            Checks.that(step >= 1, "adamw", "step must be at least 1, not " + step);
        }
        api.check(it_api.adamw.invoke(adamw, param.address(), grad.address(), m.address(), v.address(), param.size(),
                (float) lr, (float) beta1, (float) beta2, (float) eps, (float) weightDecay, (float) gradScale, step,
                api.stream()));
    }

    /** out[0] = sum x[i]^2. out fp64 [1], x fp32. */
    public void sumSquares(Tensor out, Tensor x) {
        if (Checks.ENABLED) {
            Checks.required("sumSquares", "out", out, F64, 1);
            Checks.required("sumSquares", "x", x, F32, x.shape());
        }
        api.check(it_api.sum_squares.invoke(sumSquares, out.address(), x.address(), x.size(), api.stream()));
    }

    /** out[0] = 1 if any element of x is NaN or infinite, else 0. out int32 [1]. */
    public void anyNonfinite(Tensor out, Tensor x) {
        if (Checks.ENABLED) {
            Checks.required("anyNonfinite", "out", out, I32, 1);
        }
        api.check(it_api.any_nonfinite.invoke(anyNonfinite, out.address(), x.address(), x.size(), x.dtype().code(),
                api.stream()));
    }

    // --- ceilings, for benchmarks ----------------------------------------------------------------------------------

    /** Reads all of x as fast as the device can and writes one number to out, fp32 [1]. */
    public void readCeiling(Tensor out, Tensor x) {
        if (Checks.ENABLED) {
            Checks.required("readCeiling", "out", out, F32, 1);
        }
        api.check(it_api.read_ceiling.invoke(readCeiling, out.address(), x.address(), x.bytes(), api.stream()));
    }

    /** 0, the ABI's "not wanted", for null. */
    private static long address(Tensor t) {
        return t == null ? 0 : t.address();
    }
}
