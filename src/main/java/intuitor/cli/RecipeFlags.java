package intuitor.cli;

import intuitor.recipe.KeySpec;
import intuitor.recipe.Recipe;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** Gives a command a flag for each key of a recipe. Their texts go to {@link Recipe#read}, which checks them. */
abstract class RecipeFlags implements IModelTransformer {

    private final Class<? extends Record> settings;

    RecipeFlags(Class<? extends Record> settings) {
        this.settings = settings;
    }

    @Override
    public CommandSpec transform(CommandSpec command) {
        for (KeySpec key : Recipe.keys(settings)) {
            String preset = key.defaultText().isEmpty() ? "" : " (default: " + key.defaultText() + ")";
            command.addOption(OptionSpec.builder(key.flag())
                    .paramLabel(key.label())
                    .type(String.class)
                    .description((key.help() + preset).replace("%", "%%"))
                    .build());
        }
        return command;
    }

    /** The flags that were given: text by key name. */
    static Map<String, String> given(Class<? extends Record> settings, ParseResult parsed) {
        Map<String, String> flags = new LinkedHashMap<>();
        for (KeySpec key : Recipe.keys(settings)) {
            if (parsed.hasMatchedOption(key.flag())) {
                flags.put(key.name(), parsed.matchedOption(key.flag()).<String>getValue());
            }
        }
        return flags;
    }
}
