package intuitor.experiment.report;

import intuitor.report.Charts;
import intuitor.train.JudgedCompletion;
import java.awt.BasicStroke;
import java.awt.Color;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws the pictures of a report as PNG files. */
final class Pictures {

    private static final int BAND_ALPHA = 45;
    private static final int WIDTH = 560;
    private static final int HEIGHT = 330;
    /** Width of a bin of self-certainty, in nats. */
    private static final double BIN = 0.2;

    private Pictures() { }

    /** Means over the seeds as lines, their 95% intervals as bands. */
    static void curves(Path file, Curve curve, Map<String, SortedMap<Integer, Estimate>> arms) {
        XYChart chart = xy(curve.title(), "step", curve.unit());
        int colour = 0;
        for (Map.Entry<String, SortedMap<Integer, Estimate>> arm : arms.entrySet()) {
            Color line = Charts.COLOURS.get(colour++ % Charts.COLOURS.size());
            SortedMap<Integer, Estimate> points = arm.getValue();
            if (points.isEmpty()) {
                continue;
            }
            if (points.values().stream().allMatch(Estimate::hasInterval)) {
                band(chart, "band of " + arm.getKey(), points, line);
            }
            double[] x = points.keySet().stream().mapToDouble(Integer::doubleValue).toArray();
            double[] y = points.values().stream().mapToDouble(Estimate::mean).toArray();
            XYSeries series = chart.addSeries(arm.getKey(), x, y);
            series.setMarker(SeriesMarkers.NONE);
            series.setLineColor(line);
            series.setLineWidth(2);
        }
        Charts.write(file, chart);
    }

    /** A closed outline: along the upper ends, and back along the lower ones. */
    private static void band(XYChart chart, String name, SortedMap<Integer, Estimate> points, Color colour) {
        List<Integer> steps = List.copyOf(points.keySet());
        int n = steps.size();
        double[] x = IntStream.range(0, 2 * n).mapToDouble(i -> steps.get(i < n ? i : 2 * n - 1 - i)).toArray();
        double[] y = IntStream.range(0, 2 * n).mapToDouble(i -> i < n ? points.get(steps.get(i)).high()
                : points.get(steps.get(2 * n - 1 - i)).low()).toArray();
        XYSeries series = chart.addSeries(name, x, y);
        series.setXYSeriesRenderStyle(XYSeriesRenderStyle.PolygonArea);
        series.setShowInLegend(false);
        series.setMarker(SeriesMarkers.NONE);
        series.setLineColor(new Color(0, 0, 0, 0));
        series.setLineStyle(new BasicStroke(0));
        series.setFillColor(faint(colour));
    }

    /** Accuracy by task, a bar an arm, with the interval over the seeds. */
    static void accuracies(Path file, Mode mode, List<String> tasks, List<ArmData> arms) {
        CategoryChart chart = new CategoryChartBuilder().width(WIDTH).height(HEIGHT)
                .title("Held-out accuracy, " + mode.label()).yAxisTitle("share right").build();
        Charts.style(chart.getStyler());
        chart.getStyler().setPlotGridVerticalLinesVisible(false);
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        int colour = 0;
        for (ArmData arm : arms) {
            List<Estimate> estimates = tasks.stream().map(task -> arm.accuracy(task, mode)).toList();
            chart.addSeries(arm.name(), tasks, estimates.stream().map(Estimate::mean).toList(),
                            estimates.stream().map(e -> e.hasInterval() ? e.high() - e.mean() : 0.0).toList())
                    .setFillColor(colour == 0 ? Color.LIGHT_GRAY
                            : Charts.COLOURS.get((colour - 1) % Charts.COLOURS.size()));
            colour++;
        }
        Charts.write(file, chart);
    }

    /**
     * How many right and wrong completions have which self-certainty.
     *
     * @param low  left end of the picture, at most the smallest self-certainty
     * @param high right end
     */
    static void certainty(Path file, String title, List<JudgedCompletion> completions, double low, double high) {
        int bins = (int) Math.ceil(Math.max(high - low, BIN) / BIN);
        XYChart chart = xy(title, "self-certainty, nats a token", "completions");
        chart.getStyler().setXAxisMin(low).setXAxisMax(high).setXAxisDecimalPattern("0.#");
        for (boolean right : new boolean[] {true, false}) {
            double[] counts = new double[bins];
            completions.stream().filter(c -> c.right() == right)
                    .forEach(c -> counts[(int) Math.min(bins - 1, (c.selfCertainty() - low) / BIN)]++);
            XYSeries series = chart.addSeries(right ? "right" : "wrong",
                    IntStream.range(0, bins).mapToDouble(i -> low + (i + 0.5) * BIN).toArray(), counts);
            series.setXYSeriesRenderStyle(XYSeriesRenderStyle.Area);
            series.setMarker(SeriesMarkers.NONE);
            Color colour = Charts.COLOURS.get(right ? 2 : 1);
            series.setLineColor(colour);
            series.setLineWidth(2);
            series.setFillColor(faint(colour));
        }
        Charts.write(file, chart);
    }

    private static XYChart xy(String title, String x, String y) {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title).xAxisTitle(x).yAxisTitle(y)
                .build();
        Charts.style(chart.getStyler());
        return chart;
    }

    private static Color faint(Color colour) {
        return new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), BAND_ALPHA);
    }
}
