package intuitor.rollout;

import intuitor.text.Tokenizer;
import java.util.List;

/**
 * Texts that end a completion, wherever its tokens are cut. The tokens that make up the text are part of the
 * completion.
 *
 * @param tokenizer of the model; null where there is no text
 * @param texts     none of them empty; there may be none
 */
public record StopStrings(Tokenizer tokenizer, List<String> texts) {

    private static final int NOT_FOUND = -1;

    /** Completions end with their tokens alone. */
    public static final StopStrings NONE = new StopStrings(null, List.of());

    public StopStrings {
        texts = List.copyOf(texts);
        if (texts.contains("")) {
            throw new IllegalArgumentException("an empty stop string would end everything");
        }
    }

    /** What these tokens say up to the first of the texts. */
    public String textOf(int[] tokens) {
        String text = tokenizer.decode(tokens);
        int at = firstIn(text);
        return at == NOT_FOUND ? text : text.substring(0, at);
    }

    boolean areIn(String text) {
        return firstIn(text) != NOT_FOUND;
    }

    private int firstIn(String text) {
        return texts.stream().mapToInt(text::indexOf).filter(i -> i != NOT_FOUND).min().orElse(NOT_FOUND);
    }

    /** Looks for them in the completions of one call of {@link Rollout#generate}. */
    public TokenListener listener() {
        return texts.isEmpty() ? TokenListener.NONE : new StopText(this);
    }
}
