package intuitor.bench;

import intuitor.UserError;
import intuitor.report.Charts;
import java.awt.BasicStroke;
import java.awt.Color;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The roofline (Williams, Waterman and Patterson 2009, CACM 52(4)): operations a second over operations a byte, below
 * what the memory and the processor were measured to do in the same run. A kernel's distance from the roof is what is
 * left to gain.
 */
public final class Roofline {

    private static final int WIDTH = 900;
    private static final int HEIGHT = 560;
    private static final List<Marker> MARKERS = List.of(SeriesMarkers.CIRCLE, SeriesMarkers.DIAMOND,
            SeriesMarkers.SQUARE, SeriesMarkers.TRIANGLE_UP, SeriesMarkers.TRIANGLE_DOWN);

    private Roofline() { }

    /**
     * Kernels without any operation have no place in it.
     *
     * @param device for the title
     * @throws UserError if there are no others
     */
    public static void write(Path file, List<Measurement> measurements, String device) {
        List<Measurement> counted = measurements.stream().filter(m -> m.of().flops() > 0).toList();
        if (counted.isEmpty()) {
            throw new UserError("--roofline: no picture, for none of the kernels measured computes anything; the "
                    + "figures are above");
        }
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(device)
                .xAxisTitle("operations a byte").yAxisTitle("GFLOP/s").build();
        Charts.style(chart.getStyler());
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
        addRoof(chart, counted);
        int series = 0;
        for (Measurement m : counted) {
            XYSeries point = chart.addSeries(name(m, series), new double[] {intensity(m)},
                    new double[] {gigaflops(m.of().flops(), m.millis())});
            point.setMarker(MARKERS.get(series / Charts.COLOURS.size() % MARKERS.size()));
            point.setMarkerColor(Charts.COLOURS.get(series % Charts.COLOURS.size()));
            point.setLineColor(new Color(0, 0, 0, 0));
            series++;
        }
        Charts.write(file, chart);
    }

    /** What the fastest reads, copies and products of the run come to. */
    private static void addRoof(XYChart chart, List<Measurement> all) {
        double bandwidth = most(all, false, m -> m.of().bytes() / m.ceilingMillis() / 1e6); // GB/s
        double peak = most(all, true, m -> gigaflops(m.of().flops(), m.ceilingMillis()));
        double left = all.stream().mapToDouble(Roofline::intensity).min().orElseThrow() / 2;
        double right = all.stream().mapToDouble(Roofline::intensity).max().orElseThrow() * 2;
        double[] x;
        if (Double.isNaN(bandwidth) || Double.isNaN(peak)) {
            x = new double[] {left, right};
        } else {
            double ridge = Math.clamp(peak / bandwidth, left * 1.001, right * 0.999);
            x = new double[] {left, ridge, right};
        }
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = Double.isNaN(peak) ? bandwidth * x[i]
                    : Double.isNaN(bandwidth) ? peak : Math.min(peak, bandwidth * x[i]);
        }
        XYSeries roof = chart.addSeries("roof, measured", x, y);
        roof.setMarker(SeriesMarkers.NONE);
        roof.setLineColor(Color.DARK_GRAY);
        roof.setLineStyle(new BasicStroke(2));
        // whole powers of ten, which are the ones that have labels
        double lowest = Math.min(y[0],
                all.stream().mapToDouble(m -> gigaflops(m.of().flops(), m.millis())).min().orElseThrow());
        double highest = Math.max(y[y.length - 1],
                all.stream().mapToDouble(m -> gigaflops(m.of().flops(), m.millis())).max().orElseThrow());
        chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(lowest))));
        chart.getStyler().setYAxisMax(Math.pow(10, Math.ceil(Math.log10(highest))));
    }

    private static double most(List<Measurement> all, boolean arithmetic, ToDoubleFunction<Measurement> ceiling) {
        return all.stream().filter(m -> m.of().arithmetic() == arithmetic).mapToDouble(ceiling).max()
                .orElse(Double.NaN);
    }

    private static double intensity(Measurement m) {
        return m.of().flops() / m.of().bytes();
    }

    private static double gigaflops(double flops, double millis) {
        return flops / millis / 1e6;
    }

    /** Names are unique in a chart. */
    private static String name(Measurement m, int number) {
        return (number + 1) + " " + m.of().kernel() + " " + m.of().storage().name().toLowerCase(Locale.ROOT);
    }
}
