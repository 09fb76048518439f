package intuitor.cli;

import intuitor.UserError;

/** Which tokens may be drawn, as {@code --top-k}, {@code --top-p} and {@code --min-p} say. */
record TokenFilters(int topK, double topP, double minP) {

    /** Refuses them where there is nothing to draw: in greedy decoding. */
    void requireNone() {
        String filter = topK != 0 ? "--top-k" : topP != 1 ? "--top-p" : minP != 0 ? "--min-p" : null;
        if (filter != null) {
            throw new UserError(filter + ": does nothing where the most likely token is always taken; give a "
                    + "--temperature above 0, or leave it out");
        }
    }
}
