package intuitor.eval.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.checkpoint.ModelFolder;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.eval.task.DataFolder;
import intuitor.eval.task.Problem;
import intuitor.eval.task.Protocol;
import intuitor.eval.task.Task;
import intuitor.eval.task.Verdict;
import intuitor.model.InferenceWeights;
import intuitor.model.ModelConfig;
import intuitor.model.Transformer;
import intuitor.rollout.Rollout;
import intuitor.rollout.StopRequested;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Stops and failures in the midst of an evaluation; the model that comes along answers. */
class EvaluatorTest {

    private static final Path MODEL = Path.of("models/arithmetic-1m");
    private static final int PROBLEMS = 6;
    private static final int BATCH = 2;
    /** Only a test that hangs takes as long. */
    private static final int HUNG_SECONDS = 120;

    @TempDir
    Path folder;

    private Device device;
    private Transformer transformer;
    private Evaluator evaluator;

    @BeforeEach
    void openTheModel() {
        device = Device.open("cpu", 1);
        try (ModelFolder files = ModelFolder.open(MODEL)) {
            ModelConfig config = ModelConfig.read(MODEL);
            transformer = new Transformer(device, InferenceWeights.load(device, config, DType.F32, files));
            Tokenizer tokenizer = Tokenizer.load(MODEL);
            PromptEncoder plain = new PromptEncoder(tokenizer, null, null, LocalDate.EPOCH);
            evaluator = new Evaluator(
                    new EvaluatedModel(new Rollout(device, transformer, 1 << 20), config, tokenizer, plain, plain),
                    new Drawing(1, 1, 0, 1, 7, 8, BATCH));
        }
    }

    @AfterEach
    void close() {
        evaluator.close();
        transformer.close();
        device.close();
    }

    /** Sums; how they are judged is the test's. */
    private static Task task(Function<Integer, Function<String, Verdict>> judge) {
        return new Task() {

            @Override
            public String name() {
                return "sums";
            }

            @Override
            public Protocol protocol() {
                return new Protocol(8, List.of(), false);
            }

            @Override
            public List<Problem> problems(DataFolder data, int limit) {
                return IntStream.range(0, PROBLEMS).mapToObj(i -> new Problem("" + i, null, shots -> i + " + 1 =", 0,
                        "" + (i + 1), judge.apply(i))).toList();
            }

            @Override
            public boolean sameAnswer(String a, String b) {
                return a.equals(b);
            }
        };
    }

    private static Verdict wrong(String completion) {
        return new Verdict(completion, false, null);
    }

    private void run(Task task, ResultsFile results, AtomicBoolean stop) {
        evaluator.run(task, task.problems(null, PROBLEMS), results, stop::get, (t, done, of, e) -> { });
    }

    private ResultsFile results() {
        return ResultsFile.open(folder.resolve("completions.jsonl"), BATCH, PROBLEMS);
    }

    /**
     * A verdict of the second batch takes for ever, as a program may that waits; then a stop is asked for. What is
     * whole is kept, the verdict's thread is told to end, and the next sitting comes to the same lines.
     */
    @Test
    @Timeout(HUNG_SECONDS)
    void aStopDoesNotWaitForAVerdict() throws InterruptedException {
        Task prompt = task(i -> EvaluatorTest::wrong);
        List<Result> undisturbed = evaluator.run(prompt, prompt.problems(null, PROBLEMS), () -> false);
        AtomicBoolean stop = new AtomicBoolean();
        CountDownLatch ended = new CountDownLatch(1);
        Task stuck = task(i -> i != BATCH ? EvaluatorTest::wrong : completion -> {
            stop.set(true);
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException e) {
                ended.countDown();
            }
            return wrong(completion);
        });
        try (ResultsFile results = results()) {
            assertThrows(StopRequested.class, () -> run(stuck, results, stop));
            ended.await();
            assertEquals(undisturbed.subList(0, BATCH), results.results());
        }
        try (ResultsFile results = results()) {
            run(prompt, results, new AtomicBoolean());
            assertEquals(undisturbed, results.results());
        }
    }

    /** A stop that comes while the last verdict is given loses nothing. */
    @Test
    void aStopAtTheEndLosesNothing() {
        AtomicBoolean stop = new AtomicBoolean();
        Task last = task(i -> completion -> {
            stop.set(i == PROBLEMS - 1);
            return wrong(completion);
        });
        try (ResultsFile results = results()) {
            run(last, results, stop);
            assertEquals(PROBLEMS, results.results().size());
        }
    }

    @Test
    void aVerdictThatFailsFailsTheEvaluation() {
        Task broken = task(i -> completion -> {
            throw new IllegalStateException("problem " + i);
        });
        try (ResultsFile results = results()) {
            assertEquals("problem 0", assertThrows(IllegalStateException.class,
                    () -> run(broken, results, new AtomicBoolean())).getMessage());
            assertEquals(List.of(), results.results());
        }
    }
}
