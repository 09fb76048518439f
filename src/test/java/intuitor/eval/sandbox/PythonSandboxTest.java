package intuitor.eval.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.eval.sandbox.Execution.Ending;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PythonSandboxTest {

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

    private static Execution script(String code, String input) {
        return sandbox.run(PythonJob.script(code, input));
    }

    @Test
    void aScriptReadsItsInputAndPrints() {
        Execution e = script("n = int(input())\nprint(sum(map(int, input().split())) * n)\n"
                + "import sys\nprint(sys.stdin.read())",
                "2\n3 4\nrest äöü \n\n");
        assertEquals(new Execution(Ending.FINISHED, "14\nrest äöü \n\n\n", "", e.seconds()), e);
    }

    @Test
    void theUsualModulesAreThereWithoutImport() {
        assertEquals("3 [1, 2] Counter({'a': 2}) 4\n", script("h = [2, 1]\nheapify(h)\nprint(gcd(9, 6), h, "
                + "Counter('aa'), pow(2, 2))", "")
                .output());
    }

    @Test
    void mainIsMainAndExitIsNoFailure() {
        assertEquals("x\n", script("import sys\nif __name__ == '__main__':\n    print('x')\n    sys.exit(3)", "")
                .output());
    }

    @Test
    void inputOfManyMegabytes() {
        String input = "1 ".repeat(2_000_000);
        assertEquals("2000000\n", script("print(sum(map(int, input().split())))", input).output());
    }

    @Test
    void anExceptionIsAFailureAndItsLastLineTheComplaint() {
        Execution e = script("print('before')\n[][0]", "");
        assertEquals(Ending.FAILED, e.ending());
        assertEquals("IndexError: list index out of range", e.complaint());
    }

    @Test
    void syntaxErrorsAndStackOverflowsAreFailures() {
        assertEquals(Ending.FAILED, script("def f(:\n", "").ending());
        assertTrue(script("def f(n):\n    return f(n + 1)\nf(0)", "").error().contains("RecursionError"));
    }

    @Test
    void deepRecursionAndThreadsWork() {
        assertEquals("20000\n", script("""
                import threading
                threading.stack_size(64 * 1024 * 1024)
                def f(n):
                    return 0 if n == 0 else 1 + f(n - 1)
                t = threading.Thread(target=lambda: print(f(20000)))
                t.start()
                t.join()
                """, "").output());
    }

    @Test
    void aFunctionIsCalledWithJsonAndGivesAValue() {
        String code = "class Solution:\n    def add(self, a, b):\n        print('noise')\n        return (a + b, "
                + "[a, None, 0.5], {'k': 'ü'})";
        Execution e = sandbox.run(PythonJob.call(code, "add", "3\n4"));
        assertEquals(Ending.FINISHED, e.ending(), e.error());
        assertTrue(PythonValue.equal(PythonValue.parse(e.output()).tupleAsList(),
                PythonValue.ofJson("[7.0, [3, null, 0.5], {\"k\": \"ü\"}]")), e.output());
        assertEquals("8", number(sandbox.run(PythonJob.call("def double(x):\n    return 2 * x", "double", "4"))));
        assertEquals(Ending.FAILED, sandbox.run(PythonJob.call("x = 1", "double", "4")).ending());
    }

    @Test
    void anExpressionSeesTheCode() {
        assertEquals("12", number(sandbox.run(PythonJob.expression("def f(x):\n    return 3 * x", " f(4) "))));
        assertEquals(Ending.FAILED, sandbox.run(PythonJob.expression("", "1 +")).ending());
    }

    private static String number(Execution e) {
        return PythonValue.parse(e.output()) instanceof PythonValue.Number n ? n.text() : e.toString();
    }

    @Test
    void theSameProgramPrintsTheSame() {
        String code = "import random\nprint(random.random(), {'a', 'b', 'c', 'd'})";
        assertEquals(script(code, "").output(), script(code, "").output());
    }

    @Test
    void manyAtOnceDoNotDisturbEachOther() throws Exception {
        try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Execution>> runs = IntStream.range(0, 24)
                    .mapToObj(i -> pool.submit(() -> script("print(sum(range(10**6)) * 0 + int(input()))", "" + i)))
                    .toList();
            for (int i = 0; i < runs.size(); i++) {
                assertEquals(i + "\n", runs.get(i).get().output());
            }
        }
    }

    @Test
    void whatPythonWritesAtItsEndIsOutputToo() {
        assertEquals("main\nthread\natexit\n", script("""
                import atexit, os, sys, threading, time
                def late():
                    time.sleep(0.2)
                    print('thread')
                atexit.register(print, 'atexit')
                threading.Thread(target=late).start()
                print('main')
                sys.exit(0)
                """, "").output());
        assertEquals("buffered\n", script("out = open(1, 'w', closefd=False)\nout.write('buffered\\n')", "").output());
        assertEquals("wrapped", script("""
                import atexit, io, os, sys
                sys.stdout = io.StringIO()
                atexit.register(lambda: os.write(1, sys.stdout.getvalue().encode()))
                print('wrapped', end='')
                """, "").output());
        assertEquals(Ending.TIMED_OUT, script("import atexit\n@atexit.register\ndef f():\n    while True:\n"
                + "        pass", "").ending());
    }

    @Test
    void anApplicationIsOneCall() {
        String code = "def f(x):\n    return x\n";
        assertEquals(Ending.FINISHED, sandbox.run(PythonJob.application(code, "f", "f('a)')")).ending());
        for (String other : List.of("f(1) or ('out')", "f(1), 2", "f(1).real", "g(1)", "(lambda x: x)(1)",
                "f(1)) or (f(2)", "f")) {
            Execution e = sandbox.run(PythonJob.application(code, "f", other));
            assertTrue(e.ending() == Ending.FAILED && e.complaint().startsWith("SyntaxError"), other + ": " + e);
        }
    }
}
