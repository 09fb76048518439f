package intuitor.eval.answer;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers in English words: whole ones ({@code forty-two}) and fractions ({@code two thirds}). */
final class NumberWords {
    private static final Map<String, Integer> UNITS = Map.ofEntries(Map.entry("one", 1), Map.entry("two", 2),
            Map.entry("three", 3), Map.entry("four", 4), Map.entry("five", 5), Map.entry("six", 6),
            Map.entry("seven", 7), Map.entry("eight", 8), Map.entry("nine", 9), Map.entry("ten", 10),
            Map.entry("eleven", 11), Map.entry("twelve", 12), Map.entry("thirteen", 13), Map.entry("fourteen", 14),
            Map.entry("fifteen", 15), Map.entry("sixteen", 16), Map.entry("seventeen", 17), Map.entry("eighteen", 18),
            Map.entry("nineteen", 19));
    private static final Map<String, Integer> TENS = Map.of("twenty", 20, "thirty", 30, "forty", 40, "fourty", 40,
            "fifty", 50, "sixty", 60, "seventy", 70, "eighty", 80, "ninety", 90);
    private static final Map<String, Integer> SCALES = Map.of("thousand", 1000, "million", 1_000_000, "billion",
            1_000_000_000);
    /** By the singular. "Second" is left out: it is a time. */
    private static final Map<String, Integer> PARTS = Map.ofEntries(Map.entry("half", 2), Map.entry("halve", 2),
            Map.entry("third", 3), Map.entry("quarter", 4), Map.entry("fourth", 4), Map.entry("fifth", 5),
            Map.entry("sixth", 6), Map.entry("seventh", 7), Map.entry("eighth", 8), Map.entry("ninth", 9),
            Map.entry("tenth", 10), Map.entry("eleventh", 11), Map.entry("twelfth", 12), Map.entry("hundredth", 100),
            Map.entry("thousandth", 1000));

    private static final Pattern ANSWER = Pattern.compile(
            "(?:\\\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox)\\s*\\{\\s*([^{}]{1,200})\\}|([^{}\\\\]{1,200}))[.\\s]*");
    private static final Pattern WORDS = Pattern.compile(
            "(?:(-|minus\\s|negative\\s)\\s*)?([a-z]+(?:(?:\\s+|\\s?-\\s?)[a-z]+){0,30})[.\\s]*");

    private NumberWords() { }

    /**
     * The number that an answer says in words.
     *
     * @param answer words, perhaps in one command for text
     * @return the number; null where the answer is anything else
     */
    static Expr value(String answer) {
        Matcher m = ANSWER.matcher(answer.strip());
        if (!m.matches()) {
            return null;
        }
        String content = m.group(1) != null ? m.group(1) : m.group(2);
        m = WORDS.matcher(content.strip().toLowerCase(Locale.ROOT));
        if (!m.matches()) {
            return null;
        }
        Rational value = unsigned(List.of(m.group(2).split("[\\s-]+")));
        return value == null ? null : new Expr.Num(m.group(1) == null ? value : value.negate());
    }

    private static Rational unsigned(List<String> words) {
        if (words.equals(List.of("zero"))) {
            return Rational.ZERO;
        }
        String last = words.get(words.size() - 1);
        boolean plural = last.endsWith("s");
        Integer parts = PARTS.get(plural ? last.substring(0, last.length() - 1) : last);
        if (parts == null) {
            long whole = whole(words);
            return whole == 0 ? null : Rational.of(whole);
        }
        if (words.equals(List.of("half"))) {
            return Rational.HALF;
        }
        List<String> top = words.subList(0, words.size() - 1);
        long count = top.equals(List.of("a")) || top.equals(List.of("an")) ? 1 : top.isEmpty() ? 0 : whole(top);
        // twenty third is an ordinal, twenty thirds are 20/3
        return count == 0 || plural == (count == 1) ? null : Rational.of(count, parts);
    }

    /** A positive whole number; 0 where the words are none. */
    private static long whole(List<String> words) {
        long total = 0;
        long scale = Long.MAX_VALUE;
        int group = 0;
        boolean open = false;
        int first = words.size() > 1 && words.get(0).equals("a") ? 1 : 0;
        for (int i = first; i < words.size(); i++) {
            String word = words.get(i);
            if (UNITS.containsKey(word)) {
                int unit = UNITS.get(word);
                boolean afterTens = group % 100 >= 20 && group % 10 == 0 && unit < 10;
                if (group % 100 != 0 && !afterTens) {
                    return 0;
                }
                group += unit;
                open = false;
            } else if (TENS.containsKey(word)) {
                if (group % 100 != 0) {
                    return 0;
                }
                group += TENS.get(word);
                open = false;
            } else if (word.equals("hundred")) {
                if (group >= 100 || group == 0 && i != first) {
                    return 0;
                }
                group = Math.max(group, 1) * 100;
                open = true;
            } else if (SCALES.containsKey(word)) {
                long next = SCALES.get(word);
                if (next >= scale || group == 0 && i != first) {
                    return 0;
                }
                total += Math.max(group, 1) * next;
                scale = next;
                group = 0;
                open = true;
            } else if (!word.equals("and") || !open || i == words.size() - 1) {
                return 0;
            } else {
                // one hundred and five, but not one and five
                open = false;
            }
        }
        return total + group;
    }
}
