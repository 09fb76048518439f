package intuitor.eval.answer;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class EquivalenceTest {

    /** A pair of pairs.txt. */
    record Pair(String a, String b, boolean equal) { }

    /** The pairs of a heading. */
    record Section(String heading, List<Pair> pairs) {
        @Override
        public String toString() {
            return heading;
        }
    }

    static List<Section> sections() {
        Map<String, List<Pair>> sections = new LinkedHashMap<>();
        String heading = "";
        for (String line : lines()) {
            if (line.startsWith("## ")) {
                heading = line.substring(3);
                sections.put(heading, new ArrayList<>());
            } else if (!line.isBlank() && !line.startsWith("#")) {
                boolean equal = line.contains("  ==  ");
                String[] sides = line.split(equal ? "  ==  " : "  =/=  ", -1);
                assertEquals(2, sides.length, "not a pair: " + line);
                sections.get(heading).add(new Pair(sides[0].strip(), sides[1].strip(), equal));
            }
        }
        return sections.entrySet().stream().map(e -> new Section(e.getKey(), e.getValue())).toList();
    }

    static List<String> lines() {
        try (InputStream in = EquivalenceTest.class.getResourceAsStream("pairs.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("sections")
    void pairsInBothOrders(Section section) {
        assertAll(section.pairs.stream().flatMap(p -> Stream.of(
                () -> assertEquals(p.equal, strict(p.a, p.b), p.a + " and " + p.b),
                () -> assertEquals(p.equal, strict(p.b, p.a), p.b + " and " + p.a))));
    }

    /** With time enough for a busy machine. */
    private static boolean strict(String a, String b) {
        return Equivalence.equal(a, b, Rules.STRICT, Duration.ofMinutes(3));
    }

    @Test
    void pairsAreManyAndEvenlySplit() {
        List<Pair> all = sections().stream().flatMap(s -> s.pairs.stream()).toList();
        long equal = all.stream().filter(Pair::equal).count();
        assertTrue(all.size() >= 800, all.size() + " pairs");
        assertEquals(0.5, (double) equal / all.size(), 0.1);
        assertEquals(all.size(), all.stream().distinct().count(), "a pair stands there twice");
    }

    /** What a formula is unequal to: every other formula of the list. Any false equality would show. */
    @Test
    void answersOfDifferentValueAreAllUnequal() {
        String[] different = {"0", "1", "-1", "2", "\\frac12", "0.25", "\\pi", "e", "i", "\\infty", "-\\infty", "x",
            "y",
            "x^2", "-x^2", "2x", "\\sqrt{x}", "|x|", "\\{1,2\\}", "(1,2)", "[1,2]", "(1,2]", "[1,2)", "(2,1)", "1,3",
            "x>1", "x\\ge1", "x<1", "y>1", "x=7", "y=7", "\\emptyset", "\\mathbb{R}", "\\mathbb{Z}", "\\sqrt2",
            "\\ln 2",
            "5\\text{ cm}", "5\\text{ m}", "\\$4", "10\\%", "3:4", "6:30", "\\pm3",
            "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
            "\\begin{pmatrix}1&2\\end{pmatrix}", "\\text{odd}", "\\text{even}", "\\text{(A)}", "\\text{(B)}", "2^{100}",
            "100!", "1e400", "3+4i", "3-4i", "x+y=1", "x-y=1", "\\sin x", "\\cos x", "f(x)", "\\binom{9}{4}", "20_7"};
        for (String a : different) {
            for (String b : different) {
                assertEquals(a.equals(b), strict(a, b), a + " and " + b);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "$", "\\", "{", "}", "\\frac", "\\frac{", "^", "_", "\\begin{pmatrix}", "(",
        "=", ",", "\\left(", "\\text{"})
    void brokenAnswersAreEqualToNothingElse(String broken) {
        assertFalse(Equivalence.equal(broken, "1"));
        assertFalse(Equivalence.equal("1", broken));
        assertFalse(Equivalence.equal("", broken));
    }

    @Test
    void nullIsNoAnswer() {
        assertFalse(Equivalence.equal(null, "1"));
        assertFalse(Equivalence.equal("1", null));
    }

    @Test
    void benchmarkRulesForgiveWhatScoringForgives() {
        assertTrue(benchmark("\\frac13", "0.333333"));
        assertFalse(benchmark("\\frac13", "0.33333"));
        assertFalse(benchmark("\\frac13", "0.333334"));
        assertTrue(benchmark("\\pi", "3.141593"));
        assertFalse(benchmark("\\pi", "3.1416"));
        assertTrue(benchmark("28\\%", "28"));
        assertFalse(benchmark("28", "28\\%"));
        assertFalse(benchmark("0.28", "28"));
        assertTrue(benchmark("3 \\pmod 7", "3"));
        assertFalse(benchmark("3 \\pmod 7", "10"));
        assertFalse(benchmark("3", "3 \\pmod 7"));
        assertTrue(benchmark("\\{5\\}", "5"));
        assertFalse(benchmark("(-2,2)", "x^2<4"), "the question is no answer");
        assertTrue(benchmark("(-2,2)", "-2<x<2"));
    }

    private static boolean benchmark(String reference, String answer) {
        return Equivalence.equal(reference, answer, Rules.BENCHMARK, Duration.ofMinutes(3));
    }

    /** Inputs that ask for unbounded work, memory or stack. */
    @Test
    void hardInputsEndInTime() {
        // processor time, which is less than time: other work on the machine does not count
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        List<String> hard = List.of("9^{9^{9^{9}}}", "10^{10^{10}}", "(10^9)!", "(((100!)!)!)!", "2^{1000000000}+1",
                "\\sum_{k=1}^{1000000} \\frac1k", "\\prod_{k=1}^{3000}k^{k}",
                "\\binom{1000000000}{500000000}", "1".repeat(4000), "1e999999999", "e^{e^{e^{e}}}",
                "\\sin(10^{1000})", "n^{210^{n}}", "\\exp(-10^{-9}n^{-n^9})", "(1+\\sqrt2)^{1000000000}",
                "x^{1000000}", "(x+y+z)^{100000}",
                "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}^{64}", "\\sqrt[1000000]{2}", "\\ln(\\ln(\\ln(10^{100000})))",
                "{".repeat(100_000), "(".repeat(2_000), "-".repeat(3_999) + "1",
                "!".repeat(3_000), "\\frac".repeat(700),
                "x^".repeat(1_500) + "2", "1,".repeat(1_999) + "1", "\\{" + "1,".repeat(1_900) + "2\\}",
                "{".repeat(100_000) + "1" + "}".repeat(100_000), "\\sqrt{".repeat(500) + "2" + "}".repeat(500),
                "1/".repeat(1_900) + "1", "1" + "%".repeat(2_000), "1" + "'".repeat(2_000), "|".repeat(3_000),
                "\\text{".repeat(600) + "1" + "}".repeat(600), "\\gcd(" + "12,".repeat(1_000) + "18)");
        for (String a : hard) {
            for (String b : List.of("1", "x+1", a + "+0", "1+" + a)) {
                long start = threads.getCurrentThreadCpuTime();
                Equivalence.equal(a, b);
                Duration took = Duration.ofNanos(threads.getCurrentThreadCpuTime() - start);
                assertTrue(took.compareTo(Equivalence.LIMIT) < 0,
                        took + " for " + a.substring(0, Math.min(60, a.length())));
            }
        }
    }

    @Test
    void aComparisonOutOfTimeFindsNoEquality() {
        String slow = "\\sum_{i=1}^{3000}\\sum_{j=1}^{3000}\\sin(ij)";
        long start = System.nanoTime();
        assertFalse(Equivalence.equal(slow, "2" + slow, Rules.STRICT, Duration.ofMillis(300)));
        assertTrue(System.nanoTime() - start < Duration.ofSeconds(3).toNanos());
    }

    @Test
    void sameVerdictEveryTime() {
        for (int i = 0; i < 3; i++) {
            assertTrue(strict("(x+y)^5-x^5-y^5", "5xy(x+y)(x^2+xy+y^2)"));
            assertFalse(strict("(x+y)^5-x^5-y^5", "5xy(x+y)(x^2+xy+y^2)+10^{-20}"));
        }
    }
}
