package intuitor.eval.answer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Mutated answers: whatever comes in, extraction and comparison end within their limit, and only
 * {@link NoValueException} and {@link ArithmeticException} come from within. The soak:
 * {@code -Dintuitor.fuzz.strings=1000000}.
 */
class AnswerFuzzTest {
    private static final int STRINGS = Integer.getInteger("intuitor.fuzz.strings", 20_000);
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long SEED = Long.getLong("intuitor.fuzz.seed", 1);

    private static final String[] PIECES = {"\\frac", "\\frac{1}{2}", "\\sqrt", "\\sqrt[3]", "{", "}", "\\{", "\\}",
        "(", ")", "[", "]", "^", "_", "^{", "_{", "\\left", "\\right", "\\begin{pmatrix}", "\\end{pmatrix}", "\\\\",
        "&", "$", "\\$", "%", "\\%", "!", "!!", "|", "\\|", ",", ";", ":", ".", "..", "=", "<", "\\le", "\\ne", "\\in",
        "\\cup", "\\cap", "\\setminus", "\\infty", "\\pi", "e", "i", "\\pm", "\\mp", "\\text{", "\\text{cm}",
        "\\mathrm", "\\mathbb{R}", "\\boxed{", "\\log", "\\log_2", "\\sin", "\\sin^{-1}", "\\ln", "\\sum_{k=1}^{9}",
        "\\prod_{i=0}^", "\\binom", "\\lfloor", "\\rfloor", "^\\circ", "°", "½", "²", "√", "∞", "≤", "−", "\u0660",
        "\uff11", "\ud835\udfd9", "\ud800", "\0", "\t", "\n", " ", "\\ ", "\\,", "1", "0", "9", "10", "1e9", "1e-9",
        "1e999999999", "99999999999999999999", "0.", ".5", "0.\\overline{3}", "...", "x", "y", "n", "f(", "C(5,2)",
        "C(", "{}_5C_", "\\choose", "\\over", "\\pmod", "\\mod", "or", "and", "where", "cm", "miles", "dollars",
        "percent", "p.m.", "no solution", "0^0", "1/0", "\\ln 0", "/0", "(-1)^", "^{1/3}", "\\gcd", "\\max(", "\\det",
        "#### ", "answer: ", "final answer is ", "\\overline{", "'", "''"};

    @Test
    void mutatedAnswersNeverThrowAndEndInTime() {
        List<String> seeds = new ArrayList<>();
        EquivalenceTest.sections().forEach(s -> s.pairs().forEach(p -> {
            seeds.add(p.a());
            seeds.add(p.b());
        }));
        SplittableRandom random = new SplittableRandom(SEED);
        long slowest = 0;
        String slowestPair = "";
        for (int i = 0; i < STRINGS; i++) {
            String a = mutated(seeds, random);
            String b = random.nextInt(3) == 0 ? mutated(seeds, random) : seeds.get(random.nextInt(seeds.size()));
            if (random.nextInt(4) == 0) {
                b = a + "+0";
            }
            long start = THREADS.getCurrentThreadCpuTime();
            try {
                FinalAnswer.of(a);
                decide(a, b, random.nextInt(2) == 0 ? Rules.STRICT : Rules.BENCHMARK);
            } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
                throw new AssertionError("string " + i + ": " + escaped(a) + " and " + escaped(b), e);
            }
            long took = THREADS.getCurrentThreadCpuTime() - start;
            if (took > slowest) {
                slowest = took;
                slowestPair = escaped(a) + " and " + escaped(b);
            }
        }
        System.out.println(STRINGS + " mutated answers; slowest " + slowest / 1_000_000 + " ms: " + slowestPair);
        // processor time, of which a comparison has less than time: other work on the machine does not count
        assertTrue(slowest < Equivalence.LIMIT.toNanos(), slowest + " ns for " + slowestPair);
    }

    /** The comparison without the net that catches what escapes from it, other than that there is no value. */
    private static void decide(String a, String b, Rules rules) {
        try {
            Equivalence.decide(a, b, rules, new Budget(Equivalence.LIMIT));
        } catch (NoValueException expected) {
            // out of time
        }
    }

    private static String mutated(List<String> seeds, SplittableRandom random) {
        StringBuilder s = new StringBuilder(seeds.get(random.nextInt(seeds.size())));
        int changes = 1 + random.nextInt(6);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(s.length() + 1);
            switch (random.nextInt(7)) {
                case 0 -> s.delete(at, Math.min(s.length(), at + 1 + random.nextInt(4)));
                case 1, 2 -> s.insert(at, PIECES[random.nextInt(PIECES.length)]);
                case 3 -> s.insert(at, s.substring(at, Math.min(s.length(), at + random.nextInt(20))));
                case 4 -> {
                    String other = seeds.get(random.nextInt(seeds.size()));
                    s.insert(at, other, 0, random.nextInt(other.length() + 1));
                }
                case 5 -> s.insert(at, (char) (random.nextInt(8) == 0 ? random.nextInt(0x10000)
                        : random.nextInt(32, 127)));
                default -> s.insert(at, PIECES[random.nextInt(PIECES.length)].repeat(1 + random.nextInt(
                        random.nextInt(200) == 0 ? 400 : 4)));
            }
        }
        return s.toString();
    }

    private static String escaped(String s) {
        StringBuilder b = new StringBuilder();
        s.chars().limit(300).forEach(c -> b.append(c >= 32 && c < 127 ? String.valueOf((char) c)
                : String.format("\\u%04x", c)));
        return b.toString();
    }
}
