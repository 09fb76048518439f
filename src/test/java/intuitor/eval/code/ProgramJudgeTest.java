package intuitor.eval.code;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.PythonSandbox;
import intuitor.eval.sandbox.PythonValue;
import intuitor.eval.sandbox.Sandboxes;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgramJudgeTest {

    private static PythonSandbox sandbox;

    @BeforeAll
    static void open() {
        sandbox = Sandboxes.open(new Limits(2, 512L << 20, 32, 1L << 20));
    }

    @AfterAll
    static void close() {
        if (sandbox != null) {
            sandbox.close();
        }
    }

    private static String failure(String code, String function, TestCase... tests) {
        return new ProgramJudge(sandbox).judge(code, List.of(tests), function).reason();
    }

    @Test
    void allTestsMustPass() {
        String sum = "input()\nprint(sum(map(int, input().split())))";
        assertEquals(null, failure(sum, null, new TestCase("2\n1 2\n", "3\n"), new TestCase("1\n5", " 5 ")));
        assertEquals("test 2 of 3: line 1 is '5' instead of '6'",
                failure(sum, null, new TestCase("2\n1 2\n", "3\n"), new TestCase("1\n5", "6"), new TestCase("", "")));
        assertEquals("test 1 of 1: ValueError: invalid literal for int() with base 10: 'x'",
                failure(sum, null, new TestCase("1\nx", "")));
        assertEquals("test 1 of 1: timed out", failure("while True: pass", null, new TestCase("", "")));
        assertEquals("test 1 of 1: too much output", failure("print('x' * 2000000)", null, new TestCase("", "")));
        assertEquals("no code", failure(" \n", null, new TestCase("", "")));
    }

    @Test
    void valuesOfFunctions() {
        String code = "class Solution:\n    def f(self, x: List[int], k):\n        return tuple(y * k for y in x)";
        assertEquals(null, failure(code, "f", new TestCase("[1, 2]\n3", "[3, 6]"), new TestCase("[]\n3", "[]"),
                new TestCase("[1]\n0.5", "[0.5]")));
        assertEquals("test 1 of 1: the value is not '[3, 7]'", failure(code, "f", new TestCase("[1, 2]\n3", "[3, 7]")));
        assertEquals("test 1 of 1: AttributeError: 'Solution' object has no attribute 'g'",
                failure(code, "g", new TestCase("1", "1")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            1 2 3        | 1 2 3         | true
            '1  2 \\n'   | 1.0 2.00      | true
            1e2          | 100           | true
            0.1          | 0.10000000001 | false
            50000000000000000 | 50000000000000001 | false
            Yes          | YES           | false
            'a\\nb'      | 'a\\n b \\n'  | true
            'a\\n\\nb'   | 'a\\nb'       | false
            1            | 1 2           | false
            ''           | ''            | true
            1 x          | 1.0 x         | false
            1e999999999  | 1             | false
            """)
    void outputsAreComparedAsLiveCodeBenchDoes(String output, String expected, boolean equal) {
        assertEquals(equal, OutputComparison.difference(output.replace("\\n", "\n"), expected.replace("\\n", "\n"))
                .isEmpty());
    }

    /** Reading them as numbers would take hours. */
    @Test
    void millionsOfDigitsAreComparedInNoTime() {
        String digits = "7".repeat(16 << 20);
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            assertTrue(OutputComparison.difference(digits, "7").isPresent());
            assertTrue(OutputComparison.difference(digits, digits).isEmpty());
            assertFalse(PythonValue.equal(PythonValue.parse("[\"n\", \"" + digits + "\"]"), PythonValue.ofJson("7")));
        });
    }

    /** Eight million words in a heap that the list of their numbers would fill. */
    @Test
    void millionsOfWordsAndLinesTakeNoMemory() {
        String words = "1 ".repeat(8 << 20);
        assertTrue(OutputComparison.difference(words, words.replace("1 ", "1.")).isPresent());
        assertTrue(OutputComparison.difference(words, words.substring(2) + "1.0").isEmpty());
        assertEquals("printed 16777217 lines instead of 1 line",
                OutputComparison.difference("x" + "\n".repeat(16 << 20) + "x", "x").orElseThrow());
    }

    @Test
    void millionsOfObjectsAreNoValue() {
        PythonValue list = PythonValue.parse("[\"l\",[" + "[],".repeat(5 << 20) + "[]]]");
        assertEquals(new PythonValue.Text("o", ""), list);
        String numbers = String.join(",", Collections.nCopies(500_000, "[\"n\",\"1\"]"));
        assertTrue(PythonValue.equal(PythonValue.parse("[\"l\",[" + numbers + "]]"),
                PythonValue.ofJson("[" + "1,".repeat(499_999) + "1]")));
    }
}
