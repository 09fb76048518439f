package intuitor.eval.alpaca;

/**
 * The judge's preference: a line of {@code judgements.jsonl}.
 *
 * @param index          of the pair
 * @param judge          the judge's model
 * @param asSecond       P(model is better) when the baseline's output came first; null: no valid answer
 * @param asFirst        the same when the model's output came first
 * @param length         characters of the model's output
 * @param baselineLength characters of the baseline's
 */
public record Judgement(int index, String judge, Double asSecond, Double asFirst, int length, int baselineLength) {

    /** The mean over the orders that were answered; null if none was. */
    public Double preference() {
        if (asSecond == null || asFirst == null) {
            return asSecond == null ? asFirst : asSecond;
        }
        return (asSecond + asFirst) / 2;
    }
}
