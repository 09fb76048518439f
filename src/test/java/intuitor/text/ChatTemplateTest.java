package intuitor.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.text.ChatTemplate.Message;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Templates in the manner of the supported models', and the texts that those models' documentation shows. */
class ChatTemplateTest {

    private static final LocalDate TODAY = LocalDate.of(2025, 3, 4);
    private static final Message SYSTEM = new Message("system", " Be brief. ");
    private static final Message USER = new Message("user", "What is 2 + 2?\n");
    private static final Message ANSWER = new Message("assistant", "<think>\nEasy.\n</think>\n\n4");

    @TempDir
    Path folder;

    /** Qwen2.5 and other models of ChatML. */
    @Test
    void chatMl() throws IOException {
        ChatTemplate template = template("chatml");
        assertEquals("<|im_start|>system\n Be brief. <|im_end|>\n<|im_start|>user\nWhat is 2 + 2?\n<|im_end|>\n"
                + "<|im_start|>assistant\n", template.render(List.of(SYSTEM, USER), true, TODAY));
        assertEquals("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nWhat is 2 + 2?\n"
                + "<|im_end|>\n<|im_start|>assistant\n<think>\nEasy.\n</think>\n\n4<|im_end|>\n",
                template.render(List.of(USER, ANSWER), false, TODAY));
    }

    /** Llama 3.2 writes the date, and trims what it is given. */
    @Test
    void dated() throws IOException {
        ChatTemplate template = template("dated");
        String head = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nToday Date: ";
        String rest = "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhat is 2 + 2?<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\n";
        assertEquals(head + "04 Mar 2025\n\nBe brief." + rest, template.render(List.of(SYSTEM, USER), true, TODAY));
        assertEquals(head + "04 Mar 2025\n\n" + rest, template.render(List.of(USER), true, TODAY));
        assertEquals(head + "1 April\n\n" + rest,
                template.render(List.of(USER), true, TODAY, Map.of("date_string", "1 April")));
        var error = assertThrows(UserError.class,
                () -> template.render(List.of(USER, new Message("tool", "4")), true, TODAY));
        assertEquals("the chat template of " + folder + ": Tools are not for this model: tool (line 33)",
                error.getMessage());
    }

    /** Qwen3 keeps the thoughts of the last answer only, and can be told not to think. */
    @Test
    void thinking() throws IOException {
        ChatTemplate template = template("thinking");
        String user = "<|im_start|>user\nWhat is 2 + 2?\n<|im_end|>\n";
        String answer = "<|im_start|>assistant\n4<|im_end|>\n";
        assertEquals(user + answer + user + "<|im_start|>assistant\n",
                template.render(List.of(USER, ANSWER, USER), true, TODAY));
        assertEquals(user + "<|im_start|>assistant\n<think>\n\n</think>\n\n",
                template.render(List.of(USER), true, TODAY, Map.of("enable_thinking", false)));
        assertEquals(user + answer + user + "<|im_start|>assistant\n<think>\nEasy.\n</think>\n\n4<|im_end|>\n",
                template.render(List.of(USER, ANSWER, USER, ANSWER), false, TODAY));
    }

    /** Zephyr's template relies on trim_blocks: none of its line breaks after a block is in the text. */
    @Test
    void lines() throws IOException {
        assertEquals("<|system|>\n Be brief. </s>\n<|user|>\nWhat is 2 + 2?\n</s>\n<|assistant|>\n",
                template("lines").render(List.of(SYSTEM, USER), true, TODAY));
    }

    @Test
    void isFoundWhereverAModelKeepsIt() throws IOException {
        assertTrue(ChatTemplate.load(folder).isEmpty());
        config("{\"bos_token\": null}");
        assertTrue(ChatTemplate.load(folder).isEmpty());
        config("{\"eos_token\": {\"content\": \"</s>\", \"lstrip\": false}, \"chat_template\": \"1{{ eos_token }}\"}");
        assertEquals("1</s>", ChatTemplate.load(folder).orElseThrow().render(List.of(), false, TODAY));
        config("{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"t\"}, "
                + "{\"name\": \"default\", \"template\": \"d\"}]}");
        assertEquals("d", ChatTemplate.load(folder).orElseThrow().render(List.of(), false, TODAY));
        Files.writeString(folder.resolve("chat_template.jinja"), "file\n");
        assertEquals("file", ChatTemplate.load(folder).orElseThrow().render(List.of(), false, TODAY));
    }

    @Test
    void saysWhatIsWrongWithIt() throws IOException {
        config("{\"chat_template\": [{\"name\": \"rag\", \"template\": \"r\"}]}");
        expectError("has chat templates [rag] but none named default");
        config("{\"chat_template\": 3}");
        expectError("chat_template is neither text nor a list");
        config("{\"chat_template\": [{\"name\": \"rag\"}]}");
        expectError("a chat_template has no name or no template");
        config("{\"chat_template\": \"a\\n{% for %}\"}");
        expectError("the chat template of " + folder + ": expected a name, found %} (line 2)");
    }

    private void expectError(String expected) {
        var error = assertThrows(UserError.class, () -> ChatTemplate.load(folder));
        assertTrue(error.getMessage().contains(expected), error.getMessage());
        assertTrue(error.getMessage().contains(folder.toString()), error.getMessage());
    }

    private ChatTemplate template(String name) throws IOException {
        try (InputStream in = ChatTemplateTest.class.getResourceAsStream("chat/" + name + ".jinja")) {
            String source = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            config(new JsonMapper().writeValueAsString(Map.of("chat_template", source,
                    "bos_token", "<|begin_of_text|>", "eos_token", "</s>")));
        }
        return ChatTemplate.load(folder).orElseThrow();
    }

    private void config(String json) throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), json);
    }
}
