package intuitor.reward;

import intuitor.UserError;
import intuitor.eval.code.FencedCode;
import intuitor.eval.code.ProgramJudge;
import intuitor.eval.code.TestCase;
import intuitor.eval.code.TestCases;
import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.PythonSandbox;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * The part of a problem's tests that a completion's program passes, as in Open R1: the Python between the completion's
 * last two fences, run on the standard input of each test. The reference answer holds the tests ({@link TestCases}).
 * Programs run in the sandbox, each within {@link Limits#CONTEST}.
 */
final class CodeTests implements Reward {

    private final Supplier<PythonSandbox> opener;
    private PythonSandbox sandbox;
    /** Judges several programs at once; its threads outlive every call to the sandbox, as that asks for. */
    private ExecutorService judges;

    CodeTests() {
        this(() -> PythonSandbox.open(Limits.CONTEST));
    }

    CodeTests(Supplier<PythonSandbox> opener) {
        this.opener = opener;
    }

    @Override
    public boolean needsAnswers() {
        return true;
    }

    @Override
    public void prepare() {
        sandbox = opener.get();
        judges = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    }

    @Override
    public double[] score(RewardContext context) {
        List<TestCase> tests = TestCases.read(context.answer(),
                "reward code: the answer of \"" + start(context.prompt()) + "\"");
        if (tests.isEmpty()) {
            throw new UserError("reward code: the answer of \"" + start(context.prompt()) + "\" has no test");
        }
        ProgramJudge judge = new ProgramJudge(sandbox);
        List<Future<Double>> shares = new ArrayList<>();
        for (String text : context.texts()) {
            shares.add(judges.submit(() -> passed(judge, FencedCode.last(text), tests)));
        }
        return shares.stream().mapToDouble(CodeTests::result).toArray();
    }

    private static double passed(ProgramJudge judge, String code, List<TestCase> tests) {
        if (code.isBlank()) {
            return 0;
        }
        return tests.stream().filter(t -> judge.judge(code, List.of(t), null).passed()).count() / (double) tests.size();
    }

    private static double result(Future<Double> share) {
        try {
            return share.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e.getCause());
        }
    }

    /** Enough of a prompt to find it by. */
    private static String start(String prompt) {
        return prompt.length() <= 60 ? prompt : prompt.substring(0, 60) + "...";
    }

    @Override
    public void close() {
        if (sandbox != null) {
            judges.shutdown();
            sandbox.close();
        }
    }
}
