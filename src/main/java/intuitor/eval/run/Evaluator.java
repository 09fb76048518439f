package intuitor.eval.run;

import intuitor.UserError;
import intuitor.device.Sampling;
import intuitor.eval.task.Problem;
import intuitor.eval.task.Task;
import intuitor.eval.task.Verdict;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.StopRequested;
import intuitor.rollout.StopStrings;
import intuitor.rollout.StopText;
import intuitor.rollout.StopTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Answers a benchmark's problems with a model and judges the answers, a batch at a time. Batches are the same whatever
 * was done before, and their noise depends on the seed, the batch's number and the place in it alone: an evaluation
 * that was stopped and went on ends with the same lines as one that was not.
 */
public final class Evaluator implements AutoCloseable {

    private static final double CERTAINTY_TEMPERATURE = 1;
    private static final int POLL_MILLIS = 50;
    private static final int MILLIS_AFTER_STOP = 500;

    private final EvaluatedModel model;
    private final Drawing drawing;
    /** Its threads live as long as this object: the sandbox ends with the thread that started it. */
    private final ExecutorService judges;
    private Times times = Times.NONE;

    /** Hears after each batch how many completions of how many are done. */
    @FunctionalInterface
    public interface Progress {
        void done(String task, int completions, int of, Evaluator evaluator);
    }

    public Evaluator(EvaluatedModel model, Drawing drawing) {
        this.model = model;
        this.drawing = drawing;
        this.judges = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors(), work -> {
            Thread thread = new Thread(work, "judge");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** What it has taken so far. */
    public Times times() {
        return times;
    }

    /** Completions of each problem. */
    int samples() {
        return drawing.numSamples();
    }

    /** Lines of a whole batch in the results' file. */
    int linesOfBatch() {
        return drawing.problemsAtOnce() * drawing.numSamples();
    }

    /**
     * Goes on where the results end; returns when all problems are answered, or throws when {@code stop} asks for it.
     */
    public void run(Task task, List<Problem> problems, ResultsFile results, BooleanSupplier stop, Progress progress) {
        int all = problems.size() * drawing.numSamples();
        run(task, problems, results.results().size() / drawing.numSamples(), stop, batch -> {
            results.append(batch);
            progress.done(task.name(), results.results().size(), all, this);
        });
    }

    /** Answers problems without keeping the results in a file. */
    public List<Result> run(Task task, List<Problem> problems, BooleanSupplier stop) {
        List<Result> results = new ArrayList<>();
        run(task, problems, 0, stop, results::addAll);
        return results;
    }

    /** A batch is judged while the next one is generated. */
    private void run(Task task, List<Problem> problems, int from, BooleanSupplier stop, Consumer<List<Result>> sink) {
        Prompting prompting = new Prompting(task.protocol(), model, drawing);
        Decoding decoding = decoding(prompting);
        int atOnce = drawing.problemsAtOnce();
        List<Future<Result>> judging = List.of();
        for (int at = from; at < problems.size(); at += atOnce) {
            List<Problem> batch = problems.subList(at, Math.min(problems.size(), at + atOnce));
            List<Future<Result>> next;
            try {
                next = answer(task, batch, at / atOnce, prompting, decoding, stop);
            } catch (StopRequested e) {
                finish(judging, stop, sink);
                throw e;
            }
            try {
                finish(judging, stop, sink);
            } catch (RuntimeException e) {
                next.forEach(f -> f.cancel(true));
                throw e;
            }
            judging = next;
        }
        finish(judging, stop, sink);
    }

    /**
     * Waits for the verdicts of a batch, if there is one. When a stop is asked for, they have a moment more; a batch
     * that is not whole by then is left out.
     */
    private void finish(List<Future<Result>> judging, BooleanSupplier stop, Consumer<List<Result>> sink) {
        if (judging.isEmpty()) {
            return;
        }
        long start = System.nanoTime();
        List<Result> results = new ArrayList<>();
        try {
            for (Future<Result> f : judging) {
                results.add(verdict(f, stop));
            }
        } catch (StopRequested e) {
            judging.forEach(f -> f.cancel(true));
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof OutOfMemoryError) {
                throw new UserError("judging ran out of the Java heap: give it more, as in JAVA_TOOL_OPTIONS=-Xmx8g",
                        e);
            }
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
        times = times.plus(new Times(0, (System.nanoTime() - start) / 1e9));
        sink.accept(results);
    }

    private Result verdict(Future<Result> judging, BooleanSupplier stop)
            throws InterruptedException, ExecutionException {
        long stopped = Long.MAX_VALUE;
        while (true) {
            try {
                return judging.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                if (stop.getAsBoolean()) {
                    stopped = Math.min(stopped, System.nanoTime());
                    if (System.nanoTime() - stopped > TimeUnit.MILLISECONDS.toNanos(MILLIS_AFTER_STOP)) {
                        throw new StopRequested();
                    }
                }
            }
        }
    }

    private Decoding decoding(Prompting prompting) {
        Sampling sampling = new Sampling(drawing.temperature(), drawing.topK(), drawing.topP(), 0,
                model.tokenizer().vocabSize(), drawing.seed());
        return new Decoding(sampling, prompting.maxNewTokens(),
                StopTokens.of(model.config(), model.tokenizer(), prompting.encoder(), List.of()),
                CERTAINTY_TEMPERATURE);
    }

    private List<Future<Result>> answer(Task task, List<Problem> batch, int number, Prompting prompting,
                                        Decoding decoding, BooleanSupplier stop) {
        long start = System.nanoTime();
        List<Prompting.Encoded> prompts = batch.stream().map(prompting::encode).toList();
        StopText stopText = new StopText(new StopStrings(model.tokenizer(), task.protocol().stopStrings()));
        List<Group> groups = model.rollout().generate(prompts.stream().map(Prompting.Encoded::tokens).toList(),
                drawing.numSamples(), decoding, number, stop, stopText);
        times = times.plus(new Times((System.nanoTime() - start) / 1e9, 0));
        List<Future<Result>> judging = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            Problem problem = batch.get(i);
            Prompting.Encoded prompt = prompts.get(i);
            groups.get(i).completions()
                    .forEach(c -> judging.add(judges.submit(() -> judged(problem, prompt, c, stopText))));
        }
        return judging;
    }

    private Result judged(Problem problem, Prompting.Encoded prompt, Completion c, StopText stopText) {
        String text = stopText.of(c);
        Verdict verdict = problem.judge().apply(text);
        float[] certainty = c.selfCertainty();
        double mean = IntStream.range(0, certainty.length).mapToDouble(t -> certainty[t]).sum() / certainty.length;
        return new Result(problem.id(), problem.category(), c.index(), model.tokenizer().decode(prompt.tokens(), true),
                text, c.length(), c.stopped(), mean, prompt.shots(), prompt.cut(), verdict.answer(),
                problem.reference(), verdict.correct(), verdict.note());
    }

    /** Ends what is still judged, and its programs. */
    @Override
    public void close() {
        judges.shutdownNow();
        try {
            judges.awaitTermination(MILLIS_AFTER_STOP, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
