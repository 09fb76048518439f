package intuitor.rollout;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.DecodeBatch;
import intuitor.model.KvCache;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.PackedWeights;
import intuitor.model.TokenStats;
import intuitor.model.Transformer;
import intuitor.rollout.Wave.Family;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Generates completions with the cached keys and values of all tokens so far.
 *
 * <p>A prompt is computed once and its cache rows are shared by its siblings. Then all completions grow by one token at
 * a time; one that ends leaves the batch at once, so that no work is spent on it. Log-probability, entropy and
 * self-certainty of each token come out of the kernel that draws it. What is drawn depends on the seed, the stream, the
 * prompt's and the completion's place and the position alone (and on the logits, whose last bit may depend on the size
 * of the batch).
 */
public final class Rollout implements AutoCloseable {

    /**
     * Prompt tokens computed at once: enough for efficient GEMMs, little beside the cache and, on a CPU, the weights.
     */
    private static final int PREFILL_TOKENS = 512;
    /** A product by a packed matrix does not begin with packing it, and is efficient with fewer rows. */
    private static final int PREFILL_TOKENS_PACKED = 256;
    private static final int PREFILL_TOKENS_GPU = 4096;

    private final Transformer model;
    private final LmHead head;
    private final Arena memory;
    private final boolean ownsMemory;
    private final long cacheRows;
    private final int prefillTokens;

    /** @param cacheBytes memory for keys and values; what does not fit is generated in several waves */
    public Rollout(Device device, Transformer model, long cacheBytes) {
        this(device.arena("rollout"), true, model, cacheBytes);
    }

    /** Generation in memory that serves other purposes between the calls; it is all given back. */
    public Rollout(Arena memory, Transformer model, long cacheBytes) {
        this(memory, false, model, cacheBytes);
    }

    private Rollout(Arena memory, boolean ownsMemory, Transformer model, long cacheBytes) {
        this.model = model;
        this.head = new LmHead(memory.device(), model.weights());
        this.memory = memory;
        this.ownsMemory = ownsMemory;
        this.prefillTokens = memory.device().info().isGpu() ? PREFILL_TOKENS_GPU
                : model.weights().isPacked() ? PREFILL_TOKENS_PACKED : PREFILL_TOKENS;
        this.cacheRows = cacheBytes / KvCache.bytesPerRow(model.config(), model.dtype());
    }

    /**
     * Draws {@code generations} completions for each prompt.
     *
     * @param stream   sets the noise of this call apart from that of others with the same seed, for instance the step
     * @param stop     polled before each token; once true, the call ends with {@link StopRequested}
     * @param listener told each token as it is drawn
     * @return a group for each prompt, in order
     */
    public List<Group> generate(List<int[]> prompts, int generations, Decoding decoding, long stream,
                                BooleanSupplier stop, TokenListener listener) {
        List<Completion> completions = new ArrayList<>();
        try (Arena call = memory.scope("generate")) {
            PackedWeights packed = model.weights().packed(call);
            for (Wave wave : Wave.plan(prompts, generations, decoding.maxLength(), stream, cacheRows)) {
                try (Arena scope = call.scope("wave")) {
                    run(wave, packed, decoding, stop, listener, scope);
                }
                wave.sequences().forEach(s -> completions.add(s.completion()));
            }
        }
        List<Group> groups = new ArrayList<>();
        for (int p = 0; p < prompts.size(); p++) {
            groups.add(new Group(prompts.get(p),
                    List.copyOf(completions.subList(p * generations, (p + 1) * generations))));
        }
        return groups;
    }

    private void run(Wave wave, PackedWeights packed, Decoding decoding, BooleanSupplier stop, TokenListener listener,
                     Arena scope) {
        KvCache cache = new KvCache(scope, model.config(), model.dtype(), wave.rows());
        for (List<Family> families : prefillBatches(wave.families())) {
            StopRequested.poll(stop);
            prefill(families, cache, packed, decoding, listener, scope);
        }
        List<GrowingSequence> growing = unfinished(wave.sequences(), decoding);
        DecodeBatch batch = new DecodeBatch(Math.max(1, growing.size()));
        while (!growing.isEmpty()) {
            StopRequested.poll(stop);
            batch.clear();
            for (GrowingSequence s : growing) {
                batch.add(s.lastToken(), s.promptStart, s.promptLength, s.ownStart, s.length());
            }
            try (Arena step = scope.scope("decode step")) {
                Tensor hidden = model.decode(batch, cache, packed, step);
                draw(hidden, null, growing, packed, decoding, listener, step);
            }
            growing = unfinished(growing, decoding);
        }
    }

    /** Computes prompts into the cache, and draws the first token of each of their completions. */
    private void prefill(List<Family> families, KvCache cache, PackedWeights packed, Decoding decoding,
                         TokenListener listener, Arena scope) {
        PackedBatch.Builder prompts = PackedBatch.builder();
        families.forEach(f -> prompts.prompt(f.prompt()));
        PackedBatch batch = prompts.build();
        int[] cacheRows = families.stream()
                .flatMapToInt(f -> IntStream.range(f.start(), f.start() + f.prompt().length)).toArray();
        int[] lastRows = IntStream.range(0, families.size())
                .flatMap(f -> IntStream.generate(() -> batch.promptLastRows()[f])
                        .limit(families.get(f).siblings().size())).toArray();
        List<GrowingSequence> starting = families.stream().flatMap(f -> f.siblings().stream()).toList();
        try (Arena step = scope.scope("prefill step")) {
            Tensor hidden = model.prefill(batch, cache, cacheRows, step);
            draw(hidden, lastRows, starting, packed, decoding, listener, step);
        }
    }

    /** As many prompts at a time as {@link #prefillTokens} allows, but one at least. */
    private List<List<Family>> prefillBatches(List<Family> families) {
        List<List<Family>> batches = new ArrayList<>();
        int from = 0;
        int tokens = 0;
        for (int i = 0; i < families.size(); i++) {
            int length = families.get(i).prompt().length;
            if (i > from && tokens + length > prefillTokens) {
                batches.add(families.subList(from, i));
                from = i;
                tokens = 0;
            }
            tokens += length;
        }
        batches.add(families.subList(from, families.size()));
        return batches;
    }

    /** Draws the next token of each sequence from a row of hidden states. */
    private void draw(Tensor hidden, int[] rows, List<GrowingSequence> sequences, PackedWeights packed,
                      Decoding decoding, TokenListener listener, Arena scope) {
        int n = sequences.size();
        long[] ids = sequences.stream().mapToLong(s -> s.id).toArray();
        int[] positions = sequences.stream().mapToInt(GrowingSequence::length).toArray();
        int[] tokens = new int[n];
        TokenStats stats = TokenStats.of(n);
        head.sample(hidden, rows, ids, positions, decoding.sampling(), decoding.certaintyTemperature(), packed, tokens,
                stats, scope);
        for (int i = 0; i < n; i++) {
            GrowingSequence s = sequences.get(i);
            s.add(tokens[i], stats.logprob()[i], stats.entropy()[i], stats.selfCertainty()[i],
                    decoding.stopTokens().contains(tokens[i]));
            listener.token(s.prompt, s.index, tokens[i]);
            if (listener.ends(s.prompt, s.index)) {
                s.end();
            }
        }
    }

    private static List<GrowingSequence> unfinished(List<GrowingSequence> sequences, Decoding decoding) {
        return sequences.stream().filter(s -> !s.finished(decoding.maxLength())).toList();
    }

    @Override
    public void close() {
        if (ownsMemory) {
            memory.close();
        }
    }
}
