package intuitor.eval.run;

/**
 * What an evaluation takes, in seconds.
 *
 * @param generateSeconds spent generating
 * @param judgeSeconds    spent waiting for extraction and verdicts, in which nothing was generated
 */
public record Times(double generateSeconds, double judgeSeconds) {

    static final Times NONE = new Times(0, 0);

    Times plus(Times other) {
        return new Times(generateSeconds + other.generateSeconds, judgeSeconds + other.judgeSeconds);
    }

    Times minus(Times other) {
        return new Times(generateSeconds - other.generateSeconds, judgeSeconds - other.judgeSeconds);
    }
}
