package intuitor.train;

import intuitor.rollout.TokenListener;

/** Counts the tokens that another listener is told. */
final class CountedTokens implements TokenListener {

    private final TokenListener listener;
    private final StepProgress progress;
    private final long atMost;
    private long count;

    /** @param atMost tokens that there can be */
    CountedTokens(TokenListener listener, StepProgress progress, long atMost) {
        this.listener = listener;
        this.progress = progress;
        this.atMost = atMost;
    }

    @Override
    public void token(int prompt, int index, int token) {
        listener.token(prompt, index, token);
        progress.at(StepProgress.Phase.GENERATING, ++count, atMost);
    }

    @Override
    public int maxDelay() {
        return listener.maxDelay();
    }

    @Override
    public boolean ends(int prompt, int index) {
        return listener.ends(prompt, index);
    }
}
