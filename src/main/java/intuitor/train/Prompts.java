package intuitor.train;

import intuitor.UserError;
import intuitor.data.Prompt;
import intuitor.data.PromptSet;
import intuitor.device.Sampling;
import intuitor.model.ModelConfig;
import intuitor.monitor.Probe;
import intuitor.rollout.Decoding;
import intuitor.rollout.StopStrings;
import intuitor.rollout.StopTokens;
import intuitor.text.ChatTemplate;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;
import intuitor.train.GrpoConfig.ChatTemplateUse;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The prompts of a run as the model reads them, and when its answers end.
 *
 * @param tokenizer    the base model's
 * @param encoder      from text to prompt
 * @param encoded      the prompts that are short enough, in the file's order
 * @param leftOut      number of those that are too long
 * @param decoding     how completions are drawn
 * @param maxPositions longest sequence of the model
 */
record Prompts(Tokenizer tokenizer, PromptEncoder encoder, List<EncodedPrompt> encoded, int leftOut, Decoding decoding,
        int maxPositions) {

    /** Reads tokenizer, template and prompts; a {@link UserError} says what does not fit the settings or the model. */
    static Prompts read(GrpoConfig config) {
        ModelConfig model = ModelConfig.read(config.model());
        Tokenizer tokenizer = Tokenizer.load(config.model());
        if (tokenizer.vocabSize() > model.vocabSize()) {
            throw new UserError(config.model() + ": the tokenizer has " + tokenizer.vocabSize()
                    + " tokens, the model only " + model.vocabSize());
        }
        PromptEncoder encoder = new PromptEncoder(tokenizer, template(config), config.systemPrompt(),
                LocalDate.parse(config.chatTemplateDate()));
        List<Prompt> all = unencoded(config);
        List<EncodedPrompt> encoded = all.stream().map(p -> new EncodedPrompt(encode(encoder, p, config.data()),
                p.answer()))
                .filter(p -> p.tokens().length > 0 && p.tokens().length <= config.maxPromptLength()).toList();
        if (encoded.isEmpty()) {
            throw new UserError(config.data() + ": no prompt has at most max_prompt_length = "
                    + config.maxPromptLength() + " tokens");
        }
        int longest = longest(encoded);
        if (longest + config.maxCompletionLength() > model.maxPositions()) {
            throw new UserError("max_completion_length: " + config.maxCompletionLength() + " after a prompt of "
                    + longest + " tokens is more than the model's max_position_embeddings, " + model.maxPositions()
                    + "; lower it, or max_prompt_length");
        }
        Sampling sampling = new Sampling(config.temperature(), config.topK(), config.topP(), config.minP(),
                tokenizer.vocabSize(), config.seed());
        Decoding decoding = new Decoding(sampling, config.maxCompletionLength(),
                stopTokens(config, model, tokenizer, encoder), config.certaintyTemperature(),
                config.repetitionPenalty(), new StopStrings(tokenizer, config.stopStrings()));
        return new Prompts(tokenizer, encoder, encoded, all.size() - encoded.size(), decoding, model.maxPositions());
    }

    /** Tokens of the longest prompt. */
    int longest() {
        return longest(encoded);
    }

    private static int longest(List<EncodedPrompt> prompts) {
        return prompts.stream().mapToInt(p -> p.tokens().length).max().orElseThrow();
    }

    /** The prompts as the data have them; without their answers, unless a reward needs these. */
    static List<Prompt> unencoded(GrpoConfig config) {
        List<String> needing = config.rewards().thatNeedAnswers();
        return needing.isEmpty() ? PromptSet.readPrompts(config.data(), config.columns())
                : PromptSet.readProblems(config.data(), config.columns(), "the reward " + needing.getFirst());
    }

    /** What a completion says, up to a stop string: what rewards and judges read. */
    String text(int[] tokens) {
        return decoding.stopStrings().textOf(tokens);
    }

    private static int[] encode(PromptEncoder encoder, Prompt prompt, Path file) {
        try {
            return encoder.encode(prompt.messages());
        } catch (UserError e) {
            throw new UserError(file + ": " + e.getMessage(), e);
        }
    }

    /** The first problems of {@code eval_data}. */
    HeldOutEvaluation evaluation(GrpoConfig config) {
        List<Prompt> problems = problems(config, config.evalData(), config.evalPrompts(), "an evaluation");
        return new HeldOutEvaluation(problems, questions(config.evalData(), problems), this::text, decoding,
                config.evalSamples(), config.answerExtraction());
    }

    /** The first problems of {@code probe_data}. */
    Probe probe(GrpoConfig config) {
        List<Prompt> problems = problems(config, config.probeData(), config.probePrompts(), "the probe");
        return new Probe(problems, questions(config.probeData(), problems), decoding, config.probeSamples(),
                this::text, config.answerExtraction());
    }

    private static List<Prompt> problems(GrpoConfig config, Path file, int limit, String purpose) {
        List<Prompt> problems = PromptSet.readProblems(file, config.columns().orUsual(), purpose);
        return problems.subList(0, Math.min(limit, problems.size()));
    }

    /** Problems put to the model as the prompts are; none is left out, so each must fit. */
    private List<int[]> questions(Path file, List<Prompt> problems) {
        List<int[]> questions = problems.stream().map(p -> encode(encoder, p, file)).toList();
        for (int i = 0; i < questions.size(); i++) {
            requireFits(questions.get(i).length, file + ": prompt " + (i + 1));
        }
        return questions;
    }

    private void requireFits(int length, String which) {
        if (length == 0) {
            throw new UserError(which + " has no tokens");
        }
        if (length + decoding.maxLength() > maxPositions) {
            throw new UserError(which + " has " + length + " tokens; with max_completion_length = "
                    + decoding.maxLength() + " that is more than the model's max_position_embeddings, " + maxPositions);
        }
    }

    private static ChatTemplate template(GrpoConfig config) {
        Optional<ChatTemplate> template = config.chatTemplate() == ChatTemplateUse.NEVER ? Optional.empty()
                : ChatTemplate.load(config.model());
        if (template.isEmpty() && (config.chatTemplate() == ChatTemplateUse.ALWAYS || config.systemPrompt() != null)) {
            throw new UserError(config.model() + " has no chat template, which "
                    + (config.systemPrompt() != null ? "a system_prompt needs" : "chat_template: always asks for"));
        }
        return template.orElse(null);
    }

    private static Set<Integer> stopTokens(GrpoConfig config, ModelConfig model, Tokenizer tokenizer,
            PromptEncoder encoder) {
        Set<Integer> stop = StopTokens.of(model, tokenizer, encoder, config.stopTokens());
        if (stop.isEmpty()) {
            throw new UserError(config.model() + " names no end token (eos_token_id); give one with stop_tokens");
        }
        return stop;
    }
}
