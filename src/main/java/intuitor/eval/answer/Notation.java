package intuitor.eval.answer;

import java.text.Normalizer;
import java.util.regex.Pattern;

/** Rewrites what can be said in several ways on the level of characters: Unicode, digit grouping, delimiters. */
final class Notation {

    /** Pairs: characters, and the LaTeX they stand for. */
    private static final String[] UNICODE = {"−–—‐‑﹣－", "-", "×✕✖⨯·⋅∙•∗", "\\times ", "÷∕⁄", "/", "±", "\\pm ",
        "∓", "\\mp ", "≤≦⩽", "\\le ", "≥≧⩾", "\\ge ", "≠", "\\ne ", "≈≅≃", "\\approx ", "≡", "\\equiv ", "∈", "\\in ",
        "∉", "\\notin ", "∪⋃", "\\cup ", "∩⋂", "\\cap ", "∖", "\\setminus ", "∞", "\\infty ", "π", "\\pi ",
        "√", "\\sqrt* ", "∅⌀", "\\emptyset ", "°˚º", "\\degree ", "ℝ", "\\mathbb{R}", "ℤ", "\\mathbb{Z}",
        "ℕ", "\\mathbb{N}", "ℚ", "\\mathbb{Q}", "ℂ", "\\mathbb{C}", "…", "\\ldots ", "⌊", "\\lfloor ",
        "⌋", "\\rfloor ", "⌈", "\\lceil ", "⌉", "\\rceil ", "⟨〈", "\\langle ", "⟩〉", "\\rangle ", "∣", "|",
        "‖∥", "\\Vert ", "∧", "\\land ", "∨", "\\lor ", "→⇒", "\\to ", "′’‘", "'", "“”", "\"", "∠", "\\angle ",
        "△", "\\triangle ", "α", "\\alpha ", "β", "\\beta ", "γ", "\\gamma ", "δ", "\\delta ", "ε", "\\epsilon ",
        "θ", "\\theta ", "λ", "\\lambda ", "μµ", "\\mu ", "ρ", "\\rho ", "σ", "\\sigma ", "τ", "\\tau ",
        "φϕ", "\\phi ", "ω", "\\omega ", "Δ∆", "\\Delta ", "Ω", "\\Omega ", "∛", "\\cbrt ", "∑", "\\sum ",
        "∏", "\\prod ", "，", ",", "。", ".", "：", ":", "％", "%", "\u00a0\u2009\u202f\u2002\u2003\u200a\u3000", " ",
        "\u200b\u200c\u200d\u2060\ufeff\u2061\u2062", ""};
    private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ";
    private static final String SUPERSCRIPT_TEXT = "0123456789+-n";
    private static final String SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
    private static final String FRACTIONS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞";
    private static final String[] FRACTION_TEXT = {"12", "13", "23", "14", "34", "15", "25", "35", "45", "16", "56",
        "18", "38", "58", "78"};

    private static final Pattern BRACED_COMMA = Pattern.compile(
            "(?<=\\d)\\s?\\{\\s?,\\s?\\}\\s?(?:\\\\!)?\\s?(?=\\d{3})");
    private static final Pattern TIGHT_COMMA = Pattern.compile("(?<=\\d),\\\\!\\s?(?=\\d{3})");
    private static final Pattern SPACED_THOUSANDS = Pattern.compile(
            "(?<![\\d.,_^])([1-9]\\d{0,2})((?:(?:\\\\[,;: ]|[ ~])\\d{3})+)(?![\\d,.]\\d|\\d|[/\\\\]\\w|\\s?/)");
    private static final Pattern HALF_DAY = Pattern.compile("(?<=[\\d\\s{~])([apAP])\\.\\s?[mM]\\b\\.?");
    private static final Pattern SQUARE = Pattern.compile("\\b(sq|cu)\\.(?=\\s)");
    private static final Pattern TIMES = Pattern.compile("(?<=\\d) ?[xX] ?(?=\\d)");

    private static final Pattern NEGATIVE = Pattern.compile(
            "(?i)(?<![\\\\\\w-])(?:negative|minus)\\s+(?=(?:\\\\?\\$)?(?:\\.?\\d|\\\\[dt]?frac))");

    private Notation() { }

    /** {@code negative 5}, {@code minus 5} as {@code -5}. */
    static String signs(String s) {
        return NEGATIVE.matcher(s).replaceAll("-");
    }

    /** The answer with ASCII and LaTeX in place of Unicode, plain digits, and without the dollar signs around it. */
    static String normalise(String answer) {
        String s = ascii(answer).strip();
        s = dollars(s);
        if (s.indexOf(',') >= 0) {
            s = BRACED_COMMA.matcher(s).replaceAll("");
            s = TIGHT_COMMA.matcher(s).replaceAll("");
        }
        s = SPACED_THOUSANDS.matcher(s).replaceAll(m -> m.group(1) + m.group(2).replaceAll("\\D", ""));
        s = signs(s);
        s = TIMES.matcher(s).replaceAll("*");
        s = HALF_DAY.matcher(s).replaceAll(m -> m.group(1) + "m");
        s = SQUARE.matcher(s).replaceAll("$1");
        return outerBraces(s);
    }

    /** {@code {1,2}} as a whole answer means a set, though LaTeX reads the braces as a group. */
    private static String outerBraces(String s) {
        if (s.length() < 2 || s.charAt(0) != '{' || s.charAt(s.length() - 1) != '}' || s.indexOf(',') < 0) {
            return s;
        }
        int depth = 0;
        for (int i = 0; i < s.length() - 1; i++) {
            char c = s.charAt(i);
            boolean escaped = i > 0 && s.charAt(i - 1) == '\\';
            depth += escaped ? 0 : c == '{' ? 1 : c == '}' ? -1 : 0;
            if (depth == 0) {
                return s;
            }
        }
        return "\\{" + s.substring(1, s.length() - 1) + "\\}";
    }

    /** Takes math delimiters away; a dollar sign without partner before a number is money. */
    private static String dollars(String s) {
        int count = 0;
        for (int i = 0; i < s.length(); i++) {
            count += s.charAt(i) == '$' && (i == 0 || s.charAt(i - 1) != '\\') ? 1 : 0;
        }
        if (count == 0) {
            return s;
        }
        boolean money = count % 2 == 1;
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c != '$' || i > 0 && s.charAt(i - 1) == '\\') {
                b.append(c);
            } else if (money && i + 1 < s.length() && (Character.isDigit(s.charAt(i + 1)) || s.charAt(i + 1) == '.')) {
                b.append("\\$");
            } else {
                b.append(' ');
            }
        }
        return b.toString();
    }

    private static String ascii(String s) {
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < s.length();) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            if (c < 128) {
                b.append((char) c);
            } else if (SUPERSCRIPTS.indexOf(c) >= 0 || SUBSCRIPTS.indexOf(c) >= 0) {
                boolean up = SUPERSCRIPTS.indexOf(c) >= 0;
                String from = up ? SUPERSCRIPTS : SUBSCRIPTS;
                b.append(up ? "^{" : "_{").append(SUPERSCRIPT_TEXT.charAt(from.indexOf(c)));
                while (i < s.length() && from.indexOf(s.charAt(i)) >= 0) {
                    b.append(SUPERSCRIPT_TEXT.charAt(from.indexOf(s.charAt(i++))));
                }
                b.append('}');
            } else if (FRACTIONS.indexOf(c) >= 0) {
                String digits = FRACTION_TEXT[FRACTIONS.indexOf(c)];
                b.append("\\frac{").append(digits.charAt(0)).append("}{").append(digits.charAt(1)).append('}');
            } else {
                other(c, b);
            }
        }
        return b.toString();
    }

    private static void other(int c, StringBuilder b) {
        for (int k = 0; k < UNICODE.length; k += 2) {
            if (UNICODE[k].indexOf(c) >= 0) {
                b.append(UNICODE[k + 1]);
                return;
            }
        }
        if (Character.isDigit(c)) {
            b.append(Character.digit(c, 10));
            return;
        }
        String plain = Normalizer.normalize(Character.toString(c), Normalizer.Form.NFKC);
        if (plain.codePointAt(0) == c) {
            b.appendCodePoint(c);
        } else {
            b.append(ascii(plain));
        }
    }
}
