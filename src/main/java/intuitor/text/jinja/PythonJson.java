package intuitor.text.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** JSON as Python's json.dumps writes it, as tojson does in transformers: a model has learned these very spaces. */
final class PythonJson {

    private final StringBuilder out = new StringBuilder();
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean ascii;
    private final boolean sortKeys;

    private PythonJson(String indent, String itemSeparator, String keySeparator, boolean ascii, boolean sortKeys) {
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.ascii = ascii;
        this.sortKeys = sortKeys;
    }

    /** Arguments as transformers' filter has them: ensure_ascii, indent, separators, sort_keys. */
    static String format(Object value, Arguments a) {
        Object indent = a.get(1, "indent", null);
        String by = indent == null ? null : indent instanceof String s ? s : " ".repeat((int) Values.integer(indent));
        String item = by == null ? ", " : ",";
        String key = ": ";
        if (a.get(2, "separators", null) instanceof List<?> separators && separators.size() == 2) {
            item = Values.text(separators.get(0));
            key = Values.text(separators.get(1));
        }
        var json = new PythonJson(by, item, key, Values.isTrue(a.get(0, "ensure_ascii", false)),
                Values.isTrue(a.get(3, "sort_keys", false)));
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Object value, int depth) {
        switch (value) {
            case null -> out.append("null");
            case Boolean b -> out.append(b);
            case Long n -> out.append(n);
            case Double d -> out.append(Double.isNaN(d) ? "NaN"
                    : Double.isInfinite(d) ? (d > 0 ? "Infinity" : "-Infinity") : Values.number(d));
            case String s -> writeString(s);
            case List<?> list -> {
                out.append('[');
                for (Iterator<?> items = list.iterator(); items.hasNext(); ) {
                    newLine(depth + 1);
                    write(items.next(), depth + 1);
                    out.append(items.hasNext() ? itemSeparator : "");
                }
                close(']', list.isEmpty(), depth);
            }
            case Map<?, ?> map -> writeMap(map, depth);
            default -> throw new TemplateException(Values.typeName(value) + " cannot be written as JSON");
        }
    }

    private void writeMap(Map<?, ?> map, int depth) {
        out.append('{');
        Map<?, ?> ordered = sortKeys ? new TreeMap<>(map) : map;
        for (Iterator<? extends Map.Entry<?, ?>> entries = ordered.entrySet().iterator(); entries.hasNext(); ) {
            Map.Entry<?, ?> entry = entries.next();
            newLine(depth + 1);
            writeString(Values.text(entry.getKey()));
            out.append(keySeparator);
            write(entry.getValue(), depth + 1);
            out.append(entries.hasNext() ? itemSeparator : "");
        }
        close('}', map.isEmpty(), depth);
    }

    private void close(char bracket, boolean empty, int depth) {
        if (!empty) {
            newLine(depth);
        }
        out.append(bracket);
    }

    private void newLine(int depth) {
        if (indent != null) {
            out.append('\n').append(indent.repeat(depth));
        }
    }

    private void writeString(String s) {
        out.append('"');
        for (char c : s.toCharArray()) {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || ascii && c >= 0x7F) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
