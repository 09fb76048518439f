package intuitor.data;

import intuitor.Json;
import intuitor.UserError;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads prompts from a JSONL file: an object a line with {@code prompt}, {@code question} or {@code problem} and, where
 * answers are known, {@code answer}. Training reads the prompts only.
 */
public final class PromptSet {
    private static final JsonMapper JSON = new JsonMapper();
    private static final List<String> PROMPT_FIELDS = List.of("prompt", "question", "problem");

    private PromptSet() { }

    /** The prompts without their answers, whatever the file holds: what training may see. */
    public static List<Prompt> readPrompts(Path file) {
        return read(file).stream().map(p -> new Prompt(p.text(), null)).toList();
    }

    /**
     * Prompts with answers.
     *
     * @param purpose what the answers are for, as the message says it where one is missing
     */
    public static List<Prompt> readProblems(Path file, String purpose) {
        List<Prompt> problems = read(file);
        for (int i = 0; i < problems.size(); i++) {
            if (problems.get(i).answer() == null) {
                throw new UserError(file + ": prompt " + (i + 1) + " has no \"answer\", and " + purpose
                        + " needs one a line");
            }
        }
        return problems;
    }

    /** Prompts, with the answers of those that have one: for looking at a run, not for training. */
    public static List<Prompt> read(Path file) {
        List<Prompt> prompts = new ArrayList<>();
        int number = 0;
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                if (!line.isBlank()) {
                    prompts.add(prompt(line, file + ":" + number));
                }
            }
        } catch (NoSuchFileException e) {
            throw new UserError(file + ": no such file; give a JSONL file with a \"prompt\" a line");
        } catch (CharacterCodingException e) {
            throw new UserError(file + ":" + (number + 1) + ": not UTF-8 text");
        } catch (IOException e) {
            throw new UserError(file + ": cannot be read: " + e.getMessage());
        }
        if (prompts.isEmpty()) {
            throw new UserError(file + ": holds no prompt; give a JSONL file with a \"prompt\" a line");
        }
        return List.copyOf(prompts);
    }

    private static Prompt prompt(String line, String where) {
        JsonNode node;
        try {
            node = JSON.readTree(line);
        } catch (JacksonException e) {
            throw new UserError(where + ": not valid JSON: " + Json.complaint(e));
        }
        for (String field : PROMPT_FIELDS) {
            JsonNode text = node.get(field);
            if (text != null && text.isString() && !text.stringValue().isEmpty()) {
                JsonNode answer = node.get("answer");
                return new Prompt(text.stringValue(), answer == null || answer.isNull() ? null : answer.asString());
            }
        }
        throw new UserError(where + ": no \"prompt\", \"question\" or \"problem\" with text in this line");
    }
}
