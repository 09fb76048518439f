package intuitor.reward;

import intuitor.eval.answer.Equivalence;
import intuitor.eval.answer.Rules;
import intuitor.eval.answer.Vote;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Completions of a group by what they answer. An answer joins the first cluster whose first answer it equals by {@link
 * Equivalence}; a completion without an answer belongs to none.
 */
public final class AnswerClusters {

    /** For a completion without an answer. */
    public static final int NONE = Vote.NONE;

    private final int[] clusterOf;
    private final int[] sizes;

    private AnswerClusters(int[] clusterOf, int[] sizes) {
        this.clusterOf = clusterOf;
        this.sizes = sizes;
    }

    /** @param texts the completions of a group */
    public static AnswerClusters of(List<String> texts, AnswerExtraction extraction) {
        List<String> representatives = new ArrayList<>();
        int[] clusterOf = new int[texts.size()];
        int[] sizes = new int[texts.size()];
        for (int i = 0; i < clusterOf.length; i++) {
            Optional<String> answer = extraction.of(texts.get(i));
            clusterOf[i] = answer.isEmpty() ? NONE : cluster(answer.get(), representatives);
            if (clusterOf[i] != NONE) {
                sizes[clusterOf[i]]++;
            }
        }
        return new AnswerClusters(clusterOf, sizes);
    }

    private static int cluster(String answer, List<String> representatives) {
        for (int c = 0; c < representatives.size(); c++) {
            if (Equivalence.equal(representatives.get(c), answer, Rules.BENCHMARK, Equivalence.LIMIT)) {
                return c;
            }
        }
        representatives.add(answer);
        return representatives.size() - 1;
    }

    /** The cluster of a completion, or {@link #NONE}; clusters are numbered in order of appearance. */
    public int of(int completion) {
        return clusterOf[completion];
    }

    /** How many completions give the same answer as this one, itself included; 0 if it gives none. */
    public int size(int completion) {
        return clusterOf[completion] == NONE ? 0 : sizes[clusterOf[completion]];
    }

    /** The largest cluster, the first of them where several are; {@link #NONE} where no completion has an answer. */
    public int plurality() {
        return Vote.majority(clusterOf);
    }

    /** {@code -sum_c p_c log p_c} in nats, p_c = |c| / G; a completion without an answer is a cluster of its own. */
    public double entropy() {
        double entropy = 0;
        for (int i = 0; i < clusterOf.length; i++) {
            entropy -= Math.log((double) Math.max(1, size(i)) / clusterOf.length) / clusterOf.length;
        }
        return entropy;
    }
}
