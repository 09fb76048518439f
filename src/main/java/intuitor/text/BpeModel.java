package intuitor.text;

import java.util.HashSet;
import java.util.List;

/**
 * A byte-level BPE vocabulary. A token's id is its place: first the tokens of {@code tokens}, then the special ones.
 *
 * @param tokens spelled in the {@link ByteAlphabet}: the 256 bytes, then the merged ones
 * @param merges in the order in which an encoder applies them
 * @param specialTokens recognised as a whole in a text; the first one ends a text
 */
public record BpeModel(List<String> tokens, List<Merge> merges, List<String> specialTokens) {

    /** Two tokens that become one. */
    public record Merge(String left, String right) {}

    public BpeModel {
        tokens = List.copyOf(tokens);
        merges = List.copyOf(merges);
        specialTokens = List.copyOf(specialTokens);
        var names = new HashSet<>(tokens);
        for (String special : specialTokens) {
            if (special.isEmpty() || !names.add(special)) {
                throw new IllegalArgumentException("special token '" + special + "' is empty or taken");
            }
        }
    }

    /** Number of tokens, special ones included. */
    public int size() {
        return tokens.size() + specialTokens.size();
    }
}
