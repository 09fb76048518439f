package intuitor.data;

import intuitor.UserError;
import intuitor.text.ChatTemplate.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Where the rows of a data set keep prompts and answers. Columns may be named; without a name the first one that is
 * there of those that data sets use:
 * <pre>
 *   prompts   prompt (open-r1, verl: messages), question (GSM8K), problem (MATH), description (code_contests)
 *   answers   answer (GSM8K), reward_model.ground_truth (verl), solution (MATH, open-r1), ground_truth
 * </pre>
 * A dot leads into a column: {@code reward_model.ground_truth}.
 *
 * @param prompts candidates for the prompt's column: a text, or a list of messages {role, content}
 * @param answers candidates for the answer's column; lists and objects are taken as their JSON text
 * @param filters {@code column=value}: rows for which one of them does not hold are left out
 */
public record PromptColumns(List<String> prompts, List<String> answers, List<String> filters) {

    private static final List<String> PROMPTS = List.of("prompt", "question", "problem", "description");
    private static final List<String> ANSWERS =
            List.of("answer", "reward_model.ground_truth", "solution", "ground_truth");

    /** The columns that data sets use. */
    public static final PromptColumns USUAL = new PromptColumns(PROMPTS, ANSWERS, List.of());

    /**
     * Named columns.
     *
     * @param prompt  null: the usual ones
     * @param answer  null: the usual ones
     * @param filters as {@code source=2}
     * @throws IllegalArgumentException for a filter of another form
     */
    public static PromptColumns named(String prompt, String answer, List<String> filters) {
        filters.stream().filter(f -> f.indexOf('=') <= 0).findFirst().ifPresent(f -> {
            throw new IllegalArgumentException("expected column=value, found '" + f + "'");
        });
        return new PromptColumns(prompt == null ? PROMPTS : List.of(prompt), answer == null ? ANSWERS : List.of(answer),
                filters);
    }

    /** These columns first, then the usual ones, of all rows: for a second file that may have another layout. */
    public PromptColumns orUsual() {
        return new PromptColumns(union(prompts, PROMPTS), union(answers, ANSWERS), List.of());
    }

    private static List<String> union(List<String> a, List<String> b) {
        return Stream.concat(a.stream(), b.stream()).distinct().toList();
    }

    /** The columns that are read, each under one of several names. */
    List<Set<String>> needed(boolean withAnswers) {
        List<Set<String>> needed = new ArrayList<>();
        needed.add(roots(prompts));
        filters.forEach(f -> needed.add(roots(List.of(f.substring(0, f.indexOf('='))))));
        if (withAnswers) {
            needed.add(roots(answers));
        }
        return needed;
    }

    private static Set<String> roots(List<String> paths) {
        return paths.stream().flatMap(path -> Stream.of(path, path.split("\\.", 2)[0]))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Whether a row is one of those wanted. */
    boolean accepts(Row row) {
        return filters.stream().allMatch(filter -> {
            int at = filter.indexOf('=');
            JsonNode value = row.at(filter.substring(0, at));
            if (value.isMissingNode()) {
                throw new UserError(row.where() + ": no column \"" + filter.substring(0, at) + "\", which data_filter "
                        + "names; it has " + row.fields().propertyNames());
            }
            return text(value).equals(filter.substring(at + 1));
        });
    }

    /** What a row asks; a {@link UserError} where it asks nothing. */
    List<Message> prompt(Row row) {
        for (String name : prompts) {
            JsonNode value = row.at(name);
            if (value.isString() && !value.stringValue().isBlank()) {
                return List.of(new Message("user", value.stringValue()));
            }
            if (value.isArray() && !value.isEmpty()) {
                return messages(value, row.where() + ": \"" + name + "\"");
            }
        }
        String asked = prompts.stream().filter(name -> !row.at(name).isMissingNode()).findFirst().orElse(null);
        throw new UserError(row.where() + ": " + (asked == null
                ? "no " + inWords(prompts) + " in this row; it has " + row.fields().propertyNames()
                        + "; set prompt_column to the one that asks"
                : "\"" + asked + "\" is " + (isEmpty(row.at(asked)) ? "empty" : "neither a text nor messages: "
                        + row.at(asked))));
    }

    private static boolean isEmpty(JsonNode value) {
        return value.isNull() || value.isContainer() && value.isEmpty()
                || value.isString() && value.stringValue().isBlank();
    }

    private static List<Message> messages(JsonNode list, String where) {
        List<Message> messages = new ArrayList<>();
        for (JsonNode element : list) {
            JsonNode role = element.path("role");
            JsonNode content = element.path("content");
            if (!role.isString() || !content.isString()) {
                throw new UserError(where + ": message " + (messages.size() + 1) + " is not {\"role\": TEXT, "
                        + "\"content\": TEXT}");
            }
            messages.add(new Message(role.stringValue(), content.stringValue()));
        }
        if (messages.getLast().role().equals("assistant")) {
            throw new UserError(where + ": the last message is the assistant's; a prompt ends before its answer");
        }
        return messages;
    }

    /** The answer of a row, if it has one. */
    Optional<String> answer(Row row) {
        return answers.stream().map(row::at).filter(value -> !value.isMissingNode() && !isEmpty(value))
                .map(PromptColumns::text).findFirst();
    }

    private static String text(JsonNode value) {
        return value.isContainer() ? value.toString() : value.asString();
    }

    /** {@code "answer" or "solution"}. */
    static String inWords(List<String> names) {
        String last = "\"" + names.getLast() + "\"";
        return names.size() == 1 ? last : names.subList(0, names.size() - 1).stream().map(n -> "\"" + n + "\"")
                .collect(Collectors.joining(", ")) + " or " + last;
    }
}
