package intuitor.eval.answer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FinalAnswerTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        // I hope: before everything else, the last one
        "so \\boxed{3}. Final Answer: The final answer is $4$. I hope it is correct. | $4$",
        "The final answer is 3. I hope it is correct. The final answer is 5. I hope it is correct. | 5",
        "Final Answer: The final answer is $\\boxed{\\frac12}$. I hope it is correct. | \\frac12",
        // boxes: the last with balanced braces, the outer of nested ones
        "so \\boxed{42} | 42",
        "first \\boxed{1} but no, it is \\boxed{2}. | 2",
        "$\\boxed{\\frac{1}{2}}$ and then answer: 7 | \\frac{1}{2}",
        "\\boxed{\\left\\{1,2\\right\\}} | \\left\\{1,2\\right\\}",
        "\\boxed{\\boxed{5}} | \\boxed{5}",
        "\\boxed{5} and \\boxed{6 | 5",
        "a stray { before \\boxed{5} | 5",
        "a stray } before \\boxed{5} | 5",
        "\\fbox{9} | 9",
        "\\boxed {9} | 9",
        "it is $\\boxed 7$ | 7",
        "\\boxed{1}, \\boxed{2} and \\boxed{3} | 1, 2, 3",
        "$\\boxed{(2, 2)} \\quad \\text{and} \\quad \\boxed{(6, 2)}$ | (2, 2), (6, 2)",
        "\\boxed{28}\\% | 28\\%",
        // final answer is
        "The final answer is 12. The answer is 13. | 12",
        "My final answer to this question is: **12** | 12",
        "**Final Answer:** 12 | 12",
        // answer:
        "Answer: 7\\nanswer is 8 | 7",
        "ANSWER: 7 | 7",
        "**Answer:** $x=5$ | $x=5$",
        "Answer: 7\\n#### 9 | 7",
        // ####
        "2+3=5\\n#### 5 | 5",
        "#### 5\\n#### 6 | 6",
        "#### 1,234 | 1,234",
        "#### 5 apples | 5 apples",
        "####5 | 5",
        "The answer is 8\\n#### 5 | 5",
        // answer is
        "The answer is 5. | 5",
        "the answer is $\\frac{3}{4}$, since 3 < 4. | $\\frac{3}{4}$",
        "So the answer is 12.5 because of this. | 12.5",
        "So the answer is that John has 5 apples. | 5",
        "The answer is (B). | (B)",
        "The answer is $12. | $12",
        "The answer is negative 5. | -5",
        "the answer is minus $\\frac12$. | -$\\frac12$",
        "The answer is 18 dollars per day (9 * 2). | 18 dollars per day",
        "The answer is 42 (which is 6*7). | 42",
        "The answer is 5 sin (x+1) | 5 sin (x+1)",
        "The answer is 3 (x+1) | 3 (x+1)",
        "#### negative 5 | -5",
        // formulas
        "We get $x=3$ and then $x=4$. | x=4",
        "So \\(y=2\\) holds. | y=2",
        "So \\[ y = 9 \\] | y = 9",
        "So $$ y = 9 $$ | y = 9",
        "thus $28$ percent. | 28\\%",
        // numbers
        "There are 12 cows and 13 hens. | 13",
        "It costs $1,234.50 in all. | $1,234.50",
        "3 - 5 = -2 | -2",
        "that is 3/4 of it | 3/4",
        "about 45% | 45%",
        "x = \\frac{1}{2} | \\frac{1}{2}",
        "So we get -5. | -5",
        "So we get negative 5. | -5",
        "So we have x - 5 | 5",
        "She makes 18 dollars per day (9 * 2). | 18",
        "so f (2 + 3) | 3",
        "AZYUK2A | ",
        "no number here | ",
        "`` | ",
    })
    void extractsByPriority(String completion, String answer) {
        assertEquals(Optional.ofNullable(answer), FinalAnswer.of(completion.replace("\\n", "\n")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Step 1: 2+3=5.\\n#### 5 | 5 | true",
        "#### 5\\n#### 6 | 5 | false",
        "#### 1,234 | 1234 | true",
        "#### 5.0 | 5 | true",
        "#### -7 | -7 | true",
        "#### 57 | 5 | false",
        "#### 5 | five | true",
        "#### 5 | six | false",
        "#### | 5 | false",
        "so \\boxed{42} | 42 | true",
        "the answer is 5 | 5 | false",
    })
    void statedAnswersAreThoseAfterHashesOrInABox(String completion, String answer, boolean right) {
        assertEquals(right, FinalAnswer.stated(completion.replace("\\n", "\n"))
                .filter(a -> Equivalence.equal(answer, a)).isPresent());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Natalia sold 48/2 = 24 clips. Altogether 48+24 = 72. #### 72 | The answer is 72 clips. | true",
        "#### 72 | She sold 72. | true",
        "#### 72 | 48 + 24 = 72, so the answer is $72$. | true",
        "#### 10 | She makes $10 every day. | true",
        "#### 10 | She makes $18. | false",
        "#### 18 | The answer is 18 dollars per day (9 * 2). | true",
        "#### -5 | The answer is negative five. | true",
        "-\\frac12 | The answer is minus $\\frac12$. | true",
        "\\frac{14}{3} | so we get $2+\\frac53+1=\\boxed{\\frac{14}{3}}$ | true",
        "so $\\boxed{90^\\circ}$ | \\angle BAC = \\boxed{90^\\circ} | true",
        "12\\text{ and }13 | lies between $\\boxed{12\\text{ and }13}$ | true",
        "28\\% | a total loss of $\\boxed{28}$ | true",
        "x \\in [-2,7] | Thus $-2\\le x\\le7$ | true",
        "-2,1 | \\(\\boxed{1}\\) and \\(\\boxed{-2}\\). | true",
        "\\text{(C)} | The answer is C. | true",
        "\\text{(C)} | The answer is (D). | false",
        "11\\frac{1}{2} | Final answer: 11.5 inches | true",
        "\\text{Evelyn} | The answer is Evelyn. | true",
        "y = 2x + 3 | Therefore, the line is \\[ y = 3 + 2x \\] | true",
    })
    void matchesReferences(String reference, String completion, boolean right) {
        assertEquals(right, FinalAnswer.matches(completion, reference));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "The answer is (C). | C",
        "The answer is C | C",
        "The answer is (A). No, the answer is (B). | B",
        "Answer: D | D",
        "answer:  (E) | E",
        "I think B is wrong, so D | D",
        "\\boxed{\\text{(G)}} beats the answer is (A) | G",
        "The answer is Alice | ",
        "nothing | ",
    })
    void choosesLetters(String completion, String letter) {
        assertEquals(Optional.ofNullable(letter), FinalAnswer.choice(completion).map(String::valueOf));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\boxed{", "{", "}", "$", "\\[", "\\(", "answer is ", "answer: ", "#### ", "1", "1,",
            "-", "(",
        "final answer is ", "\\frac{1}{", "\n", ". ", "\\boxed", "$ "})
    void longTextsTakeLittleTime(String piece) {
        long start = System.nanoTime();
        FinalAnswer.of(piece.repeat(200_000 / piece.length()));
        FinalAnswer.choice(piece.repeat(200_000 / piece.length()));
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.toSeconds() < 5, took.toString());
    }
}
