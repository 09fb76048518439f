package intuitor.eval.alpaca;

/** What AlpacaEval 2's judge is asked (alpaca_eval_clf_gpt4_turbo): to name the better of two models, m and M. */
final class JudgePrompt {

    static final String SYSTEM = "You are a highly efficient assistant, who evaluates and selects the best large "
            + "language model (LLMs) based on the quality of their responses to a given instruction. This process will "
            + "be used to create a leaderboard reflecting the most accurate and human-preferred answers.";

    private static final String USER = """
            I require a leaderboard for various large language models. I'll provide you with prompts given to these \
            models and their corresponding outputs. Your task is to assess these responses, and select the model that \
            produces the best output from a human perspective.

            ## Instruction

            {
                "instruction": ""\"{instruction}""\",
            }

            ## Model Outputs

            Here are the unordered outputs from the models. Each output is associated with a specific model, \
            identified by a unique model identifier.

            {
                {
                    "model_identifier": "m",
                    "output": ""\"{output_1}""\"
                },
                {
                    "model_identifier": "M",
                    "output": ""\"{output_2}""\"
                }
            }

            ## Task

            Evaluate the models based on the quality and relevance of their outputs, and select the model that \
            generated the best output. Answer by providing the model identifier of the best model. We will use your \
            output as the name of the best model, so make sure your output only contains one of the following model \
            identifiers and nothing else (no quotes, no spaces, no new lines, ...): m or M.

            ## Best Model Identifier""";

    private JudgePrompt() { }

    /** The places are found once, so that an output with braces in it changes nothing. */
    static String user(String instruction, String first, String second) {
        StringBuilder text = new StringBuilder();
        int from = 0;
        for (String[] place : new String[][] {{"{instruction}", instruction}, {"{output_1}", first},
                {"{output_2}", second}}) {
            int at = USER.indexOf(place[0], from);
            text.append(USER, from, at).append(place[1]);
            from = at + place[0].length();
        }
        return text.append(USER.substring(from)).toString();
    }
}
