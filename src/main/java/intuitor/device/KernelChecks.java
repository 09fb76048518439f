package intuitor.device;

import static intuitor.device.Checks.distinct;
import static intuitor.device.Checks.indices;
import static intuitor.device.Checks.optional;
import static intuitor.device.Checks.rank;
import static intuitor.device.Checks.required;
import static intuitor.device.Checks.that;
import static intuitor.device.DType.BF16;
import static intuitor.device.DType.F32;
import static intuitor.device.DType.F64;
import static intuitor.device.DType.I32;
import static intuitor.device.DType.I64;

import intuitor.device.abi.Intuitor;

/**
 * What {@link Kernels} asks of its arguments, verified only under {@link Checks}. Weights and activations are of one
 * storage type, F32 or BF16; gradients of parameters, statistics of rows and tables are F32.
 */
final class KernelChecks {

    private KernelChecks() {
    }

    /** picked [N,H] are rows of all [R,H], chosen by index [N]; picked is of the storage type. */
    static void rows(String call, Tensor picked, Tensor all, DType allType, Tensor index) {
        rank(call, "rows", picked, 2);
        storage(call, "rows", picked);
        rank(call, "table", all, 2);
        required(call, "table", all, allType, all.dim(0), picked.dim(1));
        required(call, "index", index, I32, picked.dim(0));
        distinct(call, picked, all);
        indices(call, "index", index, all.dim(0));
    }

    static void rmsNormForward(Tensor out, Tensor rstd, Tensor sum, Tensor x, Tensor delta, Tensor weight) {
        String call = "rmsNormForward";
        rank(call, "x", x, 2);
        storage(call, "x", x);
        required(call, "out", out, x.dtype(), x.shape());
        required(call, "weight", weight, x.dtype(), x.dim(1));
        optional(call, "rstd", rstd, F32, x.dim(0));
        optional(call, "delta", delta, x.dtype(), x.shape());
        if (delta != null) {
            required(call, "sum", sum, x.dtype(), x.shape());
            distinct(call, sum, out);
        }
    }

    static void rmsNormBackward(Tensor dx, Tensor dweight, Tensor dout, Tensor x, Tensor weight, Tensor rstd) {
        String call = "rmsNormBackward";
        rank(call, "x", x, 2);
        storage(call, "x", x);
        required(call, "dx", dx, x.dtype(), x.shape());
        required(call, "dout", dout, x.dtype(), x.shape());
        required(call, "weight", weight, x.dtype(), x.dim(1));
        required(call, "rstd", rstd, F32, x.dim(0));
        optional(call, "dweight", dweight, F32, x.dim(1));
        distinct(call, dx, dout);
    }

    static void qkvForward(Tensor out, Tensor qkv, Tensor bias, Tensor qNorm, Tensor kNorm, Tensor rope,
            Tensor positions, int heads, int kvHeads, int headDim) {
        String call = "qkvForward";
        long width = qkv(call, qkv, heads, kvHeads, headDim);
        required(call, "out", out, qkv.dtype(), qkv.shape());
        optional(call, "bias", bias, qkv.dtype(), width);
        norms(call, qNorm, kNorm, qkv.dtype(), headDim);
        rope(call, rope, positions, qkv.dim(0), headDim);
        if (qNorm != null) {
            distinct(call, out, qkv);
        }
    }

    static void qkvBackward(Tensor dqkv, Tensor dbias, Tensor dqNorm, Tensor dkNorm, Tensor qkv, Tensor qNorm,
            Tensor kNorm, Tensor rope, Tensor positions, int heads, int kvHeads, int headDim) {
        String call = "qkvBackward";
        long width = qkv(call, dqkv, heads, kvHeads, headDim);
        optional(call, "dbias", dbias, F32, width);
        optional(call, "dqNorm", dqNorm, F32, headDim);
        optional(call, "dkNorm", dkNorm, F32, headDim);
        norms(call, qNorm, kNorm, dqkv.dtype(), headDim);
        if (qNorm != null) {
            required(call, "qkv", qkv, dqkv.dtype(), dqkv.shape());
            distinct(call, dqkv, qkv);
        }
        rope(call, rope, positions, dqkv.dim(0), headDim);
    }

    static void kvCacheWrite(Tensor kCache, Tensor vCache, Tensor qkv, Tensor row, int heads, int kvHeads,
            int headDim) {
        String call = "kvCacheWrite";
        qkv(call, qkv, heads, kvHeads, headDim);
        caches(call, kCache, vCache, qkv.dtype(), kvHeads, headDim);
        required(call, "row", row, I32, qkv.dim(0));
        indices(call, "row", row, kCache.dim(0));
    }

    static void attentionForward(Tensor out, Tensor lse, Tensor qkv, Segments segments, int heads, int kvHeads,
            int headDim) {
        String call = "attentionForward";
        qkv(call, qkv, heads, kvHeads, headDim);
        required(call, "out", out, qkv.dtype(), qkv.dim(0), (long) heads * headDim);
        optional(call, "lse", lse, F32, qkv.dim(0), heads);
        distinct(call, out, qkv);
        segments(call, segments, qkv.dim(0), qkv.dim(0));
    }

    static void attentionDecode(Tensor out, Tensor qkv, Tensor kCache, Tensor vCache, Segments segments,
            PageTable pages, int heads, int kvHeads, int headDim) {
        String call = "attentionDecode";
        qkv(call, qkv, heads, kvHeads, headDim);
        required(call, "out", out, qkv.dtype(), qkv.dim(0), (long) heads * headDim);
        caches(call, kCache, vCache, qkv.dtype(), kvHeads, headDim);
        distinct(call, out, qkv);
        that(segments.maxQ() == 1, call, "a segment has one query, not " + segments.maxQ());
        that(pages.pageSize() > 0, call, "the page size must be positive");
        required(call, "pages", pages.pages(), I32, pages.pages().size());
        indices(call, "pages", pages.pages(), kCache.dim(0) / pages.pageSize());
        segments(call, segments, qkv.dim(0), pages.pages().size() * pages.pageSize());
    }

    static void attentionBackward(Tensor dqkv, Tensor delta, Tensor dout, Tensor qkv, Tensor out, Tensor lse,
            Segments segments, int heads, int kvHeads, int headDim) {
        String call = "attentionBackward";
        qkv(call, qkv, heads, kvHeads, headDim);
        required(call, "dqkv", dqkv, qkv.dtype(), qkv.shape());
        required(call, "delta", delta, F32, qkv.dim(0), heads);
        required(call, "dout", dout, qkv.dtype(), qkv.dim(0), (long) heads * headDim);
        required(call, "out", out, qkv.dtype(), dout.shape());
        required(call, "lse", lse, F32, qkv.dim(0), heads);
        distinct(call, dqkv, qkv);
        distinct(call, dqkv, dout);
        segments(call, segments, qkv.dim(0), qkv.dim(0));
        families(call, segments);
    }

    static void swigluForward(Tensor out, Tensor gateUp) {
        String call = "swigluForward";
        rank(call, "out", out, 2);
        storage(call, "out", out);
        required(call, "gateUp", gateUp, out.dtype(), out.dim(0), 2 * out.dim(1));
        distinct(call, out, gateUp);
    }

    static void swigluBackward(Tensor gateUp, Tensor out, Tensor dout) {
        String call = "swigluBackward";
        rank(call, "dout", dout, 2);
        storage(call, "dout", dout);
        required(call, "gateUp", gateUp, dout.dtype(), dout.dim(0), 2 * dout.dim(1));
        optional(call, "out", out, dout.dtype(), dout.shape());
        distinct(call, out, dout);
        distinct(call, gateUp, dout);
    }

    static void vocabReduce(VocabStats out, Tensor logits, Tensor targets, double temperature,
            double certaintyTemperature) {
        String call = "vocabReduce";
        rank(call, "logits", logits, 2);
        storage(call, "logits", logits);
        stats(call, out, logits.dim(0));
        temperatures(call, temperature, certaintyTemperature);
        if (out.logprob() != null) {
            targets(call, targets, logits);
        }
    }

    static void vocabAccumulate(Tensor state, Tensor logits, long first, Tensor targets, double temperature,
            double certaintyTemperature) {
        String call = "vocabAccumulate";
        rank(call, "logits", logits, 2);
        storage(call, "logits", logits);
        state(call, state, logits.dim(0));
        that(first >= 0 && first % Kernels.VOCAB_SEGMENT == 0, call, "a tile begins at a multiple of "
                + Kernels.VOCAB_SEGMENT + ", not at column " + first);
        optional(call, "targets", targets, I32, logits.dim(0));
        temperatures(call, temperature, certaintyTemperature);
    }

    static void vocabFinish(VocabStats out, Tensor state, double temperature, double certaintyTemperature) {
        String call = "vocabFinish";
        rank(call, "state", state, 2);
        state(call, state, state.dim(0));
        stats(call, out, state.dim(0));
        temperatures(call, temperature, certaintyTemperature);
    }

    static void lmHeadForward(VocabStats out, Tensor hidden, Tensor weight, Tensor targets, double temperature,
            double certaintyTemperature) {
        String call = "lmHeadForward";
        head(call, hidden, weight);
        stats(call, out, hidden.dim(0));
        temperatures(call, temperature, certaintyTemperature);
        if (out.logprob() != null) {
            required(call, "targets", targets, I32, hidden.dim(0));
            indices(call, "targets", targets, weight.dim(0));
        }
    }

    static void lmHeadSample(Tensor token, VocabStats out, Tensor hidden, Tensor weight, Tensor sequence,
            Tensor position, Sampling s, double certaintyTemperature) {
        String call = "lmHeadSample";
        head(call, hidden, weight);
        draws(call, token, out, hidden.dim(0), sequence, position, s, weight.dim(0), certaintyTemperature);
    }

    private static void head(String call, Tensor hidden, Tensor weight) {
        rank(call, "hidden", hidden, 2);
        rank(call, "weight", weight, 2);
        required(call, "weight", weight, hidden.dtype(), weight.dim(0), hidden.dim(1));
    }

    private static void state(String call, Tensor state, long n) {
        required(call, "state", state, F64, n, Intuitor.IT_VOCAB_STATE_BYTES() / F64.bytes());
    }

    private static void stats(String call, VocabStats out, long n) {
        optional(call, "lse", out.lse(), F32, n);
        optional(call, "logprob", out.logprob(), F32, n);
        optional(call, "entropy", out.entropy(), F32, n);
        optional(call, "selfCertainty", out.selfCertainty(), F32, n);
        optional(call, "argmax", out.argmax(), I32, n);
    }

    private static void temperatures(String call, double temperature, double certaintyTemperature) {
        that(temperature > 0 && certaintyTemperature > 0, call, "temperatures must be positive");
    }

    static void logprobBackward(Tensor logits, Tensor lse, Tensor targets, Tensor coefficient, double temperature) {
        String call = "logprobBackward";
        rank(call, "logits", logits, 2);
        storage(call, "logits", logits);
        required(call, "lse", lse, F32, logits.dim(0));
        required(call, "coefficient", coefficient, F32, logits.dim(0));
        that(temperature > 0, call, "the temperature must be positive");
        targets(call, targets, logits);
    }

    static void sample(Tensor token, VocabStats out, Tensor logits, Tensor sequence, Tensor position, Sampling s,
            double certaintyTemperature) {
        String call = "sample";
        rank(call, "logits", logits, 2);
        storage(call, "logits", logits);
        draws(call, token, out, logits.dim(0), sequence, position, s, logits.dim(1), certaintyTemperature);
    }

    /** @param vocab how many logits a row has */
    private static void draws(String call, Tensor token, VocabStats out, long n, Tensor sequence, Tensor position,
            Sampling s, long vocab, double certaintyTemperature) {
        required(call, "token", token, I32, n);
        optional(call, "logprob", out.logprob(), F32, n);
        optional(call, "entropy", out.entropy(), F32, n);
        optional(call, "selfCertainty", out.selfCertainty(), F32, n);
        that(out.lse() == null && out.argmax() == null, call, "lse and argmax are not offered");
        required(call, "sequence", sequence, I64, n);
        required(call, "position", position, I32, n);
        that(s.validVocab() <= vocab, call,
                "valid vocabulary " + s.validVocab() + " is wider than rows of " + vocab + " logits");
        that(certaintyTemperature > 0, call, "the certainty temperature must be positive");
    }

    static void repetitionPenalty(Tensor logits, Tensor tokens, Tensor offsets, double penalty) {
        String call = "repetitionPenalty";
        rank(call, "logits", logits, 2);
        required(call, "logits", logits, F32, logits.shape());
        required(call, "tokens", tokens, I32, tokens.size());
        required(call, "offsets", offsets, I32, logits.dim(0) + 1);
        indices(call, "tokens", tokens, logits.dim(1));
        indices(call, "offsets", offsets, tokens.size() + 1);
        that(penalty > 0, call, "the penalty must be positive");
    }

    static void decodeAdvance(DecodeInputs inputs, DecodeProgress progress, Tensor token, VocabStats stats) {
        String call = "decodeAdvance";
        int n = inputs.size();
        rank(call, "log", progress.log(), 3);
        required(call, "log", progress.log(), I32, progress.log().dim(0), n, DecodeProgress.WIDTH);
        required(call, "token", token, I32, n);
        required(call, "logprob", stats.logprob(), F32, n);
        required(call, "entropy", stats.entropy(), F32, n);
        required(call, "selfCertainty", stats.selfCertainty(), F32, n);
        that(inputs.tokens().size() >= n, call, inputs.tokens() + " has fewer than " + n + " tokens");
        required(call, "tokens", inputs.tokens(), I32, inputs.tokens().size());
        required(call, "positions", inputs.positions(), I32, inputs.tokens().size());
        required(call, "cacheRows", inputs.cacheRows(), I32, n);
        required(call, "segments", inputs.segments().segments(), I32, n, Segments.WIDTH);
        required(call, "pages", inputs.pages().pages(), I32, inputs.pages().pages().size());
        required(call, "stopTokens", progress.stopTokens(), I32, progress.stopTokens().size());
        required(call, "drawPositions", progress.drawPositions(), I32, n);
        required(call, "drawn", progress.drawn(), I32, n);
        required(call, "limit", progress.limit(), I32, n);
        if (token.owner().device().isRecording()) {
            return;
        }
        int[] drawn = downloaded(progress.drawn());
        int[] limit = downloaded(progress.limit());
        int[] segments = downloaded(inputs.segments().segments());
        long rows = inputs.pages().pages().size() * inputs.pages().pageSize();
        for (int i = 0; i < n; i++) {
            that(drawn[i] >= 0 && limit[i] <= progress.log().dim(0), call, "sequence " + i + " has drawn " + drawn[i]
                    + " of " + limit[i] + " tokens, the log has room for " + progress.log().dim(0));
            int at = i * Segments.WIDTH;
            long end = (long) segments[at + 4] + segments[at + 5] + limit[i] - drawn[i] - 1;
            that(drawn[i] >= limit[i] || end <= rows, call, "sequence " + i + " may come to row " + (end - 1)
                    + ", the page table has " + rows);
        }
    }

    private static int[] downloaded(Tensor t) {
        int[] values = new int[Math.toIntExact(t.size())];
        t.owner().device().download(values, t);
        return values;
    }

    /** The tensor is of a type that weights and activations may have. */
    private static void storage(String call, String argument, Tensor t) {
        that(t.dtype() == F32 || t.dtype() == BF16, call, argument + " must be F32 or BF16, not " + t);
    }

    private static long qkv(String call, Tensor qkv, int heads, int kvHeads, int headDim) {
        that(heads > 0 && kvHeads > 0 && heads % kvHeads == 0, call,
                heads + " heads are not a multiple of " + kvHeads + " key-value heads");
        rank(call, "qkv", qkv, 2);
        storage(call, "qkv", qkv);
        long width = (heads + 2L * kvHeads) * headDim;
        required(call, "qkv", qkv, qkv.dtype(), qkv.dim(0), width);
        return width;
    }

    private static void norms(String call, Tensor qNorm, Tensor kNorm, DType dtype, int headDim) {
        that((qNorm == null) == (kNorm == null), call, "qNorm and kNorm go together");
        optional(call, "qNorm", qNorm, dtype, headDim);
        optional(call, "kNorm", kNorm, dtype, headDim);
    }

    private static void rope(String call, Tensor rope, Tensor positions, long tokens, int headDim) {
        that(headDim % 2 == 0, call, "the head size must be even, not " + headDim);
        rank(call, "rope", rope, 3);
        required(call, "rope", rope, F32, rope.dim(0), 2, headDim / 2);
        required(call, "positions", positions, I32, tokens);
        indices(call, "positions", positions, rope.dim(0));
    }

    private static void caches(String call, Tensor kCache, Tensor vCache, DType dtype, int kvHeads, int headDim) {
        rank(call, "kCache", kCache, 2);
        required(call, "kCache", kCache, dtype, kCache.dim(0), (long) kvHeads * headDim);
        required(call, "vCache", vCache, dtype, kCache.shape());
    }

    private static void targets(String call, Tensor targets, Tensor logits) {
        required(call, "targets", targets, I32, logits.dim(0));
        indices(call, "targets", targets, logits.dim(1));
    }

    /** Every query row belongs to one segment, every key row exists, and the maxima are what they say. */
    private static void segments(String call, Segments s, long queryRows, long keyRows) {
        required(call, "segments", s.segments(), I32, s.count(), Segments.WIDTH);
        if (s.segments().owner().device().isRecording()) {
            return;
        }
        int[] values = new int[s.count() * Segments.WIDTH];
        s.segments().owner().device().download(values, s.segments());
        long covered = 0;
        for (int i = 0; i < s.count(); i++) {
            int at = i * Segments.WIDTH;
            long qStart = values[at];
            long qLength = values[at + 1];
            long prefixStart = values[at + 2];
            long prefixLength = values[at + 3];
            long kStart = values[at + 4];
            long kLength = values[at + 5];
            boolean valid = qStart >= 0 && qLength >= 1 && qStart + qLength <= queryRows
                    && prefixStart >= 0 && prefixLength >= 0 && prefixStart + prefixLength <= keyRows
                    && kStart >= 0 && kLength >= qLength && kStart + kLength <= keyRows
                    && qLength <= s.maxQ() && prefixLength + kLength <= s.maxK();
            that(valid, call, String.format("segment %d (q %d+%d, prefix %d+%d, k %d+%d) does not fit %d query rows,"
                            + " %d key rows, maxQ %d, maxK %d", i, qStart, qLength, prefixStart, prefixLength, kStart,
                    kLength, queryRows, keyRows, s.maxQ(), s.maxK()));
            covered += qLength;
        }
        that(covered == queryRows, call, "the segments hold " + covered + " rows, the batch " + queryRows);
    }

    private static void families(String call, Segments s) {
        required(call, "families", s.families(), I32, s.familyCount() + 1L);
        int[] values = new int[s.familyCount() + 1];
        s.families().owner().device().download(values, s.families());
        boolean valid = values[0] == 0 && values[s.familyCount()] == s.count();
        for (int f = 0; f < s.familyCount(); f++) {
            valid &= values[f] < values[f + 1];
        }
        that(valid, call, "families do not divide the " + s.count() + " segments: "
                + java.util.Arrays.toString(values));
    }
}
