package intuitor.eval.alpaca;

import intuitor.eval.run.Bootstrap;

/**
 * What the judge's preferences come to.
 *
 * @param winRate          mean preference, in [0, 1], with its bootstrap interval
 * @param lengthControlled the length-controlled win rate
 * @param judged           pairs with a preference
 * @param missing          pairs without: the judge named neither model
 */
public record AlpacaResult(Bootstrap winRate, LengthControlledWinRate lengthControlled, int judged, int missing) { }
