package intuitor.checkpoint;

import java.util.Collection;
import java.util.stream.Collectors;

/** How lists of tensor names, of which a model has hundreds, appear in messages. */
final class Names {

    private static final int SHOWN = 4;

    private Names() {}

    /** The first few names and the number of the others. */
    static String some(Collection<String> names) {
        if (names.isEmpty()) {
            return "none";
        }
        String shown = names.stream().limit(SHOWN).collect(Collectors.joining(", "));
        return names.size() <= SHOWN ? shown : shown + " and " + (names.size() - SHOWN) + " more";
    }
}
