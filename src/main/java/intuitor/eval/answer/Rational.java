package intuitor.eval.answer;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/**
 * An exact fraction in lowest terms with a positive denominator. Operations whose result would need more than
 * {@value #MAX_BITS} bits throw {@link NoValueException}, so that no input can ask for unbounded work.
 */
record Rational(BigInteger num, BigInteger den) implements Comparable<Rational> {
    static final int MAX_BITS = 1 << 16;
    static final Rational ZERO = of(0);
    static final Rational ONE = of(1);
    static final Rational TWO = of(2);
    static final Rational HALF = new Rational(BigInteger.ONE, BigInteger.TWO);

    Rational {
        if (den.signum() == 0) {
            throw new NoValueException("division by zero");
        }
        if (den.signum() < 0) {
            num = num.negate();
            den = den.negate();
        }
        if (num.bitLength() > MAX_BITS || den.bitLength() > MAX_BITS) {
            throw new NoValueException("too many digits");
        }
        BigInteger gcd = num.gcd(den);
        if (gcd.bitLength() > 1) {
            num = num.divide(gcd);
            den = den.divide(gcd);
        }
    }

    static Rational of(long value) {
        return new Rational(BigInteger.valueOf(value), BigInteger.ONE);
    }

    static Rational of(BigInteger value) {
        return new Rational(value, BigInteger.ONE);
    }

    static Rational of(long num, long den) {
        return new Rational(BigInteger.valueOf(num), BigInteger.valueOf(den));
    }

    /** The exact value of a decimal. */
    static Rational of(BigDecimal value) {
        if (Math.abs((long) value.scale()) > MAX_BITS / 3 || value.precision() > MAX_BITS / 3) {
            throw new NoValueException("too many digits");
        }
        return value.scale() <= 0 ? of(value.toBigIntegerExact())
                : new Rational(value.unscaledValue(), BigInteger.TEN.pow(value.scale()));
    }

    Rational plus(Rational o) {
        return new Rational(num.multiply(o.den).add(o.num.multiply(den)), den.multiply(o.den));
    }

    Rational minus(Rational o) {
        return plus(o.negate());
    }

    Rational times(Rational o) {
        return new Rational(num.multiply(o.num), den.multiply(o.den));
    }

    Rational over(Rational o) {
        return new Rational(num.multiply(o.den), den.multiply(o.num));
    }

    Rational negate() {
        return new Rational(num.negate(), den);
    }

    Rational abs() {
        return num.signum() < 0 ? negate() : this;
    }

    Rational floor() {
        BigInteger[] parts = num.divideAndRemainder(den);
        return of(parts[1].signum() < 0 ? parts[0].subtract(BigInteger.ONE) : parts[0]);
    }

    Rational pow(int exponent) {
        if (exponent < 0) {
            return ONE.over(this).pow(-exponent);
        }
        long bits = (long) Math.max(num.abs().subtract(BigInteger.ONE).bitLength(), den.bitLength() - 1) * exponent;
        if (bits > MAX_BITS) {
            throw new NoValueException("too many digits");
        }
        return new Rational(num.pow(exponent), den.pow(exponent));
    }

    /** The real root of degree {@code n >= 1}, where it is rational; null where it is not or not real. */
    Rational root(int n) {
        if (signum() < 0) {
            Rational root = n % 2 == 0 ? null : negate().root(n);
            return root == null ? null : root.negate();
        }
        BigInteger top = root(num, n);
        BigInteger bottom = root(den, n);
        return top == null || bottom == null ? null : new Rational(top, bottom);
    }

    private static BigInteger root(BigInteger x, int n) {
        if (x.bitLength() <= 1) {
            return x;
        }
        if (n >= x.bitLength()) {
            return null;
        }
        // Newton's iteration from above: strictly decreasing until it has reached floor(x^(1/n))
        BigInteger degree = BigInteger.valueOf(n);
        BigInteger guess = BigInteger.ONE.shiftLeft(x.bitLength() / n + 1);
        while (true) {
            BigInteger next = guess.multiply(degree.subtract(BigInteger.ONE)).add(x.divide(guess.pow(n - 1)))
                    .divide(degree);
            if (next.compareTo(guess) >= 0) {
                return guess.pow(n).equals(x) ? guess : null;
            }
            guess = next;
        }
    }

    boolean isInteger() {
        return den.equals(BigInteger.ONE);
    }

    boolean isZero() {
        return num.signum() == 0;
    }

    int signum() {
        return num.signum();
    }

    /** Whether the decimal expansion ends: the denominator has no prime factor but 2 and 5. */
    boolean isTerminating() {
        BigInteger rest = den.shiftRight(den.getLowestSetBit());
        BigInteger five = BigInteger.valueOf(5);
        while (rest.mod(five).signum() == 0) {
            rest = rest.divide(five);
        }
        return rest.equals(BigInteger.ONE);
    }

    /** The value as an int, if it is an integer of at most {@code limit} in size. */
    int intValue(int limit) {
        if (!isInteger() || num.bitLength() > 31 || Math.abs(num.longValue()) > limit) {
            throw new NoValueException("not a small integer");
        }
        return num.intValue();
    }

    BigDecimal toBigDecimal(MathContext context) {
        return new BigDecimal(num).divide(new BigDecimal(den), context);
    }

    @Override
    public int compareTo(Rational o) {
        return num.multiply(o.den).compareTo(o.num.multiply(den));
    }

    @Override
    public String toString() {
        return isInteger() ? num.toString() : num + "/" + den;
    }
}
