package intuitor.data;

/** What an arithmetic problem is about. */
public enum ProblemKind {
    /** Someone gets more, then gives some away. */
    GAIN_THEN_LOSS,
    /** Someone gives some away, then gets more. */
    LOSS_THEN_GAIN,
    /** One has more than the other: how many together. */
    COMPARISON,
    /** Equal groups and some more. */
    GROUPS_AND_MORE,
    /** Equal groups, less some. */
    GROUPS_AND_LESS,
    /** Shared equally, and some more. */
    SHARING,
    /** The next number of an arithmetic sequence. */
    SEQUENCE,
    /** A bare expression of two operations. */
    EXPRESSION,
    /** A sum of three numbers, told in words. */
    THREE_PARTS
}
