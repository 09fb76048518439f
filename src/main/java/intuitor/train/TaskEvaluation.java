package intuitor.train;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.eval.run.Estimate;
import intuitor.eval.run.Drawing;
import intuitor.eval.run.EvaluatedModel;
import intuitor.eval.run.Evaluator;
import intuitor.eval.run.Summary;
import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.PythonSandbox;
import intuitor.eval.task.AlpacaEval;
import intuitor.eval.task.DataFolder;
import intuitor.eval.task.Problem;
import intuitor.eval.task.Task;
import intuitor.eval.task.Tasks;
import intuitor.model.ModelConfig;
import intuitor.rollout.Rollout;
import intuitor.text.PromptEncoder;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Benchmarks on the policy while it is trained: the first problems of each, one greedy completion. */
final class TaskEvaluation implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final int BATCH = 128;

    private final Map<Task, List<Problem>> tasks = new LinkedHashMap<>();
    private final Evaluator evaluator;
    private final PythonSandbox sandbox;

    private TaskEvaluation(Evaluator evaluator, PythonSandbox sandbox) {
        this.evaluator = evaluator;
        this.sandbox = sandbox;
    }

    /** Reads the problems; a {@link UserError} says what is missing. */
    static TaskEvaluation open(GrpoConfig config, Prompts prompts, ModelConfig model, Rollout rollout) {
        if (config.evalTasks().contains(AlpacaEval.NAME)) {
            throw new UserError("eval_tasks: " + AlpacaEval.NAME + " needs a judge; use eval on a checkpoint");
        }
        PythonSandbox sandbox = config.evalTasks().stream().anyMatch(Tasks::needsSandbox)
                ? PythonSandbox.open(Limits.CONTEST) : null;
        PromptEncoder plain = new PromptEncoder(prompts.tokenizer(), null, null,
                LocalDate.parse(config.chatTemplateDate()));
        Drawing drawing = new Drawing(1, 0, 0, 1, config.seed(), config.maxCompletionLength(), BATCH);
        TaskEvaluation evaluation = new TaskEvaluation(
                new Evaluator(new EvaluatedModel(rollout, model, prompts.tokenizer(), plain, prompts.encoder()),
                        drawing), sandbox);
        try {
            DataFolder data = new DataFolder(config.evalTasksData());
            for (Task task : Tasks.of(config.evalTasks(), () -> sandbox)) {
                List<Problem> problems = task.problems(data, config.evalTasksLimit());
                if (problems.isEmpty()) {
                    throw new UserError("eval_tasks: the data of " + task.name() + " hold no problem");
                }
                evaluation.tasks.put(task, problems);
            }
            return evaluation;
        } catch (RuntimeException e) {
            evaluation.close();
            throw e;
        }
    }

    /** Evaluates, writes the file, and returns a line for people. */
    String run(int step, Path file, BooleanSupplier stop) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("step", step);
        StringJoiner line = new StringJoiner(", ");
        tasks.forEach((task, problems) -> {
            Summary s = Summary.of(task, evaluator.run(task, problems, stop));
            Estimate accuracy = s.measures().get(Summary.ACCURACY);
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("accuracy", accuracy.mean());
            values.put("low95", accuracy.low());
            values.put("high95", accuracy.high());
            values.put("problems", s.problems());
            values.put("mean_tokens", s.meanTokens());
            values.put("stopped", s.stopped());
            all.put(task.name(), values);
            line.add(String.format(Locale.ROOT, "%s %.3f [%.3f, %.3f]", task.name(), accuracy.mean(), accuracy.low(),
                    accuracy.high()));
        });
        AtomicFiles.writeString(file, JSON.writeValueAsString(all) + "\n");
        return line.toString();
    }

    @Override
    public void close() {
        evaluator.close();
        if (sandbox != null) {
            sandbox.close();
        }
    }
}
