package intuitor.eval.sandbox;

import intuitor.eval.HeapBudget;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A value that a Python program came to, compared as Python's {@code ==} compares: {@code 1 == 1.0 == True}, a list is
 * no tuple, the order of a dict's keys and of a set's elements does not matter, NaN equals nothing.
 *
 * <p>{@code harness.py} writes it as JSON: {@code null}, or an array of a type and its contents, {@code ["n", "12"]}.
 */
public sealed interface PythonValue {

    record None() implements PythonValue { }

    /** int, float or bool; null for infinities and NaN, which {@code text} then names. */
    record Number(BigDecimal value, String text) implements PythonValue { }

    /** str, bytes, or an object of another type, told apart by {@code type}. */
    record Text(String type, String text) implements PythonValue { }

    /** list, tuple or set, told apart by {@code type}. */
    record Sequence(String type, List<PythonValue> elements) implements PythonValue { }

    record Dict(List<Map.Entry<PythonValue, PythonValue>> entries) implements PythonValue { }

    /** To be held while results of so many characters are parsed and compared; the thread must hold no other. */
    static HeapBudget.Lease reserve(int characters) {
        return Reader.BUDGET.reserve((long) Reader.BYTES_PER_CHARACTER * characters);
    }

    /**
     * What the harness wrote; empty text, damaged text and more than {@code Reader.MAX_TOKENS} are no value: an object
     * that equals nothing.
     */
    static PythonValue parse(String json) {
        try {
            return of(Reader.JSON.readTree(json));
        } catch (JacksonException | IllegalArgumentException e) {
            return new Text("o", "");
        }
    }

    /** The value that Python's {@code json.loads} makes of a text. */
    static PythonValue ofJson(String json) {
        return ofJson(Reader.JSON.readTree(json));
    }

    /** LiveCodeBench: a tuple is taken for the list that the expected answer is. Only the outermost one. */
    default PythonValue tupleAsList() {
        return this instanceof Sequence s && s.type.equals("t") ? new Sequence("l", s.elements) : this;
    }

    /** Python's {@code ==}. */
    static boolean equal(PythonValue a, PythonValue b) {
        return switch (a) {
            case None n -> b instanceof None;
            case Number x -> b instanceof Number y && (x.value == null || y.value == null
                    ? x.value == y.value && x.text.equals(y.text) && !x.text.equals("nan")
                    : x.value.compareTo(y.value) == 0);
            case Text x -> b instanceof Text y && !x.type.equals("o") && x.equals(y);
            case Sequence x -> b instanceof Sequence y && x.type.equals(y.type)
                    && x.elements.size() == y.elements.size()
                    && (x.type.equals("e") ? sameElements(x.elements, y.elements)
                            : sameSequence(x.elements, y.elements));
            case Dict x -> b instanceof Dict y && x.entries.size() == y.entries.size()
                    && x.entries.stream().allMatch(e -> y.entries.stream()
                            .anyMatch(f -> equal(e.getKey(), f.getKey()) && equal(e.getValue(), f.getValue())));
        };
    }

    private static boolean sameSequence(List<PythonValue> a, List<PythonValue> b) {
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** A set's elements are all different, so one found for each is enough. */
    private static boolean sameElements(List<PythonValue> a, List<PythonValue> b) {
        return a.stream().allMatch(x -> b.stream().anyMatch(y -> equal(x, y)));
    }

    private static PythonValue of(JsonNode node) {
        if (node.isNull()) {
            return new None();
        }
        String type = node.path(0).stringValue();
        JsonNode contents = node.path(1);
        return switch (type) {
            case "n" -> number(contents.stringValue());
            case "s", "b", "o" -> new Text(type, contents.stringValue());
            case "l", "t", "e" -> {
                List<PythonValue> elements = new ArrayList<>();
                contents.forEach(e -> elements.add(of(e)));
                yield new Sequence(type, elements);
            }
            case "d" -> {
                List<Map.Entry<PythonValue, PythonValue>> entries = new ArrayList<>();
                contents.forEach(e -> entries.add(Map.entry(of(e.path(0)), of(e.path(1)))));
                yield new Dict(entries);
            }
            default -> throw new IllegalArgumentException("no such type: " + type);
        };
    }

    private static PythonValue ofJson(JsonNode node) {
        if (node.isArray()) {
            List<PythonValue> elements = new ArrayList<>();
            node.forEach(e -> elements.add(ofJson(e)));
            return new Sequence("l", elements);
        }
        if (node.isObject()) {
            List<Map.Entry<PythonValue, PythonValue>> entries = new ArrayList<>();
            node.properties().forEach(e -> entries.add(Map.entry(new Text("s", e.getKey()), ofJson(e.getValue()))));
            return new Dict(entries);
        }
        if (node.isString()) {
            return new Text("s", node.stringValue());
        }
        if (node.isBoolean()) {
            return number(node.booleanValue() ? "1" : "0");
        }
        // a float of Python's is a double: 0.1 here is what 0.1 is there
        return node.isNull() ? new None() : node.isIntegralNumber() ? number(node.bigIntegerValue().toString())
                : number(Double.toString(node.doubleValue()));
    }

    /** What the harness wrote may as well have been written by the program: it is read in bounded time. */
    private static PythonValue number(String text) {
        if (text.length() > Reader.MAX_DIGITS) {
            throw new IllegalArgumentException("a number of " + text.length() + " digits");
        }
        return text.equals("nan") || text.endsWith("inf") ? new Number(null, text)
                : new Number(text.matches("-?\\d+") ? new BigDecimal(text) : new BigDecimal(Double.parseDouble(text)),
                text);
    }

    /** The sandbox has limited the results' length, this their depth and the number of objects that they become. */
    final class Reader {
        /** A number in a list has four; a list of a million numbers is larger than any problem's. */
        static final long MAX_TOKENS = 4L << 20;
        private static final HeapBudget BUDGET = HeapBudget.ofHeap(0.2);
        /** {@code [],} becomes a node and its list. */
        private static final int BYTES_PER_CHARACTER = 24;
        private static final int DEPTH = 2_000;
        private static final int MAX_DIGITS = 100_000;
        private static final JsonMapper JSON = new JsonMapper(JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                .maxStringLength(Integer.MAX_VALUE).maxNumberLength(MAX_DIGITS)
                .maxNestingDepth(DEPTH).maxTokenCount(MAX_TOKENS).build()).build());

        private Reader() { }
    }
}
