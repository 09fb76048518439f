package intuitor.rollout;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.DecodeInputs;
import intuitor.device.DecodeProgress;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import intuitor.model.DecodeBatch;
import intuitor.model.KvCache;
import intuitor.model.LmHead;
import intuitor.model.PackedWeights;
import intuitor.model.RepetitionPenalty;
import intuitor.model.Transformer;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Some steps of decoding that the device makes one after the other, without the host: it makes the inputs of a step of
 * what the step before drew, and keeps that in a log, which is read back at the end. A completion that ends on the way
 * repeats its last step until then, which changes nothing.
 *
 * <p>Everything lies in the arena that the run is given, so at the same addresses in all of its steps.
 */
final class DecodeRun {

    private final Device device;
    private final List<GrowingSequence> sequences;
    private final Decoding decoding;
    private final int steps;
    private final Arena scope;
    private final DecodeInputs inputs;
    private final DecodeProgress progress;
    private final Tensor rows;
    private final Tensor ids;
    private final Tensor tokens;
    private final VocabStats stats;

    /**
     * @param sequences those that grow, each with pages for as many tokens more as it may draw in the steps
     * @param steps     to be made
     * @param pageSize  of the cache
     */
    DecodeRun(Arena scope, Transformer model, List<GrowingSequence> sequences, int steps, Decoding decoding,
              int pageSize) {
        this.device = scope.device();
        this.sequences = sequences;
        this.decoding = decoding;
        this.steps = steps;
        this.scope = scope;
        int n = sequences.size();
        int[] limit = sequences.stream().mapToInt(s -> s.ahead(steps, decoding.maxLength())).toArray();
        DecodeBatch batch = new DecodeBatch(pageSize);
        for (int i = 0; i < n; i++) {
            GrowingSequence s = sequences.get(i);
            batch.add(s.lastToken(), s.shared.pages(), s.shared.tokens.length, s.pages(), s.length(), limit[i]);
        }
        inputs = model.upload(batch, scope);
        progress = new DecodeProgress(
                scope.upload("draw positions", sequences.stream().mapToInt(GrowingSequence::length).toArray()),
                scope.zeros("drawn", DType.I32, n), scope.upload("limit", limit),
                scope.allocate("log", DType.I32, steps, n, DecodeProgress.WIDTH),
                scope.upload("stop tokens", decoding.stopTokens().stream().mapToInt(t -> t).sorted().toArray()));
        rows = scope.upload("rows", IntStream.range(0, n).toArray());
        ids = scope.upload("sequences", sequences.stream().mapToLong(s -> s.id).toArray());
        tokens = scope.allocate("tokens", DType.I32, n);
        stats = new VocabStats(null, scope.allocate("logprob", DType.F32, n), scope.allocate("entropy", DType.F32, n),
                scope.allocate("self-certainty", DType.F32, n), null);
    }

    /** Makes one of the steps. */
    void step(Transformer model, LmHead head, KvCache cache, PackedWeights packed, RepetitionPenalty repetition) {
        try (Arena step = scope.scope("decode step")) {
            Tensor hidden = model.decode(inputs, cache, packed, step);
            head.draw(hidden, rows, ids, progress.drawPositions(), decoding.sampling(),
                    decoding.certaintyTemperature(), repetition, packed, tokens, stats, step);
            device.kernels().decodeAdvance(inputs, progress, tokens, stats);
        }
    }

    /** What is done with each token as it comes back. */
    @FunctionalInterface
    interface Growth {
        void add(GrowingSequence sequence, int token, float logprob, float entropy, float selfCertainty);
    }

    /**
     * Reads back what was drawn, step after step. What the device drew for a completion after its end, because it does
     * not know of stop strings, is dropped.
     */
    void finish(Growth growth) {
        int n = sequences.size();
        int[] log = new int[steps * n * DecodeProgress.WIDTH];
        device.download(log, progress.log());
        for (int i = 0; i < steps * n; i++) {
            GrowingSequence s = sequences.get(i % n);
            if (!s.finished(decoding.maxLength())) {
                int at = i * DecodeProgress.WIDTH;
                growth.add(s, log[at], Float.intBitsToFloat(log[at + 1]), Float.intBitsToFloat(log[at + 2]),
                        Float.intBitsToFloat(log[at + 3]));
            }
        }
    }
}
