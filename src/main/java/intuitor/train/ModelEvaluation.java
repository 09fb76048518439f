package intuitor.train;

import intuitor.checkpoint.ModelFolder;
import intuitor.device.Device;
import intuitor.model.InferenceWeights;
import intuitor.model.ModelConfig;
import intuitor.model.Transformer;
import intuitor.recipe.Recipe;
import intuitor.rollout.CacheBudget;
import intuitor.rollout.Rollout;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Evaluates a model outside of its run: the base, or one that was trained, on any number of held-out tasks. */
public final class ModelEvaluation {

    private ModelEvaluation() { }

    /**
     * Evaluates as {@code train} does before and after a run with these settings: their prompts' form, decoding, seed,
     * {@code eval_prompts} and {@code eval_samples}; models evaluated with the same settings get the same noise.
     *
     * @param config their {@code model} is the base, whose tokenizer and template are used
     * @param model  folder of the model to evaluate
     * @param tasks  files of problems with answers, by name
     * @param stop   polled before each token
     * @return by name
     * @throws intuitor.UserError for a file or model that does not fit
     */
    public static Map<String, HeldOutEvaluation.Judged> run(GrpoConfig config, Path model, Map<String, Path> tasks,
                                                            BooleanSupplier stop) {
        Prompts prompts = Prompts.read(config.chatTemplateDate() != null ? config
                : Recipe.with(config, Map.of("chat_template_date", LocalDate.now().toString())));
        Map<String, HeldOutEvaluation> evaluations = new LinkedHashMap<>();
        tasks.forEach((name, file) -> evaluations.put(name,
                prompts.evaluation(Recipe.with(config, Map.of("eval_data", file.toString())))));
        Map<String, HeldOutEvaluation.Judged> judged = new LinkedHashMap<>();
        try (Device device = Device.open(config.device(), config.threads(), config.cudaLibraries(),
                        config.attention());
                Transformer transformer = load(device, config, model);
                Rollout rollout = new Rollout(device, transformer, config.lmHead(), config.kvCacheMib() != 0
                        ? config.cacheBytes()
                        : CacheBudget.inference(device, transformer.config(), transformer.dtype(),
                                config.memoryUtilization()))) {
            evaluations.forEach((name, evaluation) -> judged.put(name, evaluation.judge(rollout, stop)));
        }
        return judged;
    }

    private static Transformer load(Device device, GrpoConfig config, Path model) {
        try (ModelFolder files = ModelFolder.open(model)) {
            return new Transformer(device,
                    InferenceWeights.load(device, ModelConfig.read(model), config.dtype().on(device), files));
        }
    }
}
