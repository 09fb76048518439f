package intuitor.eval.alpaca;

import intuitor.eval.run.Estimate;

/**
 * What the judge's preferences come to.
 *
 * @param winRate          mean preference, in [0, 1], with its interval
 * @param lengthControlled the length-controlled win rate, over all pairs
 * @param judged           pairs with a preference
 * @param missing          pairs without: the judge named neither model
 */
public record AlpacaResult(Estimate winRate, LengthControlledWinRate lengthControlled, int judged, int missing) { }
