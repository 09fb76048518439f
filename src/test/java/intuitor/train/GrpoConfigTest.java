package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.recipe.KeySpec;
import intuitor.recipe.Recipe;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrpoConfigTest {

    @Test
    void keysHaveTrlsNames() {
        List<String> names = Recipe.keys(GrpoConfig.class).stream().map(KeySpec::name).toList();
        assertTrue(names.containsAll(List.of("num_generations", "max_completion_length", "max_prompt_length",
                "temperature", "top_k", "top_p", "min_p", "learning_rate", "lr_scheduler_type", "warmup_ratio",
                "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay", "max_grad_norm", "beta", "epsilon",
                "loss_type", "scale_rewards", "max_steps", "num_train_epochs", "save_steps", "save_total_limit",
                "log_completions", "logging_steps", "seed", "output_dir", "run_name", "shuffle_dataset", "reward_funcs",
                "reward_weights", "num_iterations", "epsilon_high", "delta", "importance_sampling_level",
                "mask_truncated_completions", "top_entropy_quantile", "sync_ref_model", "ref_model_mixup_alpha",
                "ref_model_sync_steps")));
    }

    @Test
    void defaultsAreIntuitors() {
        GrpoConfig c = config(Map.of());
        assertEquals(0.005, c.beta());
        assertEquals(LossType.GRPO, c.lossType());
        assertEquals(1, c.certaintyTemperature());
        assertEquals(GrpoConfig.PositionOffset.ALIGNED, c.positionOffset());
    }

    /** The published runs: 7,500 problems make 58 steps of 128, or 117 of 64. */
    @Test
    void anEpochIsTheWholeStepsInIt() {
        assertEquals(58, config(Map.of("prompts_per_step", "128")).totalSteps(7500));
        assertEquals(117, config(Map.of("prompts_per_step", "64")).totalSteps(7500));
        assertEquals(1, config(Map.of("prompts_per_step", "64")).totalSteps(10));
        assertEquals(50, config(Map.of("max_steps", "50")).totalSteps(10));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            max_steps          | 0       | --max-steps: 0 steps train nothing; give -1 for num_train_epochs
            max_steps          | 9000000 | --max-steps: expected a whole number in [-1, 8388606], found '9000000'
            num_generations    | 1       | --num-generations: expected a whole number in [2, 65535], found '1'
            temperature        | 0       | --temperature: expected a number in (0, inf), found '0'
            top_p              | 1.5     | --top-p: expected a number in (0, 1], found '1.5'
            loss_type          | ppo     | --loss-type: expected grpo, bnpo, dr_grpo, dapo, cispo, found 'ppo'
            learning_rate      | -1e-6   | --learning-rate: expected a number in [0, inf), found '-1e-6'
            reward_weights     | 1,2     | --reward-weights: 2 for 1 reward_funcs; give one for each
            reward_weights     | much    | --reward-weights: expected numbers, found 'much'
            reward_weights     | NaN     | --reward-weights: expected finite numbers, found 'NaN'
            format_pattern     | (       | --format-pattern: not a regular expression: Unclosed group in '('
            repetition_max_penalty | 1   | --repetition-max-penalty: expected a number in (-inf, 0], found '1'
            run_name           | ../x    | --run-name: letters, digits, '_', '-' and '.' only, found '../x'
            chat_template_date | today   | --chat-template-date: expected a date as 2024-07-26, found 'today'
            learning_rat       | 1       | --learning-rat: unknown key; did you mean learning_rate?
            """)
    void nonsenseIsRefused(String key, String value, String message) {
        assertEquals(message, assertThrows(UserError.class, () -> config(Map.of(key, value))).getMessage());
    }

    @Test
    void rewardsThatCannotBeMadeAreRefused() {
        assertMessage(Map.of("reward_funcs", "self_certanty"), "reward_funcs: no reward 'self_certanty'; did you mean "
                + "self_certainty? (there are self_certainty, accuracy, plurality_vote, entropy, token_entropy, "
                + "sequence_logprob, mean_logprob, semantic_entropy, format, length, repetition_penalty, code, random, "
                + "and classes of your own by their full names)");
        assertMessage(Map.of("reward_funcs", "a.B"),
                "reward_funcs: no class a.B on the class path; INTUITOR_CLASSPATH can name its jar");
        assertMessage(Map.of("reward_funcs", "java.lang.Object"),
                "reward_funcs: java.lang.Object does not implement intuitor.reward.Reward");
        assertMessage(Map.of("reward_funcs", "intuitor.reward.Reward"), "reward_funcs: intuitor.reward.Reward needs to "
                + "be a public class with a public constructor without parameters");
    }

    @Test
    void settingsThatContradictEachOtherAreRefused() {
        assertMessage(Map.of("certainty_model", "reference", "reward_funcs", "random"),
                "certainty_model: reference goes with self_certainty only, which reward_funcs does not name");
        assertMessage(Map.of("position_offset", "legacy", "reward_funcs", "entropy"),
                "position_offset: legacy goes with self_certainty only, which reward_funcs does not name");
        assertMessage(Map.of("position_offset", "legacy", "certainty_model", "reference"),
                "position_offset: legacy goes with certainty_model policy only");
        assertMessage(Map.of("semantic_entropy_low", "0.5", "semantic_entropy_high", "0.1"),
                "semantic_entropy_low: 0.5 is above semantic_entropy_high, 0.1");
        assertMessage(Map.of("loss_type", "cispo"), "epsilon_high: loss_type cispo clips the ratio to it; give one of "
                + "at least 1, for instance 5");
        assertMessage(Map.of("loss_type", "cispo", "epsilon_high", "5", "importance_sampling_level", "sequence"),
                "importance_sampling_level: loss_type cispo weights tokens; sequence goes with the other loss types");
        assertMessage(Map.of("loss_type", "cispo", "epsilon_high", "5", "delta", "7"),
                "delta: goes with clipped losses, not with loss_type cispo");
        assertMessage(Map.of("epsilon_high", "0.5", "delta", "1.5"),
                "delta: 1.5 is not above the clipped ratio's upper bound, 1 + epsilon_high = 1.5");
        assertMessage(Map.of("lm_head", "fused"),
                "lm_head: fused does not give the bits of sampling; give batch_invariant false, or lm_head tiled");
        assertMessage(Map.of("sync_ref_model", "true", "beta", "0"),
                "sync_ref_model: with beta 0 there is no reference");
        assertMessage(Map.of("sync_ref_model", "true", "certainty_model", "reference"), "sync_ref_model: goes with "
                + "certainty_model policy only; the frozen base cannot judge once it moves");
    }

    @Test
    void theFusedHeadDrawsWhatIsNotFiltered() {
        Map<String, String> fused = Map.of("lm_head", "fused", "batch_invariant", "false");
        assertFalse(config(Map.of()).drawsFused());
        assertTrue(config(fused).drawsFused());
        for (String key : List.of("top_k:5", "top_p:0.9", "min_p:0.1", "repetition_penalty:1.1")) {
            Map<String, String> filtered = new HashMap<>(fused);
            filtered.put(key.split(":")[0], key.split(":")[1]);
            assertFalse(config(filtered).drawsFused(), key);
        }
    }

    /** On a GPU generation multiplies by the weights as they are. */
    @Test
    void aGpuDrawsInItsStorageType() {
        try (Device device = Device.open("emu", 1)) {
            assertEquals(DType.BF16, config(Map.of()).rolloutMatrices(device, DType.BF16));
            assertEquals(DType.BF16, config(Map.of("rollout_dtype", "bfloat16")).rolloutMatrices(device, DType.BF16));
            assertEquals(DType.F32, config(Map.of()).rolloutMatrices(device, DType.F32));
            assertEquals("rollout_dtype: on a GPU completions are drawn in dtype, here bfloat16; leave it out",
                    assertThrows(UserError.class,
                            () -> config(Map.of("rollout_dtype", "float32")).rolloutMatrices(device, DType.BF16))
                            .getMessage());
        }
    }

    @Test
    void selfCertaintyIsRewardedIfItsWeightSaysSo() {
        assertTrue(config(Map.of()).rewardsSelfCertainty());
        assertFalse(config(Map.of("reward_funcs", "length")).rewardsSelfCertainty());
        for (String weight : List.of("0", "-1", "0.5")) { // 0: only looked at
            Map<String, String> keys = Map.of("reward_funcs", "length, self_certainty", "reward_weights",
                    "1, " + weight);
            assertEquals(weight.equals("0.5"), config(keys).rewardsSelfCertainty());
        }
    }

    /** @param message begins with the key that it is about; one that is given, as a flag, is called as that */
    private static void assertMessage(Map<String, String> keys, String message) {
        String key = message.substring(0, Math.max(0, message.indexOf(':')));
        String expected = keys.containsKey(key) ? "--" + key.replace('_', '-') + message.substring(key.length())
                : message;
        assertEquals(expected, assertThrows(UserError.class, () -> config(keys)).getMessage());
    }

    static GrpoConfig config(Map<String, String> keys) {
        Map<String, String> all = new HashMap<>(Map.of("model", "base", "data", "prompts.jsonl"));
        all.putAll(keys);
        return Recipe.read(GrpoConfig.class, null, all);
    }

    /** Flags that more than one other key puts to use. */
    @Test
    void whatBenchmarksUseIsNoUselessFlag() {
        assertTrue(config(Map.of("eval_tasks", "gsm8k", "eval_steps", "5", "eval_tasks_data", "x", "eval_on_start",
                "true", "eval_on_end", "true")).evalOnStart());
        assertEquals(1, config(Map.of("save_steps", "0", "save_total_limit", "1")).saveTotalLimit(),
                "a stop leaves a checkpoint, too");
    }
}
