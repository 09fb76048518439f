package intuitor.reward;

import intuitor.eval.answer.Vote;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The completion of a group that is chosen without a judge: answers are elected by a Borda vote of the completions,
 * weighted by their rank in self-certainty (Kang et al., arXiv 2502.18581), and of those that give the answer the most
 * self-certain one is taken; where none gives an answer, the most self-certain of all.
 *
 * @param completion the chosen one
 * @param agreeing   completions that give its answer, itself included; 0 where it gives none
 */
public record BestOfN(Completion completion, int agreeing) {

    /** @param texts the group's completions */
    public static BestOfN of(Group group, List<String> texts, AnswerExtraction extraction) {
        List<Completion> all = group.completions();
        AnswerClusters answers = AnswerClusters.of(texts, extraction);
        double[] certainty = all.stream().mapToDouble(SelfCertainty::of).toArray();
        int elected = Vote.borda(IntStream.range(0, all.size()).map(answers::of).toArray(), certainty);
        int chosen = Vote.mostCertain(IntStream.range(0, all.size())
                .mapToDouble(i -> elected == Vote.NONE || answers.of(i) == elected ? certainty[i]
                        : Double.NEGATIVE_INFINITY).toArray());
        return new BestOfN(all.get(chosen), answers.size(chosen));
    }
}
