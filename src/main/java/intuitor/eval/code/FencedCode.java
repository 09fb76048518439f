package intuitor.eval.code;

import java.util.ArrayList;
import java.util.List;

/** Finds the program in an answer that talks about it, too. */
public final class FencedCode {

    private static final String FENCE = "```";

    private FencedCode() { }

    /** What stands between the last two lines with fences; empty where there are none. */
    public static String last(String completion) {
        List<String> lines = List.of(completion.split("\n", -1));
        List<Integer> fences = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).contains(FENCE)) {
                fences.add(i);
            }
        }
        return fences.size() < 2 ? ""
                : String.join("\n", lines.subList(fences.get(fences.size() - 2) + 1, fences.getLast()));
    }
}
