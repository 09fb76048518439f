package intuitor.text.jinja;

import java.util.List;

/** The variable {@code loop} of one round of a for loop. */
record Loop(List<Object> items, int index, int depth) {

    Object attribute(String name) {
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) items.size() - index;
            case "revindex0" -> (long) items.size() - index - 1;
            case "first" -> index == 0;
            case "last" -> index == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item: it");
            case "nextitem" -> index + 1 < items.size()
                    ? items.get(index + 1)
                    : new Undefined("there is no next item: it");
            case "cycle" -> (Callable) a -> a.positional().get(index % a.positional().size());
            default -> new Undefined("loop." + name);
        };
    }
}
