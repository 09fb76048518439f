package intuitor.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptEncoderTest {

    private static final LocalDate DAY = LocalDate.of(2024, 7, 26);
    private static final String CHATML = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + "
            + "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% "
            + "endif %}";

    @TempDir
    Path folder;

    private Tokenizer tokenizer;

    @BeforeEach
    void makeTokenizer() throws IOException {
        BpeModel bpe = BpeTrainer.train(List.of("a b c"), 270, List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
        Files.writeString(folder.resolve("tokenizer.json"), TokenizerWriter.tokenizerJson(bpe));
        tokenizer = Tokenizer.load(folder);
    }

    @Test
    void withoutATemplateThePromptIsTakenAsItIs() {
        PromptEncoder encoder = new PromptEncoder(tokenizer, null, null, DAY);
        assertArrayEquals(tokenizer.encode("1 + 2 ="), encoder.encode("1 + 2 ="));
        assertEquals(OptionalInt.empty(), encoder.endOfTurn());
        assertThrows(IllegalArgumentException.class, () -> new PromptEncoder(tokenizer, null, "Be brief.", DAY));
    }

    @Test
    void withATemplateItIsAUsersMessageAndTheTurnHasAnEnd() throws IOException {
        PromptEncoder encoder = new PromptEncoder(tokenizer, template(CHATML), "Be brief.", DAY);
        assertEquals("<|im_start|>system\nBe brief."
                + "<|im_end|>\n<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\n",
                tokenizer.decode(encoder.encode("How?"), true));
        assertEquals(OptionalInt.of(tokenizer.tokenId("<|im_end|>")), encoder.endOfTurn());
    }

    @Test
    void aConversationKeepsItsOwnSystemMessageAndNeedsATemplate() throws IOException {
        List<ChatTemplate.Message> talk = List.of(new ChatTemplate.Message("system", "Rhyme."),
                new ChatTemplate.Message("user", "How?"));
        PromptEncoder encoder = new PromptEncoder(tokenizer, template(CHATML), "Be brief.", DAY);
        assertEquals("<|im_start|>system\nRhyme."
                + "<|im_end|>\n<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\n",
                tokenizer.decode(encoder.encode(talk), true));
        PromptEncoder plain = new PromptEncoder(tokenizer, null, null, DAY);
        assertEquals("a prompt of 2 messages needs a chat template",
                assertThrows(UserError.class, () -> plain.encode(talk)).getMessage());
    }

    @Test
    void aTemplateMayEndATurnWithoutASpecialToken() throws IOException {
        String plain = "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}";
        assertEquals(OptionalInt.empty(), new PromptEncoder(tokenizer, template(plain), null, DAY).endOfTurn());
    }

    private ChatTemplate template(String jinja) throws IOException {
        Files.writeString(folder.resolve("chat_template.jinja"), jinja);
        return ChatTemplate.load(folder).orElseThrow();
    }
}
