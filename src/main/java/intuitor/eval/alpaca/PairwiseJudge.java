package intuitor.eval.alpaca;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** Has pairs of answers judged, each in both orders, and keeps what has been judged, by each judge: it is paid for. */
public final class PairwiseJudge {

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
    private static final int POLL_MILLIS = 50;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

    private final JudgeSettings settings;
    private final Path file;
    private final Duration firstPause;

    /** @param file where judgements are kept, a line each */
    public PairwiseJudge(JudgeSettings settings, Path file) {
        this(settings, file, FIRST_PAUSE);
    }

    PairwiseJudge(JudgeSettings settings, Path file, Duration firstPause) {
        this.settings = settings;
        this.file = file;
        this.firstPause = firstPause;
    }

    /** The pairs that this judge has not judged yet. */
    public List<Pair> unjudged(List<Pair> pairs) {
        Map<Integer, Judgement> there = read();
        return pairs.stream().filter(p -> !there.containsKey(p.index())).toList();
    }

    /**
     * The judgements of all pairs, in their order; asks for those that are missing. When a stop is asked for it returns
     * those that there are, without waiting for answers under way.
     */
    public List<Judgement> judge(List<Pair> pairs, BooleanSupplier stop, IntConsumer progress) {
        Map<Integer, Judgement> judgements = read();
        List<Pair> todo = unjudged(pairs);
        ExecutorService pool = Executors.newFixedThreadPool(settings.parallel());
        try (JudgeClient client = new JudgeClient(settings, firstPause)) {
            CompletionService<Judgement> done = new ExecutorCompletionService<>(pool);
            todo.forEach(pair -> done.submit(() -> judgement(client, pair)));
            int left = todo.size();
            while (left > 0 && !stop.getAsBoolean()) {
                Future<Judgement> next = done.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (next != null) {
                    Judgement j = next.get();
                    judgements.put(j.index(), j);
                    append(j);
                    progress.accept(judgements.size());
                    left--;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } finally {
            pool.shutdownNow();
        }
        return pairs.stream().map(p -> judgements.get(p.index())).filter(j -> j != null).toList();
    }

    private Judgement judgement(JudgeClient client, Pair p) throws InterruptedException {
        OptionalDouble baselineFirst = client.preferenceForFirst(p.instruction(), p.baseline(), p.output());
        OptionalDouble modelFirst = client.preferenceForFirst(p.instruction(), p.output(), p.baseline());
        return new Judgement(p.index(), settings.model(),
                baselineFirst.isPresent() ? (Double) (1 - baselineFirst.getAsDouble()) : null,
                modelFirst.isPresent() ? (Double) modelFirst.getAsDouble() : null,
                p.output().codePointCount(0, p.output().length()),
                p.baseline().codePointCount(0, p.baseline().length()));
    }

    /** This judge's, by pair. */
    private Map<Integer, Judgement> read() {
        Map<Integer, Judgement> judgements = new TreeMap<>();
        all().stream().filter(j -> settings.model().equals(j.judge())).forEach(j -> judgements.put(j.index(), j));
        return judgements;
    }

    /** Those of all judges that this file has seen. */
    private List<Judgement> all() {
        List<Judgement> judgements = new ArrayList<>();
        if (!Files.exists(file)) {
            return judgements;
        }
        try {
            for (String line : Files.readAllLines(file)) {
                judgements.add(JSON.readValue(line, Judgement.class));
            }
            return judgements;
        } catch (IOException | JacksonException e) {
            throw new UserError(file + " is damaged; remove it to have all pairs judged again", e);
        }
    }

    /** Whole files only: some hundred lines. */
    private void append(Judgement judgement) {
        List<Judgement> all = all();
        all.add(judgement);
        StringBuilder lines = new StringBuilder();
        all.forEach(j -> lines.append(JSON.writeValueAsString(j)).append('\n'));
        AtomicFiles.writeString(file, lines.toString());
    }
}
