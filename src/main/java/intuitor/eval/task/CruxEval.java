package intuitor.eval.task;

import intuitor.data.DataFile;
import intuitor.data.Row;
import intuitor.eval.HeapBudget;
import intuitor.eval.sandbox.Execution;
import intuitor.eval.sandbox.Execution.Ending;
import intuitor.eval.sandbox.PythonJob;
import intuitor.eval.sandbox.PythonSandbox;
import intuitor.eval.sandbox.PythonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * CRUXEval (arXiv 2401.03065): 800 short Python functions. Output prediction asks what {@code f(input)} is, in
 * ZeroEval's prompt and JSON answer; input prediction asks for an input that gives the output.
 *
 * <p>An output is right if it is ZeroEval's text, or an expression of the right value (CRUXEval's own criterion: {@code
 * assert output == answer}); the note of the verdict tells the second kind, so that either can be counted.
 */
final class CruxEval implements Task {

    private static final String OUTPUT_QUESTION = "You are given a Python function and an assertion containing an "
            + "input to the function. Complete the assertion with a literal (no unsimplified expressions, no function "
            + "calls) containing the output when executing the provided code on the given input, even if the function "
            + "is incorrect or incomplete. \n\n[PYTHON]\n%s\nassert f(%s) == ??\n[/PYTHON]";
    private static final String INPUT_QUESTION = "You are given a Python function and an assertion containing an "
            + "output of the function. Find any input such that executing the function on the input leads to the given "
            + "output. There may be multiple answers, but you should only output one: the arguments of the call, as "
            + "literals. \n\n[PYTHON]\n%s\nassert f(??) == %s\n[/PYTHON]";
    /** ZeroEval's template for open questions. */
    private static final String TEMPLATE = """

            ## Question:\s

            %s


            ## Instruction\s

            Please answer this question by first reasoning and then providing your answer.
            Present your reasoning and solution in the following json format.\s
            Please show your final answer in the `answer` field, e.g.,`"answer": "42"`.

            ```json
            {
                "reasoning": "___",
                "answer": "___"
            }
            ```
            """;
    private static final int PUBLISHED_MAX_TOKENS = 4096;
    private static final int LONGEST_ANSWER = 10_000;

    private final PythonSandbox sandbox;
    private final boolean input;

    /** @param input whether inputs are asked for, rather than outputs */
    CruxEval(PythonSandbox sandbox, boolean input) {
        this.sandbox = sandbox;
        this.input = input;
    }

    @Override
    public String name() {
        return input ? "cruxeval_input" : "cruxeval";
    }

    @Override
    public Protocol protocol() {
        return new Protocol(PUBLISHED_MAX_TOKENS, List.of(), true);
    }

    @Override
    public List<Problem> problems(DataFolder data, int limit) {
        List<Problem> problems = new ArrayList<>();
        for (var file : data.files(List.of("cruxeval"),
                Pattern.compile("(data/)?(test[^/]*|cruxeval)\\.(jsonl|parquet)"), "cruxeval-org/cruxeval")) {
            for (Row row : DataFile.read(file)) {
                if (problems.size() < limit) {
                    problems.add(problem(row.text("id"), row.text("code"), row.text("input"), row.text("output")));
                }
            }
        }
        return problems;
    }

    private Problem problem(String id, String code, String argument, String output) {
        return input
                ? Problem.of(id, null, TEMPLATE.formatted(INPUT_QUESTION.formatted(code, output)), argument,
                        completion -> judgeInput(completion, code, output))
                : Problem.of(id, null, TEMPLATE.formatted(OUTPUT_QUESTION.formatted(code, argument)), output,
                        completion -> judgeOutput(completion, output));
    }

    private Verdict judgeOutput(String completion, String output) {
        Optional<String> found = JsonAnswer.of(completion);
        if (found.isEmpty()) {
            return new Verdict(null, false, "no answer found");
        }
        String answer = found.get();
        if (text(answer.replace("\n", "\\n")).equals(text(output))) {
            return new Verdict(answer, true, null);
        }
        boolean equal = answer.length() <= LONGEST_ANSWER && sameValue(PythonJob.expression("", answer), output);
        return new Verdict(answer, equal, equal ? "equal as a value, not as ZeroEval's text" : null);
    }

    private Verdict judgeInput(String completion, String code, String output) {
        Optional<String> found = JsonAnswer.of(completion);
        if (found.isEmpty() || found.get().length() > LONGEST_ANSWER) {
            return new Verdict(found.orElse(null), false, "no answer found");
        }
        String answer = found.get().strip();
        String call = answer.startsWith("f(") && answer.endsWith(")") ? answer : "f(" + answer + ")";
        return new Verdict(answer, sameValue(PythonJob.application(code, "f", call), output), null);
    }

    /** The answer and the right value are computed apart, so that no answer can meddle with the comparison. */
    private boolean sameValue(PythonJob answer, String output) {
        Execution a = sandbox.run(answer);
        if (a.ending() != Ending.FINISHED) {
            return false;
        }
        Execution b = sandbox.run(PythonJob.expression("", output));
        if (b.ending() != Ending.FINISHED) {
            return false;
        }
        try (HeapBudget.Lease lease = PythonValue.reserve(a.output().length() + b.output().length())) {
            return PythonValue.equal(PythonValue.parse(a.output()), PythonValue.parse(b.output()));
        }
    }

    /** ZeroEval's comparison leaves out the quotation marks around a text. */
    private static String text(String answer) {
        return answer.replaceAll("^['\"]+|['\"]+$", "");
    }

    @Override
    public boolean sameAnswer(String a, String b) {
        return text(a).equals(text(b));
    }
}
