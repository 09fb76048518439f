package intuitor.eval.code;

import intuitor.eval.HeapBudget;
import intuitor.eval.sandbox.Execution;
import intuitor.eval.sandbox.Execution.Ending;
import intuitor.eval.sandbox.PythonJob;
import intuitor.eval.sandbox.PythonSandbox;
import intuitor.eval.sandbox.PythonValue;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/** Runs a program's tests in the sandbox, one after the other, up to the first that fails. */
public final class ProgramJudge {

    /**
     * @param passed whether all tests passed
     * @param reason which test failed and how; null if none did
     */
    public record Result(boolean passed, String reason) { }

    private final PythonSandbox sandbox;

    public ProgramJudge(PythonSandbox sandbox) {
        this.sandbox = sandbox;
    }

    /**
     * @param function name of the function that the tests call; null: the program reads and writes the standard streams
     */
    public Result judge(String code, List<TestCase> tests, String function) {
        if (code.isBlank()) {
            return new Result(false, "no code");
        }
        for (int i = 0; i < tests.size(); i++) {
            TestCase test = tests.get(i);
            Execution e = sandbox.run(function == null ? PythonJob.script(code, test.input())
                    : PythonJob.call(code, function, test.input()));
            Optional<String> failure = e.ending() == Ending.FINISHED ? difference(e.output(), test.output(), function)
                    : Optional.of(described(e));
            if (failure.isPresent()) {
                return new Result(false, "test " + (i + 1) + " of " + tests.size() + ": " + failure.get());
            }
        }
        return new Result(true, null);
    }

    private static Optional<String> difference(String output, String expected, String function) {
        if (function == null) {
            return OutputComparison.difference(output, expected);
        }
        try (HeapBudget.Lease lease = PythonValue.reserve(output.length() + expected.length())) {
            return PythonValue.equal(PythonValue.parse(output).tupleAsList(), PythonValue.ofJson(expected))
                    ? Optional.empty()
                    : Optional.of("the value is not " + OutputComparison.shown(expected));
        } catch (JacksonException e) {
            return Optional.of("its expected value is not JSON: " + OutputComparison.shown(expected));
        }
    }

    private static String described(Execution e) {
        return switch (e.ending()) {
            case TIMED_OUT -> "timed out";
            case TOO_MUCH_OUTPUT -> "too much output";
            default -> e.complaint();
        };
    }
}
