package intuitor.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Every reward on completions whose values are worked out by hand. */
class RewardsTest {

    private static final String THINK = "<think>\\n.*?\\n</think>\\n<answer>\\n.*?\\n</answer>";
    private static final double NAN = Double.NaN;

    /** Two completions: of one token, and of three. */
    private final RewardContext tokens = context(null, List.of("", ""), List.of(
            completion(0, new float[] {-0.5f}, new float[] {2}, new float[] {3}),
            completion(1, new float[] {-1, -0.25f, -1.75f}, new float[] {1, 0.5f, 3}, new float[] {1, 2, 6})));

    @Test
    void tokenRewards() {
        assertArrayEquals(new double[] {3, 3}, reward("self_certainty").score(tokens));
        assertArrayEquals(new double[] {-2, -1.5}, reward("entropy").score(tokens));
        assertArrayEquals(new double[] {-2, -4.5}, reward("token_entropy").score(tokens));
        assertArrayEquals(new double[] {-0.5, -3}, reward("sequence_logprob").score(tokens));
        assertArrayEquals(new double[] {-0.5, -1}, reward("mean_logprob").score(tokens));
    }

    @Test
    void accuracyIsOfTheFinalAnswerByItsMeaning() {
        List<String> texts = List.of("so\n#### 0.5", "#### 2", "\\boxed{\\frac{1}{2}}", "it is 1/2", "");
        assertArrayEquals(new double[] {1, 0, 1, 0, 0}, score("accuracy", "1/2", texts));
        // the reference may be a solution
        assertArrayEquals(new double[] {1, 0, 1, 0, 0}, score("accuracy", "1 + 1 is 2, and\n#### 1/2", texts));
        assertTrue(reward("accuracy").needsAnswers());
    }

    @Test
    void whereTheReferenceCannotBeReadNothingIsJudged() {
        List<String> texts = List.of("#### 1", "#### \\frac{1");
        for (String unreadable : Arrays.asList("", "  ", null, "\\frac{1")) {
            assertArrayEquals(new double[] {NAN, NAN}, score("accuracy", unreadable, texts), "" + unreadable);
        }
    }

    /** The same text read in three ways. */
    @Test
    void extractionDecidesWhereTheAnswerIs() {
        List<String> texts = List.of("The answer is 7. It is not 8", "so 7.", "#### 7");
        assertArrayEquals(new double[] {0, 0, 1},
                new Accuracy(AnswerExtraction.STATED).score(context("7", texts)));
        assertArrayEquals(new double[] {1, 1, 1},
                new Accuracy(AnswerExtraction.MATH).score(context("7", texts)));
        assertArrayEquals(new double[] {0, 1, 1},
                new Accuracy(AnswerExtraction.LAST_NUMBER).score(context("7", texts)));
    }

    @Test
    void pluralityVote() {
        // 0.5 and 1/2 are one answer
        assertArrayEquals(new double[] {0, 1, 0, 1, 0},
                score("plurality_vote", null, List.of("#### 3", "#### 0.5", "", "#### 1/2", "#### 4")));
        // a tie goes to the first; an answer beats none however many have none
        assertArrayEquals(new double[] {1, 0, 0, 1},
                score("plurality_vote", null, List.of("#### 9", "#### 8", "#### 8", "#### 9")));
        assertArrayEquals(new double[] {0, 0, 1}, score("plurality_vote", null, List.of("?", "?", "#### 1")));
        assertArrayEquals(new double[] {0, 0}, score("plurality_vote", null, List.of("?", "?")));
    }

    @Test
    void semanticEntropyIsTheShareOfTheSameAnswer() {
        assertArrayEquals(new double[] {0.5, 0.25, 0.5, 0},
                score("semantic_entropy", null, List.of("#### 1", "#### 2", "#### 1", "?")));
        assertArrayEquals(new double[] {1, 1}, score("semantic_entropy", null, List.of("#### 1", "#### 1")));
    }

    /** Clusters of 2, 1 and 1 of 4: H = 0.5 ln 2 + 0.5 ln 4 = 1.5 ln 2, and H / ln 4 = 0.75. */
    @Test
    void semanticEntropyLeavesOutGroupsBeyondItsThresholds() {
        RewardContext c = context(null, List.of("#### 1", "#### 2", "#### 1", "?"));
        assertEquals(1.5 * Math.log(2), AnswerClusters.of(c.texts(), AnswerExtraction.STATED).entropy(), 1e-15);
        double[] none = {NAN, NAN, NAN, NAN};
        assertArrayEquals(new double[] {0.5, 0.25, 0.5, 0},
                new SemanticEntropy(AnswerExtraction.STATED, 0.74, 0.76).score(c));
        assertArrayEquals(none, new SemanticEntropy(AnswerExtraction.STATED, 0.76, 1).score(c));
        assertArrayEquals(none, new SemanticEntropy(AnswerExtraction.STATED, 0, 0.74).score(c));
    }

    @Test
    void formatIsOfTheWholeCompletion() {
        String right = "<think>\na\nb\n</think>\n<answer>\n7\n</answer>";
        assertArrayEquals(new double[] {1, 0, 0}, score("format", null, List.of(right, right + "\n", "7")));
    }

    /** Lengths 2, 6 and 4: lambda = 0.5, -0.5 and 0; the wrong ones get at most 0. */
    @Test
    void lengthRewardsShortAnswersAndPunishesLongOnes() {
        List<Completion> completions = List.of(completion(0, 2), completion(1, 6), completion(2, 4));
        Reward length = reward("length");
        assertArrayEquals(new double[] {0.5, -0.5, 0},
                length.score(context("7", List.of("#### 7", "#### 7", "#### 7"), completions)));
        assertArrayEquals(new double[] {0, -0.5, 0},
                length.score(context("7", List.of("#### 8", "#### 8", "#### 7"), completions)));
        assertArrayEquals(new double[] {0.5, -0.5, 0}, length.score(context("", List.of("?", "?", "?"), completions)));
        assertArrayEquals(new double[] {0, 0}, length.score(context("7", List.of("#### 7", "#### 8"),
                List.of(completion(0, 3), completion(1, 3)))));
        assertTrue(length.needsAnswers());
    }

    /** "a b c a B c": 4 trigrams, of which "a b c" is one twice: -(1 - 3/4). */
    @Test
    void repetitionPenalty() {
        assertArrayEquals(new double[] {-0.25, 0, 0, 0, -0.75},
                score("repetition_penalty", null, List.of(" a b c a\nB c", "a b", "", "a b c d", "a a a a a a")));
    }

    @Test
    void randomIsAFairCoinThatFallsTheSameWayAgain() {
        int heads = 0;
        for (int step = 0; step < 1000; step++) {
            RewardContext c = new RewardContext(group(2), null, 7, step, t -> "");
            double[] tosses = reward("random").score(c);
            assertArrayEquals(tosses, reward("random").score(c));
            for (double toss : tosses) {
                assertTrue(toss == 0 || toss == 1);
                heads += (int) toss;
            }
        }
        assertEquals(1000, heads, 4 * Math.sqrt(2000 * 0.25));
    }

    /** 64 tosses of each seed, step, prompt and completion, none like another. */
    @Test
    void randomDependsOnSeedStepPromptAndCompletion() {
        List<List<Double>> series = new ArrayList<>();
        for (int which = 0; which < 5; which++) {
            List<Double> tosses = new ArrayList<>();
            for (int k = 0; k < 64; k++) {
                Completion c = new Completion(which == 2 ? 1 : 0, which == 3 ? 1 : 0, new int[1], new float[1],
                        new float[1], new float[1], true);
                tosses.add(reward("random").score(new RewardContext(new Group(new int[] {1}, List.of(c)), null,
                        which == 4 ? 8 : 7, which == 1 ? k + 1000 : k, t -> ""))[0]);
            }
            series.add(tosses);
        }
        assertEquals(5, series.stream().distinct().count());
    }

    /** What a user would write: docs/rewards.md. */
    public static final class Shortest implements Reward {
        @Override
        public double[] score(RewardContext context) {
            return context.texts().stream().mapToDouble(text -> -text.length()).toArray();
        }
    }

    /** One that gives what it should not. */
    public static final class Broken implements Reward {
        @Override
        public double[] score(RewardContext context) {
            return switch (context.prompt()) {
                case "few" -> new double[1];
                case "infinite" -> new double[] {1, Double.POSITIVE_INFINITY};
                default -> throw new IllegalStateException("no\nidea");
            };
        }
    }

    @Test
    void aClassOfTheUsersOwn() {
        Rewards rewards = new Rewards(List.of("random", Shortest.class.getName()), List.of("0", "2"), settings());
        Scores scores = rewards.score(List.of(group(2)), Arrays.asList((String) null), 1, 0, t -> "x".repeat(t.length));
        assertEquals(List.of("random", "RewardsTest$Shortest"), scores.names());
        assertArrayEquals(new double[] {-1, -1}, scores.values()[1][0]);
        assertArrayEquals(new double[] {-2, -2}, scores.total()[0]);
        assertEquals(List.of(), rewards.thatNeedAnswers());
    }

    @Test
    void whatIsWrongWithAUsersRewardIsSaidInOneLine() {
        assertBroken("few", "reward RewardsTest$Broken, step 3: 1 numbers for 2 completions");
        assertBroken("infinite", "reward RewardsTest$Broken, step 3: an infinite reward");
        assertBroken("other", "reward RewardsTest$Broken, step 3: java.lang.IllegalStateException: no idea");
    }

    private static void assertBroken(String prompt, String message) {
        Rewards rewards = new Rewards(List.of(Broken.class.getName()), List.of(), settings());
        String said = assertThrows(UserError.class,
                () -> rewards.score(List.of(group(2)), Arrays.asList((String) null), 1, 2, t -> prompt)).getMessage();
        assertTrue(said.startsWith(message), said);
    }

    /** Answers are handed to all rewards of a run, and the total adds what was judged only. */
    @Test
    void rewardsAreWeightedAndAdded() {
        Rewards rewards = new Rewards(List.of("accuracy", "entropy"), List.of("2", "0.5"), settings());
        assertEquals(List.of("accuracy"), rewards.thatNeedAnswers());
        Group group = new Group(new int[] {1}, tokens.completions());
        Scores scores = rewards.score(List.of(group, group), List.of("5", ""), 1, 0,
                t -> "#### " + (t.length == 1 ? 5 : 6));
        assertArrayEquals(new double[] {2 - 1, -0.75}, scores.total()[0]);
        assertArrayEquals(new double[] {-1, -0.75}, scores.total()[1]);
    }

    private static Group group(int n) {
        return new Group(new int[] {1}, IntStream.range(0, n).mapToObj(i -> completion(i, 1)).toList());
    }

    private static double[] score(String name, String answer, List<String> texts) {
        return reward(name).score(context(answer, texts));
    }

    private static Reward reward(String name) {
        return RewardFactory.make(name, settings());
    }

    private static RewardSettings settings() {
        return new RewardSettings(AnswerExtraction.STATED, THINK, 0, 1, 3, -1);
    }

    private static RewardContext context(String answer, List<String> texts) {
        return context(answer, texts, IntStream.range(0, texts.size()).mapToObj(i -> completion(i, 1)).toList());
    }

    /** A completion's first token is its place, by which its text is found. */
    private static RewardContext context(String answer, List<String> texts, List<Completion> completions) {
        return new RewardContext(new Group(new int[] {0}, completions), answer, 1, 0, t -> texts.get(t[0]));
    }

    private static Completion completion(int index, int length) {
        return completion(index, new float[length], new float[length], new float[length]);
    }

    private static Completion completion(int index, float[] logprobs, float[] entropy, float[] certainty) {
        int[] tokens = new int[logprobs.length];
        tokens[0] = index;
        return new Completion(0, index, tokens, logprobs, entropy, certainty, true);
    }
}
