package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/** Values of written numbers. */
final class Numerals {
    /** Powers of ten up to here are written out; larger ones stay powers. */
    private static final int MAX_EXPONENT = 15_000;
    private static final int MAX_DIGITS = 15_000;

    private static final Map<String, Integer> BASES = Map.ofEntries(Map.entry("two", 2), Map.entry("three", 3),
            Map.entry("four", 4), Map.entry("five", 5), Map.entry("six", 6), Map.entry("seven", 7),
            Map.entry("eight", 8), Map.entry("nine", 9), Map.entry("ten", 10), Map.entry("eleven", 11),
            Map.entry("twelve", 12), Map.entry("sixteen", 16), Map.entry("binary", 2), Map.entry("base two", 2));

    private Numerals() { }

    /** The number of a token: digits, a decimal point, repeating digits in round brackets, an exponent of ten. */
    static Expr number(String text) {
        if (text.length() > MAX_DIGITS) {
            throw new NoValueException("too many digits");
        }
        int e = text.indexOf('e');
        if (e > 0) {
            int exponent = Integer.parseInt(text.substring(e + 1));
            Num mantissa = (Num) number(text.substring(0, e));
            Expr power = new Power(Expr.number(10), Expr.number(exponent));
            if (Math.abs(exponent) > MAX_EXPONENT) {
                return new Product(List.of(mantissa, power));
            }
            int decimals = mantissa.decimals() < 0 ? -1 : Math.max(0, mantissa.decimals() - exponent);
            return new Num(mantissa.value().times(Rational.of(10).pow(exponent)), decimals, mantissa.digits());
        }
        int open = text.indexOf('(');
        if (open > 0) {
            String period = text.substring(open + 1, text.length() - 1);
            String start = text.substring(0, open);
            Rational fixed = Rational.of(new BigDecimal(start.endsWith(".") ? start + "0" : start));
            int places = open - text.indexOf('.') - 1;
            BigInteger nines = BigInteger.TEN.pow(period.length()).subtract(BigInteger.ONE)
                    .multiply(BigInteger.TEN.pow(places));
            return new Num(fixed.plus(new Rational(new BigInteger(period), nines)), -1, 0);
        }
        int point = text.indexOf('.');
        return new Num(Rational.of(new BigDecimal(text)), point < 0 ? 0 : text.length() - point - 1,
                point < 0 ? text.length() : text.length() - 1);
    }

    /** The value of a numeral in a base from 2 to 36, perhaps with a point. */
    static Expr inBase(String numeral, int base) {
        if (base < 2 || base > 36 || numeral.length() > 1000) {
            throw new NoValueException("no base of a numeral");
        }
        int point = numeral.indexOf('.');
        String digits = numeral.replace(".", "");
        for (char c : digits.toCharArray()) {
            if (Character.digit(c, base) < 0) {
                throw new NoValueException("digit out of base");
            }
        }
        Rational value = Rational.of(new BigInteger(digits, base));
        int places = point < 0 ? 0 : numeral.length() - point - 1;
        return new Num(value.over(Rational.of(base).pow(places)));
    }

    static int baseNamed(String words) {
        return BASES.getOrDefault(words, 0);
    }
}
