package intuitor.bench;

import intuitor.device.DeviceInfo;
import intuitor.report.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Measurements as a table for the terminal or for Markdown, and as JSON. */
public final class BenchReport {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final List<String> HEADER =
            List.of("kernel", "shape", "type", "ms", "achieved", "ceiling", "ceiling ms", "fraction", "error");

    private BenchReport() {
    }

    /** For the terminal. */
    public static String table(List<Measurement> measurements) {
        Table table = new Table(HEADER.toArray(String[]::new));
        measurements.forEach(m -> table.row(cells(m).toArray(String[]::new)));
        return table.toString();
    }

    /** One line of the table, while the others are still being measured. */
    public static String line(Measurement m) {
        return String.format(Locale.ROOT, "%-32s %-28s %-5s %10s ms  %s of the ceiling, error %s",
                m.of().kernel(), m.of().shape(), type(m), millis(m.millis()), fraction(m), error(m));
    }

    /** For a Markdown page. */
    public static String markdown(List<Measurement> measurements) {
        StringBuilder text = new StringBuilder();
        text.append("| ").append(String.join(" | ", HEADER)).append(" |\n");
        text.append("|---|---|---|---:|---:|---:|---:|---:|---:|\n");
        measurements.forEach(m -> text.append("| ").append(String.join(" | ", cells(m))).append(" |\n"));
        return text.toString();
    }

    /** Everything, with the device it was measured on and when. */
    public static String json(List<Measurement> measurements, DeviceInfo device, String date, String version) {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("date", date);
        root.put("version", version);
        root.put("device", Map.of("kind", device.kind(), "name", device.name(), "isa", device.isa(),
                "memory_bytes", device.memoryBytes(), "threads", device.threads()));
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Measurement m : measurements) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("kernel", m.of().kernel());
            row.put("shape", m.of().shape());
            row.put("dtype", type(m));
            row.put("ms", m.millis());
            row.put("ceiling_ms", m.ceilingMillis());
            row.put("fraction", m.fraction());
            row.put("error", m.error());
            row.put("bytes", m.of().bytes());
            row.put("flops", m.of().flops());
            row.put("bound", m.of().arithmetic() ? "flops" : "bytes");
            rows.add(row);
        }
        root.put("kernels", rows);
        return JSON.writeValueAsString(root) + "\n";
    }

    private static List<String> cells(Measurement m) {
        return List.of(m.of().kernel(), m.of().shape(), type(m), millis(m.millis()), speed(m, m.tera()),
                speed(m, m.ceilingTera()), millis(m.ceilingMillis()), fraction(m), error(m));
    }

    private static String type(Measurement m) {
        return m.of().storage().name().toLowerCase(Locale.ROOT);
    }

    private static String millis(double ms) {
        return String.format(Locale.ROOT, ms < 10 ? "%.4f" : "%.2f", ms);
    }

    /** Below one, in thousandths. */
    private static String speed(Measurement m, double tera) {
        String unit = m.of().arithmetic() ? "FLOP/s" : "B/s";
        return tera < 1 ? String.format(Locale.ROOT, "%.1f G%s", tera * 1e3, unit)
                : String.format(Locale.ROOT, "%.2f T%s", tera, unit);
    }

    private static String error(Measurement m) {
        return String.format(Locale.ROOT, "%.1e", m.error());
    }

    private static String fraction(Measurement m) {
        return String.format(Locale.ROOT, "%.2f", m.fraction());
    }
}
