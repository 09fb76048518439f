package intuitor.eval.answer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the final answer in a worked solution. By priority:
 * <ol>
 * <li>{@code final answer is X. I hope} (the few-shot format of Lewkowycz et al. 2022)
 * <li>the last {@code \boxed{X}} with balanced braces; boxes side by side form a list
 * <li>{@code final answer is X}
 * <li>{@code answer: X}
 * <li>{@code #### X} (the format of GSM8K)
 * <li>{@code answer is X}
 * <li>the last formula between math delimiters
 * <li>the last number
 * </ol>
 * Within one priority the last wins. Never throws; takes time linear in the text.
 */
public final class FinalAnswer {
    /** Longer texts are read from here before their end. */
    private static final int MAX_TEXT = 60_000;
    private static final int MAX_ANSWER = 1000;

    private static final Pattern HOPE = Pattern.compile(
            "(?i)final answer is:?\\s*(.{1,500}?)\\s*\\.?\\s*I hope", Pattern.DOTALL);
    private static final Pattern FINAL = Pattern.compile(
            "(?i)final answer\\b[^\\n.:=]{0,60}?(?:\\bis\\b:?|[:=])[ \\t*]*(?:\\n\\s*)?([^\\n]{1,1000})");
    private static final Pattern ANSWER_COLON = Pattern.compile(
            "(?i)answer\\**\\s?:[ \\t*]*(?:\\n\\s*)?([^\\n]{1,1000})");
    private static final Pattern HASHES = Pattern.compile("####[ \\t]*([^\\n]{1,1000})");
    private static final Pattern ANSWER_IS = Pattern.compile(
            "(?i)answer\\b[^\\n.:=]{0,60}?(?:\\bis\\b:?|=)[ \\t*]*(?:\\n\\s*)?([^\\n]{1,1000})");
    private static final Pattern FORMULA = Pattern.compile("\\$\\$(.{1,1000}?)\\$\\$|\\\\\\[(.{1,1000}?)\\\\\\]"
            + "|\\\\\\((.{1,1000}?)\\\\\\)|(?<!\\\\)\\$((?:[^$\\n\\\\]|\\\\.){1,1000}?)\\$(?!\\d)", Pattern.DOTALL);
    private static final Pattern PERCENT = Pattern.compile("\\s*(?:\\\\?%|percent\\b|pct\\b)");
    private static final Pattern UNBRACED = Pattern.compile("\\\\boxed\\s+([^\\s${}\\\\]{1,100})");
    private static final Pattern PERCENT_AFTER_BOX = Pattern.compile("[\\s$]*(?:\\\\?%|percent\\b|pct\\b)");
    private static final Pattern NUMBER = Pattern.compile(
            "(?<![\\w.^_])(?:(?<![\\w)}\\]] ?)-|(?<=\\p{L}{2} )-(?=[\\d.$\\\\]))?\\s?\\$?(?:"
            + "\\\\[dtc]?frac\\{[^{}]{1,50}\\}\\{[^{}]{1,50}\\}"
            + "|(?:\\d{1,3}(?:,\\d{3})+(?!\\d)|\\d+)(?:\\.\\d+)?(?:\\s?/\\s?\\d+(?:\\.\\d+)?)?|\\.\\d+)"
            + "(?:\\s?\\\\?%|\\spercent\\b)?");
    /** {@code (9 * 2)} after a word or number at the end of the text. */
    private static final Pattern REMARK = Pattern.compile(
            "(?<=[\\p{L}\\d%])\\s+\\([^()\\n]{0,200}[-+*/=×÷][^()\\n]{0,200}\\)\\s*[.!?]?\\s*$");
    /** {@code 18 dollars per day (9 * 2)}: a number, words of a unit, the last in a group, and a calculation. */
    private static final Pattern MEASURED_WITH_REMARK = Pattern.compile(
            "(-?\\$?\\d[\\d,.]*+(?:\\s+\\p{L}+){0,9}\\s+(\\p{L}{3,}))\\s+\\([^()]*[-+*/=×÷][^()]*\\)");
    private static final Pattern SENTENCE_END = Pattern.compile(
            "[.!?](?=\\s|$)(?<!\\b[ap]\\.m\\.)(?<!\\d\\.(?=\\d))|,?\\s(?:because|since|which|so that|as shown)\\b");
    private static final Pattern CHOICE_IS = Pattern.compile("answer is \\(?([A-J])\\)?(?![a-z])");
    private static final Pattern CHOICE_COLON = Pattern.compile("[aA]nswer:\\s*\\(?([A-J])(?![a-z])");
    private static final Pattern LONE_LETTER = Pattern.compile("\\b([A-J])\\b");

    private FinalAnswer() { }

    /** The final answer as it was written, or empty where the text has none of the forms above. */
    public static Optional<String> of(String completion) {
        String text = tail(completion);
        return last(HOPE, text).map(FinalAnswer::unwrapped)
                .or(() -> boxed(text))
                .or(() -> sentence(FINAL, text))
                .or(() -> sentence(ANSWER_COLON, text))
                .or(() -> sentence(HASHES, text))
                .or(() -> sentence(ANSWER_IS, text))
                .or(() -> formula(text))
                .or(() -> lastNumber(text));
    }

    /** The answer after the last {@code ####}, else in the last {@code \boxed{}}; the two forms that leave no doubt. */
    public static Optional<String> stated(String completion) {
        String text = tail(completion);
        return last(HASHES, text).or(() -> boxed(text));
    }

    /** The answer of a reference solution: as {@link #stated}, else the whole text. */
    public static String ofReference(String reference) {
        return stated(reference).orElse(reference.strip());
    }

    /** Whether the final answer of a completion equals the reference's by {@link Rules#BENCHMARK}. */
    public static boolean matches(String completion, String reference) {
        String gold = ofReference(reference);
        return of(completion).filter(answer -> Equivalence.equal(gold, answer, Rules.BENCHMARK, Equivalence.LIMIT))
                .isPresent();
    }

    /**
     * The letter chosen among A to J, by the rules of MMLU-Pro (Wang et al. 2024): "answer is (X)", then "answer: X",
     * then the last letter that stands alone. A letter in a box goes first.
     */
    public static Optional<Character> choice(String completion) {
        String text = tail(completion);
        return boxed(text).map(Text::choice).filter(c -> c != 0).map(Character::toUpperCase)
                .or(() -> last(CHOICE_IS, text).or(() -> last(CHOICE_COLON, text)).or(() -> last(LONE_LETTER, text))
                        .map(s -> s.charAt(0)));
    }

    private static String tail(String text) {
        return text.length() <= MAX_TEXT ? text : text.substring(text.length() - MAX_TEXT);
    }

    private static Optional<String> last(Pattern pattern, String text) {
        Matcher m = pattern.matcher(text);
        String found = null;
        while (m.find()) {
            String group = m.group(m.groupCount()).strip();
            found = group.isEmpty() ? found : group;
        }
        return Optional.ofNullable(found);
    }

    private static String unwrapped(String answer) {
        return boxed(answer).orElse(answer);
    }

    /** The answer within the last sentence of this form. */
    private static Optional<String> sentence(Pattern pattern, String text) {
        return last(pattern, text).map(FinalAnswer::answerIn).filter(s -> !s.isEmpty());
    }

    /** The formula or phrase at the beginning of a line: up to the end of its sentence, without emphasis. */
    private static String answerIn(String line) {
        String s = Notation.signs(line.replace("**", "").replace("__", "").strip());
        Matcher end = SENTENCE_END.matcher(s);
        while (end.find()) {
            // a stop within a formula ends no sentence
            long dollars = s.substring(0, end.start()).chars().filter(c -> c == '$').count();
            if (dollars % 2 == 0 || dollars == 1) {
                s = s.substring(0, end.start());
                break;
            }
        }
        s = s.strip();
        Matcher measured = MEASURED_WITH_REMARK.matcher(s);
        if (measured.matches() && !Commands.FUNCTIONS.containsKey(measured.group(2))) {
            s = measured.group(1);
        }
        if (readable(s)) {
            return s;
        }
        String phrase = s;
        return formula(phrase).or(() -> lastNumber(line)).orElse(phrase);
    }

    /** The last number that does not stand in a calculation in brackets at the end. */
    public static Optional<String> lastNumber(String completion) {
        String signed = Notation.signs(tail(completion));
        return last(NUMBER, REMARK.matcher(signed).replaceFirst("")).or(() -> last(NUMBER, signed));
    }

    private static boolean readable(String s) {
        try {
            Parser.parse(Notation.normalise(s.length() > MAX_ANSWER ? s.substring(0, MAX_ANSWER) : s),
                    new Budget(Equivalence.LIMIT));
            return true;
        } catch (NoValueException | ArithmeticException no) {
            return false;
        }
    }

    private static Optional<String> formula(String text) {
        Matcher m = FORMULA.matcher(text);
        String found = null;
        while (m.find()) {
            String formula = null;
            for (int g = 1; g <= m.groupCount() && formula == null; g++) {
                formula = m.group(g);
            }
            if (!formula.isBlank()) {
                boolean percent = PERCENT.matcher(text).region(m.end(), text.length()).lookingAt();
                found = formula.strip() + (percent ? "\\%" : "");
            }
        }
        return Optional.ofNullable(found);
    }

    /** A box: where it starts, where its content starts and ends. */
    private record Box(int start, int from, int to) { }

    /** The content of the last box; of several side by side, the list of their contents. */
    private static Optional<String> boxed(String text) {
        List<Box> boxes = boxes(text);
        if (boxes.isEmpty()) {
            return unbraced(text);
        }
        int first = boxes.size() - 1;
        while (first > 0 && isJoint(text.substring(boxes.get(first - 1).to + 1, boxes.get(first).start))) {
            first--;
        }
        StringBuilder all = new StringBuilder();
        for (Box box : boxes.subList(first, boxes.size())) {
            all.append(all.isEmpty() ? "" : ", ").append(text, box.from, box.to);
        }
        String content = all.toString().strip();
        int end = boxes.get(boxes.size() - 1).to + 1;
        Matcher percent = PERCENT_AFTER_BOX.matcher(text).region(end, text.length());
        if (percent.lookingAt() && !content.isEmpty() && Character.isDigit(content.charAt(content.length() - 1))) {
            content += "\\%";
        }
        return content.isEmpty() ? Optional.empty() : Optional.of(content);
    }

    private static boolean isJoint(String between) {
        return between.length() < 60 && between.replaceAll("\\\\(?:text|quad|qquad|mbox|[,;:! ()\\[\\]])", " ")
                .matches("[\\s$,;{}]*(?:and|or)?[\\s$,;{}]*");
    }

    /** {@code \boxed 5}: up to the next space or delimiter. */
    private static Optional<String> unbraced(String text) {
        return last(UNBRACED, text);
    }

    /** All boxes with balanced braces that lie in no other, in their order. */
    private static List<Box> boxes(String text) {
        List<Box> found = new ArrayList<>();
        List<int[]> open = new ArrayList<>();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                int content = boxStart(text, i);
                if (content > 0) {
                    open.add(new int[] {i, content});
                    i = content - 1;
                } else {
                    i++;
                }
            } else if (c == '{') {
                open.add(null);
            } else if (c == '}' && !open.isEmpty()) {
                int[] box = open.remove(open.size() - 1);
                if (box != null) {
                    // boxes within this one have been found before it
                    while (!found.isEmpty() && found.get(found.size() - 1).start > box[0]) {
                        found.remove(found.size() - 1);
                    }
                    found.add(new Box(box[0], box[1], i));
                }
            }
        }
        return found;
    }

    /** Where the content of a box that starts at {@code i} begins; 0 where none starts there. */
    private static int boxStart(String text, int i) {
        for (String command : new String[] {"\\boxed", "\\fbox"}) {
            if (text.startsWith(command, i)) {
                int k = i + command.length();
                while (k < text.length() && Character.isWhitespace(text.charAt(k))) {
                    k++;
                }
                return k < text.length() && text.charAt(k) == '{' ? k + 1 : 0;
            }
        }
        return 0;
    }
}
