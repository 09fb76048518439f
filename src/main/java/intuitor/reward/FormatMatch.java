package intuitor.reward;

import java.util.regex.Pattern;

/** 1 for a completion that matches a regular expression from its first to its last character, else 0. */
final class FormatMatch implements Reward {

    private final Pattern pattern;

    /** @param pattern in which {@code .} stands for line breaks, too */
    FormatMatch(String pattern) {
        this.pattern = Pattern.compile(pattern, Pattern.DOTALL);
    }

    @Override
    public double[] score(RewardContext context) {
        return context.texts().stream().mapToDouble(text -> pattern.matcher(text).matches() ? 1 : 0).toArray();
    }
}
