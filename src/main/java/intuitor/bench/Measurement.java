package intuitor.bench;

/**
 * What one case came to.
 *
 * @param millis        median of a call
 * @param ceilingMillis median of the ceiling, measured in turns with it, for as many bytes or operations
 * @param error         greatest difference from double precision, as {@link Errors} has it
 */
public record Measurement(KernelCase of, double millis, double ceilingMillis, double error) {

    /** Of the ceiling's speed; 1 is the ceiling. */
    public double fraction() {
        return ceilingMillis / millis;
    }

    /** TFLOP/s of a case bound by arithmetic, else TB/s. */
    double tera() {
        return tera(millis);
    }

    double ceilingTera() {
        return tera(ceilingMillis);
    }

    private double tera(double ms) {
        return (of.arithmetic() ? of.flops() : of.bytes()) / ms / 1e9;
    }
}
