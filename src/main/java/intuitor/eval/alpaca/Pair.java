package intuitor.eval.alpaca;

/**
 * Two answers to an instruction.
 *
 * @param index       place in the data set
 * @param instruction what was asked
 * @param output      the model's answer
 * @param baseline    the answer that it is compared with
 */
public record Pair(int index, String instruction, String output, String baseline) { }
