package intuitor.eval.answer;

/** How far an answer may be from the reference in form. */
public enum Rules {
    /**
     * Only what denotes the same thing is equal. A decimal stands for an irrational number or a fraction without finite
     * expansion only if at least 12 digits are written and all agree.
     */
    STRICT(12, false),

    /**
     * As benchmarks are scored: six agreeing decimal places are enough, a percent sign or a modulus of the reference
     * may be left out, and a single solution may stand in set braces or not.
     */
    BENCHMARK(6, true);

    private final int digits;
    private final boolean lenient;

    Rules(int digits, boolean lenient) {
        this.digits = digits;
        this.lenient = lenient;
    }

    /** Whether a decimal is written with enough digits to stand for a number whose expansion goes on. */
    boolean precise(Expr.Num n) {
        return n.decimals() > 0 && (lenient ? n.decimals() : n.digits()) >= digits;
    }

    boolean percentOptional() {
        return lenient;
    }

    /** Whether the number written may stand for its residue class. */
    boolean modulusOptional() {
        return lenient;
    }

    boolean bracesOptional() {
        return lenient;
    }
}
