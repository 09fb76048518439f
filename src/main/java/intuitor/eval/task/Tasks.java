package intuitor.eval.task;

import intuitor.UserError;
import intuitor.eval.code.ProgramJudge;
import intuitor.eval.sandbox.PythonSandbox;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** The benchmarks by name. */
public final class Tasks {

    /** The paper's six, in its order, and input prediction. */
    public static final List<String> NAMES =
            List.of("gsm8k", "math500", "livecodebench", "cruxeval", "mmlu_pro", AlpacaEval.NAME, "cruxeval_input");
    private static final Set<String> RUN_PROGRAMS = Set.of("livecodebench", "cruxeval", "cruxeval_input");

    private Tasks() { }

    /** The names, each once; a {@link UserError} says which is none. */
    public static List<String> requireNames(List<String> names, String option) {
        for (String name : names) {
            if (!NAMES.contains(name)) {
                throw new UserError(option + ": no task '" + name + "'; there are " + String.join(", ", NAMES));
            }
        }
        return List.copyOf(new LinkedHashSet<>(names));
    }

    /** Whether a task runs programs. */
    public static boolean needsSandbox(String name) {
        return RUN_PROGRAMS.contains(name);
    }

    /** @param sandbox opened when the first task needs it */
    public static List<Task> of(List<String> names, Supplier<PythonSandbox> sandbox) {
        List<Task> tasks = new ArrayList<>();
        for (String name : names) {
            tasks.add(switch (name) {
                case "gsm8k" -> new Gsm8k();
                case "math500" -> new Math500();
                case "livecodebench" -> new LiveCodeBench(new ProgramJudge(sandbox.get()));
                case "cruxeval" -> new CruxEval(sandbox.get(), false);
                case "cruxeval_input" -> new CruxEval(sandbox.get(), true);
                case "mmlu_pro" -> new MmluPro();
                case AlpacaEval.NAME -> new AlpacaEval();
                default -> throw new IllegalArgumentException("no task " + name);
            });
        }
        return tasks;
    }
}
