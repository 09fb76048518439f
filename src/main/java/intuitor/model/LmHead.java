package intuitor.model;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.Blas;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.FusedHead;
import intuitor.device.HeadForward;
import intuitor.device.Kernels;
import intuitor.device.PackedMatrix;
import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.device.TiledHead;
import intuitor.device.VocabStats;
import java.util.stream.IntStream;

/**
 * The head: logits = hidden W^T over the vocabulary, and what is wanted of them. Where tokens are scored, logits exist
 * only for a tile of rows and columns at a time ({@link TiledHead}), or not at all ({@link FusedHead}). Where tokens
 * are drawn, or gradients wanted, whole rows are needed: a chunk of rows at a time, in a buffer of about {@link
 * #LOGITS_BYTES}; but the fused head draws without them, unless tokens are filtered or penalised. The backward pass of
 * a chunk follows its forward pass at once: for that, the loss must be a sum of functions of single log-probabilities,
 * or linearised into one ({@link TokenObjective}).
 *
 * <p>Logits are fp32 whatever the weights' storage type: bf16 tells numbers between 16 and 32 apart by eighths only,
 * and log-probabilities and self-certainties are differences of such numbers.
 */
public final class LmHead {

    /** Aim for a chunk's logits, where the vocabulary is small: enough for an efficient GEMM, small beside the rest. */
    private static final long LOGITS_BYTES = 16 << 20;

    /**
     * Rows at least. For every chunk the weight matrix is read twice and its fp32 gradient read and written: 12 bytes a
     * weight in bf16, against 6 floating-point operations a weight and row. A CPU does a few operations in the time of
     * a byte; a GPU some hundreds (H100: about 150 that are sustained), so that products hide the traffic from about
     * 300 rows on.
     */
    private static final long MIN_ROWS = 64;
    private static final long MIN_ROWS_GPU = 512;

    private final Device device;
    private final Kernels kernels;
    private final Blas blas;
    private final HeadForward.Kind how;
    private final Linear projection;
    private final int vocabSize;
    private final long chunkRows; // whose logits exist whole at a time
    private final long scoredRows; // at most, at a time

    public LmHead(Device device, ModelWeights weights) {
        this(device, weights, HeadForward.Kind.TILED);
    }

    /**
     * @param how tokens are scored and, where it can be, drawn; fused, scores do not have the bits of what {@link
     *            #sample} reports
     * @throws UserError if that cannot be done by this device, with weights of this type
     */
    public LmHead(Device device, ModelWeights weights, HeadForward.Kind how) {
        this(device, weights, how, chunkRows(weights.config(), device.info().isGpu()), Long.MAX_VALUE);
        if (how == HeadForward.Kind.FUSED) {
            FusedHead.require(device, weights.dtype(), weights.config().hiddenSize());
        }
    }

    /** Rows whose logits exist whole at a time. */
    static long chunkRows(ModelConfig config, boolean gpu) {
        return Math.max(gpu ? MIN_ROWS_GPU : MIN_ROWS, LOGITS_BYTES / (4L * config.vocabSize()));
    }

    /** A head that works on this many rows at a time. */
    LmHead(Device device, ModelWeights weights, long chunkRows) {
        this(device, weights, HeadForward.Kind.TILED, chunkRows, chunkRows);
    }

    private LmHead(Device device, ModelWeights weights, HeadForward.Kind how, long chunkRows, long scoredRows) {
        this.device = device;
        this.kernels = device.kernels();
        this.blas = device.blas();
        this.how = how;
        this.projection = new Linear(device.blas(), weights.lmHead());
        this.vocabSize = weights.config().vocabSize();
        this.chunkRows = chunkRows;
        this.scoredRows = scoredRows;
    }

    /**
     * Scores tokens.
     *
     * @param hidden               [T,H], hidden states after the final norm
     * @param rows                 the row of hidden that predicts each token [N]
     * @param targets              the tokens [N]
     * @param temperature          divides the logits for log-probabilities and entropy
     * @param certaintyTemperature divides the logits for self-certainty
     * @param packed               this model's weights as they are now, to have the bits of {@link #sample}; or null
     * @param out                  arrays of N, those that are wanted
     */
    public void score(Tensor hidden, int[] rows, int[] targets, double temperature, double certaintyTemperature,
                      PackedWeights packed, TokenStats out, Arena scratch) {
        try (Arena scope = scratch.scope("score")) {
            HeadForward forward = forward(scope, Math.min(scoredRows, rows.length), packed);
            int size = (int) Math.min(forward.rows(), rows.length);
            Tensor gathered = scope.zeros("scored rows", hidden.dtype(), blas.paddedRows(size), hidden.dim(1));
            Tensor index = scope.upload("rows", rows);
            Tensor target = scope.upload("targets", targets);
            VocabStats stats = stats(scope, out, size);
            for (int from = 0; from < rows.length; from += size) {
                int n = Math.min(size, rows.length - from);
                kernels.gatherRows(gathered.rows(0, n), hidden, index.rows(from, n));
                forward.reduce(head(stats, n), gathered, target.rows(from, n), temperature, certaintyTemperature);
                download(out, head(stats, n), from, n);
            }
        }
    }

    private HeadForward forward(Arena scope, long rows, PackedWeights packed) {
        return how == HeadForward.Kind.FUSED ? fused(packed)
                : new TiledHead(scope, projection.factor(packed == null ? null : packed.lmHead()), rows);
    }

    /** Of the weight as it is, which a GPU's library packs no copy of; weights for generation alone have it there. */
    private FusedHead fused(PackedWeights packed) {
        PackedMatrix weight = projection.factor(packed == null ? null : packed.lmHead());
        return new FusedHead(device, weight.isPacked() ? projection.plain() : weight.data());
    }

    /** The same by the plain weights. */
    public void score(Tensor hidden, int[] rows, int[] targets, double temperature, double certaintyTemperature,
                      TokenStats out, Arena scratch) {
        score(hidden, rows, targets, temperature, certaintyTemperature, null, out, scratch);
    }

    /**
     * Scores tokens and adds the gradient of a loss to those of the hidden states and of the head.
     *
     * @param hidden      [T,H]
     * @param dHidden     [T,H], += dLoss / dhidden; of hidden's type
     * @param rows        the row of hidden that predicts each token [N]; rows may repeat
     * @param targets     the tokens [N]
     * @param temperature divides the logits
     * @param packed      this model's weights as they are now, to have the bits of {@link #sample}; or null
     * @param objective   gives dLoss / dlogprob, chunk after chunk
     * @param grads       fp32, += the head's gradient (the embedding's, if it is tied)
     */
    public void scoreAndBackward(Tensor hidden, Tensor dHidden, int[] rows, int[] targets, double temperature,
                                 PackedWeights packed, TokenObjective objective, ParameterSet grads, Arena scratch) {
        try (Arena scope = scratch.scope("score and backward")) {
            Chunk chunk = new Chunk(scope, hidden, rows.length);
            chunk.prepareBackward(scope);
            Tensor index = scope.upload("rows", rows);
            Tensor target = scope.upload("targets", targets);
            Tensor lse = scope.allocate("lse", DType.F32, chunk.size);
            Tensor logprob = scope.allocate("logprob", DType.F32, chunk.size);
            Tensor coefficient = scope.allocate("coefficient", DType.F32, chunk.size);
            for (int from = 0; from < rows.length; from += chunk.size) {
                int n = Math.min(chunk.size, rows.length - from);
                Tensor logits = chunk.logits(index.rows(from, n), packed);
                kernels.vocabReduce(new VocabStats(lse.rows(0, n), logprob.rows(0, n), null, null, null), logits,
                        target.rows(from, n), temperature, 1);
                device.upload(coefficient.rows(0, n), coefficients(objective, from, logprob.rows(0, n)));
                kernels.logprobBackward(logits, lse.rows(0, n), target.rows(from, n), coefficient.rows(0, n),
                        temperature);
                chunk.backward(dHidden, index.rows(from, n), grads.lmHead());
            }
        }
    }

    /** The same by the plain weights. */
    public void scoreAndBackward(Tensor hidden, Tensor dHidden, int[] rows, int[] targets, double temperature,
                                 TokenObjective objective, ParameterSet grads, Arena scratch) {
        scoreAndBackward(hidden, dHidden, rows, targets, temperature, null, objective, grads, scratch);
    }

    private float[] coefficients(TokenObjective objective, int from, Tensor logprob) {
        int n = (int) logprob.size();
        float[] values = new float[n];
        device.download(values, logprob);
        float[] coefficients = new float[n];
        objective.coefficients(from, from + n, values, coefficients);
        return coefficients;
    }

    /**
     * Draws one token from each of a number of rows.
     *
     * @param hidden               [T,H]
     * @param rows                 the rows of hidden to draw from [N], which may repeat; null for all of them in order
     * @param sequence             with the position and the seed, decides the noise of each draw [N]
     * @param position             [N]
     * @param sampling             temperature and filters
     * @param certaintyTemperature divides the logits for self-certainty
     * @param repetition           what is held against some tokens when drawing, though not in what is said about the
     *                             drawn one; or null
     * @param packed               this model's weights as they are now
     * @param tokens               receives the drawn tokens [N]
     * @param out                  arrays of N, those that are wanted; over the whole, unfiltered vocabulary
     */
    public void sample(Tensor hidden, int[] rows, long[] sequence, int[] position, Sampling sampling,
                       double certaintyTemperature, RepetitionPenalty repetition, PackedWeights packed, int[] tokens,
                       TokenStats out, Arena scratch) {
        try (Arena scope = scratch.scope("sample")) {
            int n = tokens.length;
            Tensor drawn = scope.allocate("tokens", DType.I32, n);
            VocabStats stats = stats(scope, out, n);
            draw(hidden, scope.upload("rows", rows == null ? IntStream.range(0, n).toArray() : rows),
                    scope.upload("sequences", sequence), scope.upload("positions", position), sampling,
                    certaintyTemperature, repetition, packed, drawn, stats, scope);
            download(out, stats, 0, n);
            device.download(tokens, drawn);
        }
    }

    /** The same in device memory: rows, position and tokens int32 [N], sequence int64 [N], statistics fp32 [N]. */
    public void draw(Tensor hidden, Tensor rows, Tensor sequence, Tensor position, Sampling sampling,
                     double certaintyTemperature, RepetitionPenalty repetition, PackedWeights packed, Tensor tokens,
                     VocabStats out, Arena scratch) {
        if (how == HeadForward.Kind.FUSED && repetition == null && !sampling.isFiltered()) {
            drawFused(hidden, rows, sequence, position, sampling, certaintyTemperature, packed, tokens, out, scratch);
            return;
        }
        try (Arena scope = scratch.scope("draw")) {
            int count = Math.toIntExact(tokens.size());
            Chunk chunk = new Chunk(scope, hidden, count);
            Penalized penalized = repetition == null ? null : new Penalized(scope, repetition, chunk.size);
            for (int from = 0; from < count; from += chunk.size) {
                int n = Math.min(chunk.size, count - from);
                Tensor logits = chunk.logits(rows.rows(from, n), packed);
                Tensor token = tokens.rows(from, n);
                VocabStats stats = part(out, from, n);
                if (penalized == null) {
                    kernels.sample(token, stats, logits, sequence.rows(from, n), position.rows(from, n), sampling,
                            certaintyTemperature);
                } else {
                    kernels.sample(token, VocabStats.NONE, penalized.logits(logits, from), sequence.rows(from, n),
                            position.rows(from, n), sampling, certaintyTemperature);
                    kernels.vocabReduce(stats, logits, token,
                            sampling.temperature() == 0 ? 1 : sampling.temperature(), certaintyTemperature);
                }
            }
        }
    }

    private void drawFused(Tensor hidden, Tensor rows, Tensor sequence, Tensor position, Sampling sampling,
                           double certaintyTemperature, PackedWeights packed, Tensor tokens, VocabStats out,
                           Arena scratch) {
        try (Arena scope = scratch.scope("draw")) {
            FusedHead head = fused(packed);
            int count = Math.toIntExact(tokens.size());
            int size = (int) Math.min(FusedHead.DRAWN_ROWS, count);
            Tensor gathered = scope.allocate("drawn rows", hidden.dtype(), size, hidden.dim(1));
            for (int from = 0; from < count; from += size) {
                int n = Math.min(size, count - from);
                kernels.gatherRows(gathered.rows(0, n), hidden, rows.rows(from, n));
                head.draw(tokens.rows(from, n), part(out, from, n), gathered.rows(0, n), sequence.rows(from, n),
                        position.rows(from, n), sampling, certaintyTemperature);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ chunks

    /** The buffers of one chunk of rows. */
    private final class Chunk {

        /** Rows at most. */
        final int size;
        private final Tensor hidden;
        private final Tensor gathered;
        private final Tensor logits;
        private Tensor dLogits; // of hidden's type

        Chunk(Arena scope, Tensor hidden, int rows) {
            this.size = (int) Math.min(chunkRows, rows);
            this.hidden = hidden;
            long padded = blas.paddedRows(size);
            this.gathered = scope.zeros("scored rows", hidden.dtype(), padded, hidden.dim(1));
            this.logits = scope.allocate("logits", DType.F32, padded, vocabSize);
        }

        void prepareBackward(Arena scope) {
            dLogits = hidden.dtype() == DType.F32 ? logits
                    : scope.allocate("d logits", hidden.dtype(), size, vocabSize);
        }

        /** Logits fp32 [n,V] of the rows at these indices; by the plain weights if there are no packed ones. */
        Tensor logits(Tensor index, PackedWeights packed) {
            long n = index.size();
            kernels.gatherRows(gathered.rows(0, n), hidden, index);
            if (packed == null) {
                projection.forward(logits.rows(0, n), gathered.rows(0, n));
            } else {
                long padded = blas.paddedRows(n); // a number of rows that suits them
                projection.forward(logits.rows(0, padded), gathered.rows(0, padded), packed.lmHead());
            }
            return logits.rows(0, n);
        }

        /** The logits of these rows now hold their gradient: adds it to the head's and to the hidden states'. */
        void backward(Tensor dHidden, Tensor index, Tensor dWeight) {
            Tensor d = dLogits.rows(0, index.size());
            if (dLogits != logits) {
                device.cast(d, logits.rows(0, index.size()));
            }
            Tensor rows = gathered.rows(0, index.size());
            projection.addGradient(dWeight, d, rows);
            projection.backward(rows, d);
            kernels.scatterAddRows(dHidden, rows, index);
        }
    }

    /** A chunk's logits a second time, after the penalty. */
    private final class Penalized {

        private final double penalty;
        private final Tensor tokens;
        private final Tensor offsets;
        private final Tensor logits;

        Penalized(Arena scope, RepetitionPenalty repetition, int rows) {
            penalty = repetition.penalty();
            tokens = scope.upload("seen tokens", repetition.tokens());
            offsets = scope.upload("offsets of seen tokens", repetition.offsets());
            logits = scope.allocate("penalized logits", DType.F32, rows, vocabSize);
        }

        /** @param from the sequence of the first row */
        Tensor logits(Tensor original, int from) {
            long n = original.dim(0);
            device.copy(logits.rows(0, n), original);
            kernels.repetitionPenalty(logits.rows(0, n), tokens, offsets.rows(from, n + 1), penalty);
            return logits.rows(0, n);
        }
    }

    private static VocabStats stats(Arena scope, TokenStats wanted, int n) {
        return new VocabStats(null,
                wanted.logprob() == null ? null : scope.allocate("logprob", DType.F32, n),
                wanted.entropy() == null ? null : scope.allocate("entropy", DType.F32, n),
                wanted.selfCertainty() == null ? null : scope.allocate("self-certainty", DType.F32, n),
                null);
    }

    /** The first n elements of each. */
    private static VocabStats head(VocabStats s, int n) {
        return part(s, 0, n);
    }

    private static VocabStats part(VocabStats s, int from, int n) {
        return new VocabStats(null, part(s.logprob(), from, n), part(s.entropy(), from, n),
                part(s.selfCertainty(), from, n), null);
    }

    private static Tensor part(Tensor t, int from, int n) {
        return t == null ? null : t.rows(from, n);
    }

    private void download(TokenStats out, VocabStats stats, int from, int n) {
        download(out.logprob(), stats.logprob(), from, n);
        download(out.entropy(), stats.entropy(), from, n);
        download(out.selfCertainty(), stats.selfCertainty(), from, n);
    }

    private void download(float[] out, Tensor values, int from, int n) {
        if (out != null) {
            float[] chunk = new float[n];
            device.download(chunk, values);
            System.arraycopy(chunk, 0, out, from, n);
        }
    }
}
