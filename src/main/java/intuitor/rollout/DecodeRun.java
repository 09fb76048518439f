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

/**
 * Some steps of decoding that the device makes one after the other, without the host: it makes the inputs of a step of
 * what the step before drew, and keeps that in a log, which is read back at the end. A completion that ends on the way
 * repeats its last step until then, which changes nothing; so does an idle place from the beginning.
 *
 * <p>Everything lies in the arena that the run is given, at the same addresses in all of its steps, and all runs of a
 * {@link DecodeBucket} make the same allocations.
 */
final class DecodeRun {

    private static final int[] NO_PROMPT = {};

    private final Device device;
    private final List<GrowingSequence> sequences;
    private final Decoding decoding;
    private final int steps;
    private final int places;
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
     * @param bucket    with room for them
     * @param batch     is filled anew
     * @param idlePage  the page of the cache that idle places have
     */
    DecodeRun(Arena scope, Transformer model, List<GrowingSequence> sequences, int steps, Decoding decoding,
              DecodeBucket bucket, DecodeBatch batch, int idlePage) {
        this.device = scope.device();
        this.sequences = sequences;
        this.decoding = decoding;
        this.steps = steps;
        this.places = bucket.places();
        this.scope = scope;
        int[] lengths = new int[places];
        int[] limit = new int[places];
        int[] order = new int[places];
        long[] names = new long[places];
        batch.clear();
        for (int i = 0; i < places; i++) {
            order[i] = i;
            if (i < sequences.size()) {
                GrowingSequence s = sequences.get(i);
                lengths[i] = s.length();
                limit[i] = s.ahead(steps, decoding.maxLength());
                names[i] = s.id;
                batch.add(s.lastToken(), s.shared.pages(), s.shared.tokens.length, s.pages(), s.length(), limit[i]);
            } else {
                batch.add(0, NO_PROMPT, 0, new int[] {idlePage}, 1, 1);
            }
        }
        inputs = model.upload(batch, bucket.maxK(), bucket.pages(batch.pageSize()), scope);
        progress = new DecodeProgress(scope.upload("draw positions", lengths), scope.zeros("drawn", DType.I32, places),
                scope.upload("limit", limit),
                scope.allocate("log", DType.I32, bucket.steps(), places, DecodeProgress.WIDTH),
                scope.upload("stop tokens", decoding.stopTokens().stream().mapToInt(t -> t).sorted().toArray()));
        rows = scope.upload("rows", order);
        ids = scope.upload("sequences", names);
        tokens = scope.allocate("tokens", DType.I32, places);
        stats = new VocabStats(null, scope.allocate("logprob", DType.F32, places),
                scope.allocate("entropy", DType.F32, places), scope.allocate("self-certainty", DType.F32, places),
                null);
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
        int[] log = new int[steps * places * DecodeProgress.WIDTH];
        device.download(log, progress.log().rows(0, steps));
        for (int step = 0; step < steps; step++) {
            for (int i = 0; i < sequences.size(); i++) {
                GrowingSequence s = sequences.get(i);
                if (!s.finished(decoding.maxLength())) {
                    int at = (step * places + i) * DecodeProgress.WIDTH;
                    growth.add(s, log[at], Float.intBitsToFloat(log[at + 1]), Float.intBitsToFloat(log[at + 2]),
                            Float.intBitsToFloat(log[at + 3]));
                }
            }
        }
    }
}
