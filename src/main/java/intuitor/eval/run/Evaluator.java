package intuitor.eval.run;

import intuitor.UserError;
import intuitor.device.Sampling;
import intuitor.eval.task.Problem;
import intuitor.eval.task.Task;
import intuitor.eval.task.Verdict;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.StopTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Answers a benchmark's problems with a model and judges the answers, a batch at a time. Batches are the same whatever was
 * done before, and their noise depends on the seed, the batch's number and the place in it alone: an evaluation that was
 * stopped and went on ends with the same lines as one that was not.
 */
public final class Evaluator implements AutoCloseable {

    private static final double CERTAINTY_TEMPERATURE = 1;

    private final EvaluatedModel model;
    private final Drawing drawing;
    /** Its threads live as long as this object: the sandbox ends with the thread that started it. */
    private final ExecutorService judges;
    private double generateSeconds;
    private double judgeSeconds;

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

    /** Time spent generating. */
    public double generateSeconds() {
        return generateSeconds;
    }

    /** Time spent on extraction and verdicts, in which nothing was generated. */
    public double judgeSeconds() {
        return judgeSeconds;
    }

    /** Completions of each problem. */
    int samples() {
        return drawing.numSamples();
    }

    /** Lines of a whole batch in the results' file. */
    int linesOfBatch() {
        return drawing.problemsAtOnce() * drawing.numSamples();
    }

    /** Goes on where the results end; returns when all problems are answered, or throws when {@code stop} asks for it. */
    public void run(Task task, List<Problem> problems, ResultsFile results, BooleanSupplier stop, Progress progress) {
        Prompting prompting = new Prompting(task.protocol(), model, drawing);
        Decoding decoding = decoding(prompting);
        int atOnce = drawing.problemsAtOnce();
        int all = problems.size() * drawing.numSamples();
        for (int from = results.results().size() / drawing.numSamples(); from < problems.size(); from += atOnce) {
            List<Problem> batch = problems.subList(from, Math.min(problems.size(), from + atOnce));
            results.append(answer(task, batch, from / atOnce, prompting, decoding, stop));
            progress.done(task.name(), results.results().size(), all, this);
        }
    }

    /** Answers problems without keeping the results in a file. */
    public List<Result> run(Task task, List<Problem> problems, BooleanSupplier stop) {
        Prompting prompting = new Prompting(task.protocol(), model, drawing);
        Decoding decoding = decoding(prompting);
        List<Result> results = new ArrayList<>();
        for (int from = 0; from < problems.size(); from += drawing.problemsAtOnce()) {
            List<Problem> batch = problems.subList(from, Math.min(problems.size(), from + drawing.problemsAtOnce()));
            results.addAll(answer(task, batch, from / drawing.problemsAtOnce(), prompting, decoding, stop));
        }
        return results;
    }

    private Decoding decoding(Prompting prompting) {
        Sampling sampling = new Sampling(drawing.temperature(), drawing.topK(), drawing.topP(), 0, model.tokenizer().vocabSize(),
                drawing.seed());
        return new Decoding(sampling, prompting.maxNewTokens(),
                StopTokens.of(model.config(), model.tokenizer(), prompting.encoder(), List.of()), CERTAINTY_TEMPERATURE);
    }

    private List<Result> answer(Task task, List<Problem> batch, int number, Prompting prompting, Decoding decoding,
                                BooleanSupplier stop) {
        long start = System.nanoTime();
        List<Prompting.Encoded> prompts = batch.stream().map(prompting::encode).toList();
        StopText stopText = new StopText(model.tokenizer(), task.protocol().stopStrings());
        List<Group> groups = model.rollout().generate(prompts.stream().map(Prompting.Encoded::tokens).toList(),
                drawing.numSamples(), decoding, number, stop, stopText);
        long generated = System.nanoTime();
        List<Callable<Result>> work = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            Problem problem = batch.get(i);
            Prompting.Encoded prompt = prompts.get(i);
            groups.get(i).completions().forEach(c -> work.add(() -> judged(problem, prompt, c, stopText)));
        }
        List<Result> results = all(work);
        generateSeconds += (generated - start) / 1e9;
        judgeSeconds += (System.nanoTime() - generated) / 1e9;
        return results;
    }

    private Result judged(Problem problem, Prompting.Encoded prompt, Completion c, StopText stopText) {
        String text = stopText.cut(model.tokenizer().decode(c.tokens()));
        Verdict verdict = problem.judge().apply(text);
        float[] certainty = c.selfCertainty();
        double mean = IntStream.range(0, certainty.length).mapToDouble(t -> certainty[t]).sum() / certainty.length;
        return new Result(problem.id(), problem.category(), c.index(), model.tokenizer().decode(prompt.tokens(), true), text,
                c.length(), c.stopped(), mean, prompt.shots(), prompt.cut(), verdict.answer(), problem.reference(),
                verdict.correct(), verdict.note());
    }

    private <T> List<T> all(List<Callable<T>> work) {
        try {
            List<T> results = new ArrayList<>();
            for (Future<T> f : judges.invokeAll(work)) {
                results.add(f.get());
            }
            return results;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void close() {
        judges.shutdownNow();
    }
}
