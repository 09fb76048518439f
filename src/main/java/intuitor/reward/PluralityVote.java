package intuitor.reward;

import java.util.stream.IntStream;

/**
 * 1 for a completion that gives the group's most common answer, else 0: GRPO-PV of Intuitor's paper, TTRL's majority
 * vote (Zuo et al. 2025, arXiv 2504.16084). Of answers that are equally common, the first to appear counts; where no
 * completion has an answer, all get 0.
 */
final class PluralityVote implements Reward {

    private final AnswerExtraction extraction;

    PluralityVote(AnswerExtraction extraction) {
        this.extraction = extraction;
    }

    @Override
    public double[] score(RewardContext context) {
        AnswerClusters answers = AnswerClusters.of(context.texts(), extraction);
        int plurality = answers.plurality();
        return IntStream.range(0, context.completions().size())
                .mapToDouble(i -> answers.of(i) != AnswerClusters.NONE && answers.of(i) == plurality ? 1 : 0).toArray();
    }
}
