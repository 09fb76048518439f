package intuitor.eval.answer;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What LaTeX commands and plain words stand for. */
final class Commands {

    /** Commands without arguments that stand for a sign. */
    static final Map<String, String> SIGNS = signs();

    /** Commands that change only how the answer looks. Those with an argument in braces keep it as a group. */
    static final Set<String> IGNORED = Set.of("left", "right", "middle", "big", "Big", "bigg", "Bigg", "bigl", "bigr",
            "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "displaystyle", "textstyle", "scriptstyle",
            "scriptscriptstyle", "limits", "nolimits", "quad", "qquad", "enspace", "thinspace", "space", "hfill",
            "boldsymbol", "mathstrut", "strut", "nonumber", "notag", "rm", "bf", "it", "sf", "tt", "ensuremath",
            "mathcal", "mathfrak", "mathscr", "vec", "overrightarrow", "hat", "widehat", "tilde", "boxed", "fbox",
            "large", "Large", "small", "mathop", "mathord", "mathrel", "mathbin", "smash", "hline", "displaylimits",
            "centering", "protect", "relax", "par", "bm", "underline", "color", "thinmuskip", "negthinspace");

    /** Commands whose argument is text. */
    static final Set<String> TEXT = Set.of("text", "textbf", "textit", "textrm", "textsf", "texttt", "textnormal",
            "textsc", "textup", "mbox", "hbox", "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "operatorname",
            "mathnormal", "emph", "unit", "textmd");

    /** Functions of one argument or a bracketed list, by the names under which they are evaluated. */
    static final Map<String, String> FUNCTIONS = functions();

    static final Set<String> GREEK = Set.of("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta",
            "theta", "vartheta", "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "varrho", "sigma", "tau",
            "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma",
            "Upsilon", "Phi", "Psi", "Omega", "ell", "hbar", "Pi");

    /** Plain words that stand for a sign or a command. */
    static final Map<String, String> WORDS = Map.ofEntries(Map.entry("or", "∨"), Map.entry("and", "∧"),
            Map.entry("infinity", "∞"), Map.entry("inf", "∞"), Map.entry("infty", "∞"), Map.entry("oo", "∞"),
            Map.entry("union", "∪"), Map.entry("intersect", "∩"), Map.entry("percent", "%"), Map.entry("pct", "%"),
            Map.entry("percentage", "%"), Map.entry("percents", "%"), Map.entry("degrees", "°"),
            Map.entry("degree", "°"), Map.entry("deg", "°"), Map.entry("mod", "mod"), Map.entry("choose", "choose"));

    private Commands() { }

    private static Map<String, String> signs() {
        Map<String, String> map = new HashMap<>();
        String[] pairs = {"cdot", "*", "times", "*", "ast", "*", "bullet", "*", "div", "/", "pm", "±", "mp", "∓",
            "le", "≤", "leq", "≤", "leqslant", "≤", "leqq", "≤", "ge", "≥", "geq", "≥", "geqslant", "≥", "geqq", "≥",
            "lt", "<", "gt", ">", "ne", "≠", "neq", "≠", "approx", "≈", "simeq", "≈", "cong", "≈", "doteq", "≈",
            "equiv", "≡", "in", "∈", "notin", "∉", "cup", "∪", "bigcup", "∪", "cap", "∩", "bigcap", "∩",
            "setminus", "∖", "smallsetminus", "∖", "backslash", "∖", "infty", "∞", "circ", "∘", "degree", "°",
            "land", "∧", "wedge", "∧", "lor", "∨", "vee", "∨", "to", "→", "rightarrow", "→", "mapsto", "→",
            "Rightarrow", "→", "implies", "→", "iff", "→", "Leftrightarrow", "→", "longrightarrow", "→", "lfloor", "⌊",
            "rfloor", "⌋", "lceil", "⌈", "rceil", "⌉", "langle", "⟨", "rangle", "⟩", "lvert", "|", "rvert", "|",
            "vert", "|", "mid", "|", "lVert", "‖", "rVert", "‖", "Vert", "‖", "lbrace", "\\{", "rbrace", "\\}",
            "lbrack", "[", "rbrack", "]", "lparen", "(", "rparen", ")", "colon", ":", "prime", "'", "emptyset", "∅",
            "varnothing", "∅", "sim", "~", "propto", "~", "ldots", "…", "dots", "…", "cdots", "…", "dotsc", "…",
            "dotsb", "…", "vdots", "…", "ddots", "…", "pounds", "£", "euro", "€", "texteuro", "€", "textdollar", "$",
            "dollar", "$", "Re", "Re", "Im", "Im", "choose", "choose", "mod", "mod", "bmod", "bmod", "pmod", "pmod",
            "textdegree", "°", "cr", "\\\\", "forall", "∀", "exists", "∃", "angle", "∠", "triangle", "△", "perp", "⊥",
            "parallel", "∥", "subset", "⊂", "subseteq", "⊆", "over", "over", "percent", "%",
            "minus", "-", "plus", "+"};
        for (int i = 0; i < pairs.length; i += 2) {
            map.put(pairs[i], pairs[i + 1]);
        }
        return Map.copyOf(map);
    }

    private static Map<String, String> functions() {
        Map<String, String> map = new HashMap<>();
        for (String name : new String[] {"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth",
            "sech", "csch", "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "arcsinh", "arccosh",
            "arctanh", "ln", "log", "exp", "max", "min", "gcd", "lcm", "abs", "floor", "ceil", "arg", "cis", "sgn",
            "det", "cbrt"}) {
            map.put(name, name);
            if (name.startsWith("arc")) {
                map.put("a" + name.substring(3), name);
            }
        }
        map.put("arsinh", "arcsinh");
        map.put("arcosh", "arccosh");
        map.put("artanh", "arctanh");
        map.put("cosec", "csc");
        map.put("tg", "tan");
        map.put("ctg", "cot");
        map.put("cotg", "cot");
        map.put("arctg", "arctan");
        map.put("lg", "log");
        map.put("sign", "sgn");
        map.put("ceiling", "ceil");
        map.put("Re", "Re");
        map.put("Im", "Im");
        map.put("Arg", "arg");
        return Map.copyOf(map);
    }
}
