package intuitor.eval.run;

import intuitor.model.ModelConfig;
import intuitor.rollout.Rollout;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;

/**
 * The model that is evaluated.
 *
 * @param rollout   generates
 * @param config    of the model
 * @param tokenizer of the model
 * @param plain     takes prompts as they are
 * @param chat      puts prompts into the chat template; the same as {@code plain} where none is used
 */
public record EvaluatedModel(Rollout rollout, ModelConfig config, Tokenizer tokenizer, PromptEncoder plain,
        PromptEncoder chat) { }
