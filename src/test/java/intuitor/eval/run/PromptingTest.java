package intuitor.eval.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.eval.task.Problem;
import intuitor.eval.task.Protocol;
import intuitor.eval.task.Verdict;
import intuitor.model.ModelConfig;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The model that comes along has 512 positions. */
class PromptingTest {

    private static final Path MODEL = Path.of("models/arithmetic-1m");
    private static final Tokenizer TOKENIZER = Tokenizer.load(MODEL);
    private static final PromptEncoder PLAIN = new PromptEncoder(TOKENIZER, null, null, LocalDate.EPOCH);

    private static Prompting prompting(int published, int asked) {
        return new Prompting(new Protocol(published, List.of(), false),
                new EvaluatedModel(null, ModelConfig.read(MODEL), TOKENIZER, PLAIN, PLAIN),
                new Drawing(1, 0, 0, 1, 1, asked, 8));
    }

    /** Each shot is about 100 tokens long. */
    private static Problem problem(String question) {
        return new Problem("1", null, shots -> "4 + 5 = 9, ".repeat(15 * shots) + question, 5, null,
                c -> new Verdict(null, null, null));
    }

    @Test
    void theLowerLimitCountsAndNeverMoreThanHalfOfThePositions() {
        assertEquals(100, prompting(2048, 100).maxNewTokens());
        assertEquals(64, prompting(64, 100).maxNewTokens());
        assertEquals(256, prompting(2048, 3072).maxNewTokens());
    }

    @Test
    void examplesAreLeftOutUntilThePromptFits() {
        Prompting.Encoded prompt = prompting(2048, 3072).encode(problem("What is 3 + 4?"));
        assertTrue(prompt.shots() > 0 && prompt.shots() < 5 && !prompt.cut(), prompt.toString());
        assertTrue(prompt.tokens().length <= 256);
        assertTrue(PLAIN.encode(problem("What is 3 + 4?").prompt().apply(prompt.shots() + 1)).length > 256);
    }

    @Test
    void aQuestionThatIsTooLongLosesItsBeginning() {
        String question = "Leo has 27 coins. ".repeat(100);
        Prompting.Encoded prompt = prompting(2048, 3072).encode(problem(question));
        int[] whole = PLAIN.encode(question);
        assertTrue(prompt.cut() && prompt.shots() == 0);
        assertArrayEquals(Arrays.copyOfRange(whole, whole.length - 256, whole.length), prompt.tokens());
        assertFalse(prompting(2048, 3072).encode(problem("short")).cut());
    }
}
