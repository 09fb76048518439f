package intuitor.eval.answer;

import ch.obermuhlner.math.big.BigDecimalMath;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/**
 * A complex number of many digits. Functions take their principal values. Arguments so large that a function would
 * take long or overflow throw {@link NoValueException}.
 */
record Complex(BigDecimal re, BigDecimal im) {
    static final Complex ZERO = new Complex(BigDecimal.ZERO, BigDecimal.ZERO);
    static final Complex ONE = new Complex(BigDecimal.ONE, BigDecimal.ZERO);
    static final Complex I = new Complex(BigDecimal.ZERO, BigDecimal.ONE);
    private static final int MAX_MAGNITUDE = 1_000_000_000;

    static Complex of(BigDecimal re) {
        return new Complex(re, BigDecimal.ZERO);
    }

    static Complex of(Rational x, MathContext mc) {
        return of(x.toBigDecimal(mc));
    }

    boolean isReal() {
        return im.signum() == 0;
    }

    boolean isZero() {
        return re.signum() == 0 && im.signum() == 0;
    }

    /** The decimal exponent of the larger part, a little more than the number's own; the least int for zero. */
    int magnitude() {
        return Math.max(magnitude(re), magnitude(im));
    }

    static int magnitude(BigDecimal x) {
        if (x.signum() == 0) {
            return Integer.MIN_VALUE;
        }
        long m = (long) x.precision() - x.scale();
        if (Math.abs(m) > MAX_MAGNITUDE) {
            throw new NoValueException("too large");
        }
        return (int) m;
    }

    Complex plus(Complex o, MathContext mc) {
        return new Complex(re.add(o.re, mc), im.add(o.im, mc));
    }

    Complex minus(Complex o, MathContext mc) {
        return new Complex(re.subtract(o.re, mc), im.subtract(o.im, mc));
    }

    Complex negate() {
        return new Complex(re.negate(), im.negate());
    }

    Complex times(Complex o, MathContext mc) {
        if (isReal() && o.isReal()) {
            return of(re.multiply(o.re, mc));
        }
        return new Complex(difference(re.multiply(o.re, mc), im.multiply(o.im, mc), mc),
                difference(re.multiply(o.im, mc), im.multiply(o.re, mc).negate(), mc));
    }

    /** a - b, exactly zero where nothing but rounding is left. */
    private static BigDecimal difference(BigDecimal a, BigDecimal b, MathContext mc) {
        BigDecimal d = a.subtract(b, mc);
        return d.signum() != 0 && magnitude(d) < Math.max(magnitude(a), magnitude(b)) - mc.getPrecision() + 6
                ? BigDecimal.ZERO : d;
    }

    Complex over(Complex o, MathContext mc) {
        if (o.isZero()) {
            throw new NoValueException("division by zero");
        }
        if (o.isReal()) {
            return new Complex(re.divide(o.re, mc), im.divide(o.re, mc));
        }
        BigDecimal norm = o.re.multiply(o.re, mc).add(o.im.multiply(o.im, mc), mc);
        return times(new Complex(o.re, o.im.negate()), mc).over(of(norm), mc);
    }

    BigDecimal abs(MathContext mc) {
        return isReal() ? re.abs() : re.signum() == 0 ? im.abs()
                : re.multiply(re, mc).add(im.multiply(im, mc), mc).sqrt(mc);
    }

    BigDecimal arg(MathContext mc) {
        if (isZero()) {
            throw new NoValueException("argument of zero");
        }
        int gap = isReal() ? Integer.MIN_VALUE : re.signum() == 0 ? Integer.MAX_VALUE : magnitude(im) - magnitude(re);
        if (gap < -mc.getPrecision() - 10) {
            return re.signum() > 0 ? BigDecimal.ZERO : BigDecimalMath.pi(mc);
        }
        if (gap > mc.getPrecision() + 10) {
            return BigDecimalMath.pi(mc).divide(BigDecimal.valueOf(2L * im.signum()), mc);
        }
        return BigDecimalMath.atan2(im, re, mc);
    }

    Complex exp(MathContext mc) {
        limit(re, 6);
        limit(im, 9);
        if (!isReal() && (isTiny(re, mc) || isTiny(im, mc))) {
            // the rest of a rounding error beside the other part
            return new Complex(isTiny(re, mc) ? BigDecimal.ZERO : re, isTiny(im, mc) ? BigDecimal.ZERO : im).exp(mc);
        }
        BigDecimal r = BigDecimalMath.exp(sizeable(re, mc), mc);
        return isReal() ? of(r) : new Complex(r.multiply(cos(im, mc), mc), r.multiply(sin(im, mc), mc));
    }

    Complex log(MathContext mc) {
        if (isZero()) {
            throw new NoValueException("logarithm of zero");
        }
        return new Complex(ln(abs(mc), mc), arg(mc));
    }

    /** The library takes time in proportion to the exponent: it is taken out before. */
    private static BigDecimal ln(BigDecimal x, MathContext mc) {
        int exponent = magnitude(x);
        if (Math.abs(exponent) < 5) {
            return BigDecimalMath.log(x, mc);
        }
        BigDecimal rest = BigDecimalMath.log(x.movePointLeft(exponent), mc);
        return rest.add(BigDecimalMath.log(BigDecimal.TEN, mc).multiply(BigDecimal.valueOf(exponent), mc), mc);
    }

    Complex sqrt(MathContext mc) {
        if (isReal()) {
            return re.signum() >= 0 ? of(re.sqrt(mc)) : new Complex(BigDecimal.ZERO, re.negate().sqrt(mc));
        }
        BigDecimal r = abs(mc);
        BigDecimal two = BigDecimal.TWO;
        BigDecimal a = r.add(re, mc).divide(two, mc).max(BigDecimal.ZERO).sqrt(mc);
        BigDecimal b = r.subtract(re, mc).divide(two, mc).max(BigDecimal.ZERO).sqrt(mc);
        // the larger part by the formula, the smaller from the product of both: no cancellation
        if (re.signum() >= 0) {
            b = im.abs().divide(a.multiply(two, mc), mc);
        } else {
            a = im.abs().divide(b.multiply(two, mc), mc);
        }
        return new Complex(a, im.signum() < 0 ? b.negate() : b);
    }

    /** An integer power by repeated squaring. */
    Complex pow(BigInteger n, MathContext mc) {
        if (n.bitLength() > 40) {
            throw new NoValueException("exponent too large");
        }
        if (n.signum() < 0) {
            return ONE.over(pow(n.negate(), mc), mc);
        }
        Complex result = ONE;
        Complex square = this;
        for (int i = 0; i < n.bitLength(); i++) {
            if (n.testBit(i)) {
                result = result.times(square, mc);
                result.magnitude();
            }
            if (i + 1 < n.bitLength()) {
                square = square.times(square, mc);
                square.magnitude();
            }
        }
        return result;
    }

    /** The positive root of degree n of a positive real number. */
    static BigDecimal root(BigDecimal x, int n, MathContext mc) {
        if (x.signum() == 0) {
            return BigDecimal.ZERO;
        }
        if (n == 2) {
            return x.sqrt(mc);
        }
        MathContext more = new MathContext(mc.getPrecision() + 8);
        return BigDecimalMath.exp(sizeable(ln(x, more).divide(BigDecimal.valueOf(n), more), more), more).round(mc);
    }

    Complex sin(MathContext mc) {
        if (isReal()) {
            return of(sin(re, mc));
        }
        Complex a = times(I, mc).exp(mc);
        return a.minus(ONE.over(a, mc), mc).over(new Complex(BigDecimal.ZERO, BigDecimal.TWO), mc);
    }

    Complex cos(MathContext mc) {
        if (isReal()) {
            return of(cos(re, mc));
        }
        Complex a = times(I, mc).exp(mc);
        return a.plus(ONE.over(a, mc), mc).over(of(BigDecimal.TWO), mc);
    }

    private static BigDecimal sin(BigDecimal x, MathContext mc) {
        limit(x, 12);
        return chop(BigDecimalMath.sin(sizeable(x, mc), guard(mc)), mc);
    }

    private static BigDecimal cos(BigDecimal x, MathContext mc) {
        limit(x, 12);
        return chop(BigDecimalMath.cos(sizeable(x, mc), guard(mc)), mc);
    }

    private static MathContext guard(MathContext mc) {
        return new MathContext(mc.getPrecision() + 14);
    }

    /** Sines and cosines this small are zero: their arguments were rounded multiples of pi/2. */
    private static BigDecimal chop(BigDecimal x, MathContext mc) {
        return x.signum() != 0 && magnitude(x) < 10 - mc.getPrecision() ? BigDecimal.ZERO : x.round(mc);
    }

    Complex arcsin(MathContext mc) {
        if (isReal() && re.abs().compareTo(BigDecimal.ONE) <= 0) {
            return of(BigDecimalMath.asin(sizeable(re, mc), mc));
        }
        // -i log(iz + sqrt(1 - z^2))
        Complex root = ONE.minus(times(this, mc), mc).sqrt(mc);
        return times(I, mc).plus(root, mc).log(mc).times(I.negate(), mc);
    }

    Complex arccos(MathContext mc) {
        return of(BigDecimalMath.pi(mc).divide(BigDecimal.TWO, mc)).minus(arcsin(mc), mc);
    }

    Complex arctan(MathContext mc) {
        if (isReal()) {
            limit(re, mc.getPrecision());
            return of(BigDecimalMath.atan(sizeable(re, mc), mc));
        }
        // i/2 (log(1 - iz) - log(1 + iz))
        Complex iz = times(I, mc);
        return ONE.minus(iz, mc).log(mc).minus(ONE.plus(iz, mc).log(mc), mc).times(I, mc)
                .over(of(BigDecimal.TWO), mc);
    }

    private static boolean isTiny(BigDecimal x, MathContext mc) {
        return x.signum() != 0 && magnitude(x) < -mc.getPrecision() - 10;
    }

    /**
     * Refuses arguments so small that a function does not differ from its value at zero in any digit; the library would
     * write out all the zeros.
     */
    private static BigDecimal sizeable(BigDecimal x, MathContext mc) {
        if (isTiny(x, mc)) {
            throw new NoValueException("argument too small");
        }
        return x;
    }

    /** Refuses arguments of more than {@code digits} digits before the decimal point. */
    private static void limit(BigDecimal x, int digits) {
        if (x.signum() != 0 && magnitude(x) > digits) {
            throw new NoValueException("argument too large");
        }
    }
}
