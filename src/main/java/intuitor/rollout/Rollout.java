package intuitor.rollout;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.HeadForward;
import intuitor.device.Tensor;
import intuitor.model.DecodeBatch;
import intuitor.model.KvCache;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.PackedWeights;
import intuitor.model.RepetitionPenalty;
import intuitor.model.TokenStats;
import intuitor.model.Transformer;
import intuitor.rollout.Scheduler.Growing;
import intuitor.rollout.Scheduler.Prefill;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Generates completions with the cached keys and values of all tokens so far.
 *
 * <p>A prompt is computed once and its pages of the cache are shared by its siblings. All completions for which there
 * is room grow together ({@link Scheduler}), on a GPU by some tokens at a time ({@link DecodeRun}); those that have
 * ended then leave the batch, and others enter. Log-probability, entropy and self-certainty of each token come out of
 * the kernel that draws it.
 *
 * <p>What is drawn depends on the seed, the stream, the prompt's and the completion's place and the position alone, and
 * on the logits. On a CPU these have the same bits whatever else is in the batch, and whether a completion gave up its
 * place for a while: so has everything that is returned. On a GPU their last bit may depend on the size of the batch.
 */
public final class Rollout implements AutoCloseable {

    /** Tokens of a page: as many keys as the tensor cores take at once, and few enough to waste little at the ends. */
    public static final int PAGE_SIZE = 16;
    /** Completions that grow together; a larger batch is no faster a token. */
    public static final int MAX_SEQUENCES = 1024;
    /**
     * Prompt tokens computed at once: enough for efficient GEMMs, little beside the cache and, on a CPU, the weights.
     */
    private static final int PREFILL_TOKENS = 256;
    private static final int PREFILL_TOKENS_GPU = 4096;
    /**
     * Steps that a device makes without the host. On a GPU each reading and the uploads that follow leave it idle, for
     * about as long as a short step takes: a sixteenth of that is little. And so are the eight steps, on average, that
     * a completion of some hundreds of tokens waits at its end. A CPU is its own host.
     */
    private static final int STEPS = 1;
    private static final int STEPS_GPU = 16;

    private final Transformer model;
    private final Function<Arena, PackedWeights> matrices;
    private final LmHead head;
    private final Arena memory;
    private final boolean ownsMemory;
    private final long cacheBytes;
    private final int pageSize;
    private final int prefillTokens;
    private final int maxSteps;
    private final boolean usesGraphs;
    private long preemptions;
    private long graphsRecorded;

    /** @param cacheBytes memory for keys and values; what does not fit waits */
    public Rollout(Device device, Transformer model, long cacheBytes) {
        this(device, model, HeadForward.Kind.TILED, cacheBytes);
    }

    /**
     * @param lmHead that tokens are drawn by; fused only where all may be drawn
     * @throws UserError if the device has no such head for this model
     */
    public Rollout(Device device, Transformer model, HeadForward.Kind lmHead, long cacheBytes) {
        this(device.arena("rollout"), true, model, model.weights()::packed, lmHead, cacheBytes, PAGE_SIZE,
                steps(device));
    }

    /**
     * Generation in memory that serves other purposes between the calls; it is all given back.
     *
     * @param matrices makes, for each call, the matrices to multiply by, in the arena that it is given
     */
    public Rollout(Arena memory, Transformer model, Function<Arena, PackedWeights> matrices, HeadForward.Kind lmHead,
                   long cacheBytes) {
        this(memory, false, model, matrices, lmHead, cacheBytes, PAGE_SIZE, steps(memory.device()));
    }

    /** The same, by the model's own weights. */
    public Rollout(Arena memory, Transformer model, HeadForward.Kind lmHead, long cacheBytes) {
        this(memory, model, model.weights()::packed, lmHead, cacheBytes);
    }

    /** With pages of another size, and another number of steps that the device makes without the host. */
    Rollout(Device device, Transformer model, long cacheBytes, int pageSize, int maxSteps) {
        this(device.arena("rollout"), true, model, model.weights()::packed, HeadForward.Kind.TILED, cacheBytes,
                pageSize, maxSteps);
    }

    Rollout(Arena memory, boolean ownsMemory, Transformer model, Function<Arena, PackedWeights> matrices,
            HeadForward.Kind lmHead, long cacheBytes, int pageSize, int maxSteps) {
        this.model = model;
        this.matrices = matrices;
        this.head = new LmHead(memory.device(), model.weights(), lmHead);
        this.memory = memory;
        this.ownsMemory = ownsMemory;
        this.cacheBytes = cacheBytes;
        this.pageSize = pageSize;
        this.prefillTokens = prefillTokens(memory.device().info().isGpu());
        this.maxSteps = maxSteps;
        this.usesGraphs = memory.device().usesGraphs();
    }

    private static int steps(Device device) {
        return device.info().isGpu() ? STEPS_GPU : STEPS;
    }

    /** Prompt tokens computed at once, unless one prompt has more. */
    public static int prefillTokens(boolean gpu) {
        return gpu ? PREFILL_TOKENS_GPU : PREFILL_TOKENS;
    }

    /**
     * Draws {@code generations} completions for each prompt.
     *
     * @param stream   sets the noise of this call apart from that of others with the same seed, for instance the step
     * @param stop     polled before each token, on a GPU before each few; once true, the call ends with {@link
     *                 StopRequested}
     * @param listener told each token when it was drawn
     * @return a group for each prompt, in order
     */
    public List<Group> generate(List<int[]> prompts, int generations, Decoding decoding, long stream,
                                BooleanSupplier stop, TokenListener listener) {
        List<SharedPrompt> shared = new ArrayList<>();
        for (int p = 0; p < prompts.size(); p++) {
            SharedPrompt prompt = new SharedPrompt(prompts.get(p));
            for (int g = 0; g < generations; g++) {
                prompt.add(new GrowingSequence(p, g, SequenceId.of(stream, p, g), prompt));
            }
            shared.add(prompt);
        }
        generate(shared, decoding, stop, listener);
        return IntStream.range(0, prompts.size()).mapToObj(p -> new Group(prompts.get(p),
                shared.get(p).siblings().stream().map(GrowingSequence::completion).toList())).toList();
    }

    /** The same, with nobody who listens but for the decoding's stop strings. */
    public List<Group> generate(List<int[]> prompts, int generations, Decoding decoding, long stream,
                                BooleanSupplier stop) {
        return generate(prompts, generations, decoding, stream, stop, decoding.stopStrings().listener());
    }

    /** Lets the completions of these prompts grow to their ends. */
    void generate(List<SharedPrompt> prompts, Decoding decoding, BooleanSupplier stop, TokenListener listener) {
        try (Arena call = memory.scope("generate")) {
            Call work = new Call(call, prompts, decoding, stop, listener);
            try (DecodeGraphs graphs = new DecodeGraphs()) {
                work.run(graphs);
            }
        }
    }

    /** How often a completion gave up its place in the cache before it had ended, in all calls. */
    long preemptions() {
        return preemptions;
    }

    /** How many steps were recorded as graphs, in all calls. */
    long graphsRecorded() {
        return graphsRecorded;
    }

    /** One call of {@link #generate}: what all its steps need. */
    private final class Call {

        private final Arena scope;
        private final Decoding decoding;
        private final BooleanSupplier stop;
        private final TokenListener listener;
        private final Scheduler scheduler;
        private final PackedWeights packed;
        private final KvCache cache;
        private final DecodeBatch batch = new DecodeBatch(pageSize);
        private final int idlePage;
        private final int steps;

        Call(Arena scope, List<SharedPrompt> prompts, Decoding decoding, BooleanSupplier stop, TokenListener listener) {
            this.scope = scope;
            this.decoding = decoding;
            this.stop = stop;
            this.listener = listener;
            List<GrowingSequence> sequences = prompts.stream().flatMap(p -> p.siblings().stream()).toList();
            packed = matrices.apply(scope);
            int pages = pages(prompts, sequences.size());
            cache = new KvCache(scope, model.config(), model.dtype(), usesGraphs ? pages + 1 : pages, pageSize);
            idlePage = pages;
            PagePool pool = new PagePool(pages, pageSize);
            scheduler = new Scheduler(sequences, pool, decoding.maxLength(), MAX_SEQUENCES);
            // the tokens to penalise are gathered here
            steps = decoding.repetitionPenalty() == 1 ? Math.min(maxSteps, listener.maxDelay()) : 1;
        }

        /** As many as are ever needed at once or, if that is less, fit the cache; but enough for any one completion. */
        private int pages(List<SharedPrompt> prompts, int sequences) {
            long own = pages(decoding.maxLength() - 1);
            long largest = prompts.stream().mapToLong(p -> pages(p.tokens.length)).max().orElse(0) + own;
            long all = prompts.stream().mapToLong(p -> pages(p.tokens.length)).sum() + own * sequences;
            long wanted = Math.min(all, largest * MAX_SEQUENCES);
            long room = cacheBytes / (KvCache.bytesPerRow(model.config(), model.dtype()) * pageSize);
            long pages = Math.max(largest, Math.min(wanted, room));
            return (int) Math.min(pages, Integer.MAX_VALUE / pageSize - 1);
        }

        private long pages(int tokens) {
            return (tokens + pageSize - 1) / pageSize;
        }

        void run(DecodeGraphs graphs) {
            while (!scheduler.isDone()) {
                StopRequested.poll(stop);
                List<Prefill> work = scheduler.admit(prefillTokens);
                for (List<Prefill> part : parts(work)) {
                    StopRequested.poll(stop);
                    prefill(part);
                }
                if (!work.isEmpty()) {
                    scheduler.retire(); // a first token may be the last one
                }
                Growing growing = scheduler.makeRoom(steps);
                if (!growing.sequences().isEmpty()) {
                    StopRequested.poll(stop);
                    decode(growing, graphs);
                    scheduler.retire();
                }
            }
            preemptions += scheduler.preemptions();
            graphsRecorded += graphs.recorded();
        }

        private void decode(Growing growing, DecodeGraphs graphs) {
            List<GrowingSequence> sequences = growing.sequences();
            boolean recorded = usesGraphs && steps > 1;
            DecodeBucket bucket = !recorded ? DecodeBucket.exact(sequences, growing.steps(), decoding.maxLength())
                    : DecodeBucket.rounded(sequences, growing.steps(), steps, decoding.maxLength(),
                            scope.device().blas(), model.config());
            try (Arena memory = scope.scope("decode run")) {
                DecodeRun run = new DecodeRun(memory, model, sequences, growing.steps(), decoding, bucket, batch,
                        idlePage);
                RepetitionPenalty repetition = repetition(sequences);
                Runnable step = () -> run.step(model, head, cache, packed, repetition);
                if (recorded) {
                    graphs.make(bucket, growing.steps(), memory, step);
                } else {
                    IntStream.range(0, growing.steps()).forEach(i -> step.run());
                }
                run.finish(this::grow);
            }
        }

        /**
         * Computes prompts into the cache, and draws the first token of each of their completions if that is to be
         * done.
         */
        private void prefill(List<Prefill> part) {
            PackedBatch.Builder builder = PackedBatch.builder();
            IntStream.Builder cacheRows = IntStream.builder();
            for (Prefill p : part) {
                builder.prompt(p.prompt().tokens, p.begun().stream().map(GrowingSequence::seenTokens).toList());
                addRows(cacheRows, p.prompt().pages(), p.prompt().tokens.length);
                p.begun().forEach(s -> addRows(cacheRows, s.pages(), s.length() - 1));
            }
            PackedBatch batch = builder.build();
            List<GrowingSequence> starting = new ArrayList<>();
            IntStream.Builder lastRows = IntStream.builder();
            for (int i = 0; i < part.size(); i++) {
                if (part.get(i).isFirst()) {
                    for (GrowingSequence s : part.get(i).prompt().siblings()) {
                        starting.add(s);
                        lastRows.add(batch.promptLastRows()[i]);
                    }
                    part.get(i).prompt().begin();
                }
            }
            try (Arena step = scope.scope("prefill step")) {
                Tensor hidden = model.prefill(batch, cache, cacheRows.build().toArray(), packed, step);
                if (!starting.isEmpty()) {
                    draw(hidden, lastRows.build().toArray(), starting, step);
                }
            }
        }

        private RepetitionPenalty repetition(List<GrowingSequence> sequences) {
            if (decoding.repetitionPenalty() == 1) {
                return null;
            }
            IntStream.Builder tokens = IntStream.builder();
            int[] offsets = new int[sequences.size() + 1];
            for (int i = 0; i < sequences.size(); i++) {
                int[] present = sequences.get(i).distinctTokens();
                Arrays.stream(present).forEach(tokens::add);
                offsets[i + 1] = offsets[i] + present.length;
            }
            return new RepetitionPenalty(decoding.repetitionPenalty(), tokens.build().toArray(), offsets);
        }

        private void addRows(IntStream.Builder rows, int[] pages, int tokens) {
            for (int i = 0; i < tokens; i++) {
                rows.add(DecodeBatch.row(pages, i, pageSize));
            }
        }

        /** As much at a time as {@link #prefillTokens} allows, but one at least. */
        private List<List<Prefill>> parts(List<Prefill> work) {
            List<List<Prefill>> parts = new ArrayList<>();
            int tokens = 0;
            for (Prefill p : work) {
                if (parts.isEmpty() || tokens + p.tokens() > prefillTokens) {
                    parts.add(new ArrayList<>());
                    tokens = 0;
                }
                parts.getLast().add(p);
                tokens += p.tokens();
            }
            return parts;
        }

        /** Draws the next token of each sequence from a row of hidden states. */
        private void draw(Tensor hidden, int[] rows, List<GrowingSequence> sequences, Arena step) {
            int n = sequences.size();
            long[] ids = sequences.stream().mapToLong(s -> s.id).toArray();
            int[] positions = sequences.stream().mapToInt(GrowingSequence::length).toArray();
            int[] tokens = new int[n];
            TokenStats stats = TokenStats.of(n);
            head.sample(hidden, rows, ids, positions, decoding.sampling(), decoding.certaintyTemperature(),
                    repetition(sequences), packed, tokens, stats, step);
            for (int i = 0; i < n; i++) {
                grow(sequences.get(i), tokens[i], stats.logprob()[i], stats.entropy()[i], stats.selfCertainty()[i]);
            }
        }

        private void grow(GrowingSequence s, int token, float logprob, float entropy, float selfCertainty) {
            s.add(token, logprob, entropy, selfCertainty, decoding.stopTokens().contains(token));
            listener.token(s.prompt, s.index, token);
            if (listener.ends(s.prompt, s.index)) {
                s.end();
            }
        }
    }

    @Override
    public void close() {
        if (ownsMemory) {
            memory.close();
        }
    }
}
