package intuitor.eval.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.PythonSandbox;
import intuitor.eval.sandbox.Sandboxes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Prompts, extraction and verdicts of every benchmark, on small files in the data sets' own layouts. */
class TasksTest {

    private static final DataFolder DATA = new DataFolder(Path.of("src/test/resources/intuitor/eval/data"));
    private static final int ALL = Integer.MAX_VALUE;

    @TempDir
    Path folder;

    private static Task task(String name) {
        return Tasks.of(List.of(name), () -> {
            throw new AssertionError("no sandbox is needed");
        }).getFirst();
    }

    private static Verdict judge(Problem p, String completion) {
        return p.judge().apply(completion);
    }

    @Test
    void gsm8k() {
        List<Problem> problems = task("gsm8k").problems(DATA, ALL);
        assertEquals(4, problems.size());
        assertEquals("Question: It is 4 degrees and gets 9 degrees colder. How many degrees is it?\nAnswer:",
                problems.get(2).prompt().apply(0));
        assertEquals("-5", problems.get(2).reference());
        assertEquals(new Verdict("1,500", true, null), judge(problems.get(1), "75/50 = 1.5 and so on\n#### 1,500"));
        assertEquals(new Verdict("1500", true, null), judge(problems.get(1), "It is \\boxed{1500}."));
        assertEquals(new Verdict("15", false, null), judge(problems.get(1), "#### 15"));
        assertEquals(new Verdict(null, false, "no answer found"), judge(problems.get(1), "I do not know."));
        assertEquals(List.of("Question:"), task("gsm8k").protocol().stopStrings());
        assertEquals(2, task("gsm8k").problems(DATA, 2).size());
    }

    @Test
    void math500() {
        List<Problem> problems = task("math500").problems(DATA, ALL);
        assertEquals(3, problems.size());
        assertEquals("test/algebra/2.json", problems.get(1).id());
        assertEquals("Algebra", problems.get(1).category());
        String prompt = problems.get(1).prompt().apply(0);
        assertTrue(prompt.startsWith("Solve the following math problem efficiently and clearly.  The last line")
                && prompt.endsWith("Think step by step before answering.\n\nSolve $2x = 14$."), prompt);
        assertTrue(prompt.contains("'Therefore, the final answer is: $\\boxed{ANSWER}$. I hope it is correct'"),
                prompt);
        assertTrue(judge(problems.get(1), "Therefore, the final answer is: $\\boxed{7}$. I hope it is correct")
                .correct());
        assertTrue(judge(problems.get(0), "Therefore, the final answer is: $\\boxed{\\dfrac{10}{12}}$. I hope it is "
                + "correct").correct());
        assertFalse(judge(problems.get(1), "Therefore, the final answer is: $\\boxed{8}$. I hope it is correct")
                .correct());
    }

    @Test
    void mmluPro() {
        List<Problem> problems = task("mmlu_pro").problems(DATA, ALL);
        assertEquals(2, problems.get(0).shots());
        assertEquals("The following are multiple choice questions (with answers) about math. Think step by step and "
                + "then finish your answer with \"the answer is (X)\" where X is the correct letter choice.\n\n\n\n"
                + "Question:\nWhat is 7 + 8?\nOptions:\nA. 12\nB. 13\nC. 14\nD. 15\n"
                + "Answer: Let's think step by step. 7 + 8 = 15. The answer is (D).\n\n"
                + "Question:\nWhat is half of 10?\nOptions:\nA. 2\nB. 5\nAnswer: Let's think step by step.",
                problems.get(1).prompt().apply(1));
        assertTrue(problems.get(1).prompt().apply(2).contains("What is 6 * 7?"));
        assertFalse(problems.get(1).prompt().apply(0).contains("15"));
        assertFalse(task("mmlu_pro").protocol().chat());
        assertEquals(new Verdict("B", true, null), judge(problems.get(0), " 9 * 9 = 81. The answer is (B)."));
        assertEquals(new Verdict("C", false, null), judge(problems.get(0), "the answer is C"));
        Verdict lot = judge(problems.get(1), "no idea");
        assertEquals(lot, judge(problems.get(1), "none whatever"));
        assertTrue(lot.answer() == null && lot.note().matches("no answer found, drawn by lot: [AB]"), lot.note());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            the answer is (D). Or is the answer is (E)?     | D
            the answer is J                                 | J
            Answer: C is not bad, but Answer:  B            | B
            'first answer: A\\nAnswer: B'                   | A
            I would take (F), not G                         | G
            'B\\nor C.'                                     | C
            The ABC of it                                   |
            the answer is (K)                               |
            """)
    void lettersAreFoundByPriority(String completion, String letter) {
        assertEquals(letter, MmluPro.letter(completion.replace("\\n", "\n")).orElse(null));
    }

    @Test
    void alpacaEval() {
        List<Problem> problems = task("alpaca_eval").problems(DATA, ALL);
        assertEquals("Write a haiku about rain.", problems.get(2).prompt().apply(0));
        assertNull(judge(problems.get(2), "x").correct());
        assertTrue(AlpacaEval.baseline(DATA).endsWith("alpaca_eval/alpaca_eval_gpt4_baseline.json"));
    }

    @Test
    void liveCodeBench() {
        try (PythonSandbox sandbox = Sandboxes.open(Limits.CONTEST)) {
            List<Problem> problems = Tasks.of(List.of("livecodebench"), () -> sandbox).getFirst().problems(DATA, ALL);
            assertEquals(List.of("own_0", "own_1", "own_2"), problems.stream().map(Problem::id).toList());
            assertTrue(problems.get(0).prompt().apply(0).endsWith("writes output to STDOUT.\n```python\n# YOUR CODE "
                    + "HERE\n```\n\n"));
            assertTrue(problems.get(1).prompt().apply(0).endsWith("enclose your code within "
                    + "delimiters.\n```python\nclass Solution:\n    def longest(self, words: List[str], n: int) -> "
                    + "str:\n        \n```\n\n"));
            String sum = "input()\nprint(sum(map(float, input().split())))";
            assertEquals(new Verdict(sum, true, null),
                    judge(problems.get(0), "I think\n```python\n" + sum + "\n```\nis right."));
            assertEquals("test 3 of 3: ValueError: invalid literal for int() with base 10: '0.5'",
                    judge(problems.get(0), "```python\n" + sum.replace("float", "int") + "\n```").note());
            assertTrue(judge(problems.get(1), "```\nwrong\n```\n```python\nclass Solution:\n    def longest(self, "
                    + "words, n):\n        return max(words, key=len)\n```").correct());
            assertEquals(new Verdict("print(input())", true, null), judge(problems.get(2), "```\nprint(input())\n```"));
            assertEquals(new Verdict(null, false, "no code between fences"),
                    judge(problems.get(2), "```\nprint(input())"));
        }
    }

    @Test
    void cruxEval() {
        try (PythonSandbox sandbox = Sandboxes.open(Limits.CONTEST)) {
            List<Problem> problems = Tasks.of(List.of("cruxeval"), () -> sandbox).getFirst().problems(DATA, ALL);
            String prompt = problems.get(0).prompt().apply(0);
            assertTrue(prompt.startsWith("\n## Question: \n\nYou are given a Python function and an assertion")
                    && prompt.contains("\n\n[PYTHON]\ndef f(x):\n    return [y * 2 for y in x]\n"
                            + "assert f([1, 2]) == ??\n[/PYTHON]\n\n\n## Instruction \n\n"), prompt);
            assertTrue(prompt.endsWith("```json\n{\n    \"reasoning\": \"___\",\n    \"answer\": \"___\"\n}\n```\n"),
                    prompt);
            assertEquals(new Verdict("[2, 4]", true, null), judge(problems.get(0), "```json\n{\"reasoning\": \"r\", "
                    + "\"answer\": \"[2, 4]\"}\n```"));
            assertEquals(new Verdict("[2, 4]", true, null), judge(problems.get(0), "{\"answer\": [2, 4]}"));
            assertEquals("equal as a value, not as ZeroEval's text",
                    judge(problems.get(0), "{\"answer\": \"[2,4]\"}").note());
            assertEquals("equal as a value, not as ZeroEval's text",
                    judge(problems.get(2), "{\"answer\": \"{2: 'b', 1: 'a'}\"}").note());
            assertFalse(judge(problems.get(0), "{\"answer\": \"(2, 4)\"}").correct());
            assertFalse(judge(problems.get(0), "{\"answer\": \"f([1, 2])\"}").correct());
            assertTrue(judge(problems.get(1), "{\"answer\": \"AB\\n\"}").correct());
            assertTrue(judge(problems.get(1), "so \"answer\": \"'AB\\n'\"").correct());
            assertEquals(new Verdict(null, false, "no answer found"), judge(problems.get(1), "nothing"));
        }
    }

    @Test
    void cruxEvalInputs() {
        try (PythonSandbox sandbox = Sandboxes.open(Limits.CONTEST)) {
            List<Problem> problems = Tasks.of(List.of("cruxeval_input"), () -> sandbox).getFirst().problems(DATA, ALL);
            assertTrue(problems.get(0).prompt().apply(0).contains("\nassert f(??) == [2, 4]\n"));
            assertTrue(judge(problems.get(0), "{\"answer\": \"(1, 2)\"}").correct());
            assertTrue(judge(problems.get(0), "{\"answer\": \"f([1, 2])\"}").correct());
            assertFalse(judge(problems.get(0), "{\"answer\": \"[1]\"}").correct());
            assertFalse(judge(problems.get(0), "{\"answer\": \"[]) or ([2, 4]\"}").correct());
            assertFalse(judge(problems.get(0), "{\"answer\": \"f([]) or list((2, 4))\"}").correct());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"reasoning": "a {b} c", "answer": "1"} {"answer": "2"} | 1
            {"reasoning": "say "x"", "answer": "[1, 2]"}            | [1, 2]
            {"answer": null}                                        | None
            {"answer": [true, "it's", 1.5]}                         | [True, "it's", 1.5]
            {'answer': 3, x}                                        |
            answer: 42, or so                                       | 42
            {"answer": {"a": [1]}}                                  | {'a': [1]}
            """)
    void jsonAnswers(String completion, String answer) {
        assertEquals(answer, JsonAnswer.of(completion).orElse(null));
    }

    @Test
    void missingDataAreNamed() throws IOException {
        DataFolder empty = new DataFolder(folder);
        for (String name : List.of("gsm8k", "math500", "mmlu_pro", "alpaca_eval")) {
            UserError e = assertThrows(UserError.class, () -> task(name).problems(empty, ALL));
            assertTrue(e.getMessage().contains(folder + " has no folder "), e.getMessage());
        }
        Files.createDirectory(folder.resolve("GSM8K"));
        assertTrue(assertThrows(UserError.class, () -> task("gsm8k").problems(empty, ALL)).getMessage()
                .contains("does not hold the files of openai/gsm8k"));
        assertThrows(UserError.class, () -> new DataFolder(folder.resolve("none")));
        assertThrows(UserError.class, () -> Tasks.requireNames(List.of("gsm"), "--tasks"));
    }
}
