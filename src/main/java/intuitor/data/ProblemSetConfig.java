package intuitor.data;

import intuitor.recipe.Key;
import intuitor.recipe.Spelling;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A set of generated problems: the flags of {@code problems}. */
public record ProblemSetConfig(

        @Key(required = true, help = "JSONL file to write")
        Path output,
        @Key(value = "1", help = "seed of the problems")
        long seed,
        @Key(value = "500", range = "[1, 100000]", help = "problems, all different")
        int count,
        @Key(help = "kinds of problem, each as likely as the others (default: the corpus's, as often as it has each)")
        List<String> kinds,
        @Key(value = "false", help = "only problems that no base model has seen: one question in eight is kept back")
        boolean heldOut,
        @Key(value = "true", help = "write the answers, too")
        boolean answers) {

    public ProblemSetConfig {
        List<String> names = Arrays.stream(ProblemKind.values()).map(ProblemSetConfig::name).toList();
        for (String kind : kinds) {
            if (!names.contains(kind)) {
                throw new IllegalArgumentException("kinds: no kind '" + kind + "'" + Spelling.hint(kind, names)
                        + "; there are " + String.join(", ", names));
            }
        }
    }

    List<ProblemKind> problemKinds() {
        return kinds.stream().map(kind -> ProblemKind.valueOf(kind.toUpperCase(Locale.ROOT))).toList();
    }

    private static String name(ProblemKind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }
}
