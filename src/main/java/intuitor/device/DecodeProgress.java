package intuitor.device;

/**
 * How far N sequences have come that decode for some steps while the host does not look, in device memory: what the
 * ABI's {@code it_decode_run} has beside the inputs of a step.
 *
 * @param drawPositions int32 [N], the position that the noise of each sequence's next draw depends on
 * @param drawn         int32 [N], tokens in the log
 * @param limit         int32 [N], at most K; a sequence has ended that has drawn as many, and repeats its last step
 * @param log           int32 [K, N, 4]: token, and the bits of its log-probability, entropy and self-certainty
 * @param stopTokens    int32, those that end a sequence; there may be none
 */
public record DecodeProgress(Tensor drawPositions, Tensor drawn, Tensor limit, Tensor log, Tensor stopTokens) {

    /** Numbers that the log has of a token. */
    public static final int WIDTH = 4;
}
