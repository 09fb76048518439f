package intuitor.report;

import intuitor.checkpoint.AtomicFiles;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

/**
 * How this program's pictures look, and how they become PNG files: XChart's, by way of the module java.desktop. Where
 * Java has none, or the machine has no fonts, a LinkageError or an InternalError says so.
 */
public final class Charts {

    static {
        System.setProperty("java.awt.headless", "true");
    }

    /** Okabe and Ito's colours, which colour-blind readers can tell apart, and three more. */
    public static final List<Color> COLOURS = List.of(new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73),
            new Color(0xCC79A7), new Color(0xE69F00), new Color(0x56B4E9), new Color(0x333333), new Color(0x8A6D3B),
            new Color(0x7F00FF), new Color(0x999999));
    /** Pixels of a point. */
    private static final double SCALE = 1.5;

    private Charts() { }

    public static void style(Styler styler) {
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setLegendBorderColor(Color.WHITE);
        styler.setLegendPosition(Styler.LegendPosition.OutsideE);
    }

    /** As a PNG file. */
    public static void write(Path file, Chart<?, ?> chart) {
        int width = chart.getWidth();
        int height = chart.getHeight();
        BufferedImage image =
                new BufferedImage((int) (width * SCALE), (int) (height * SCALE), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.scale(SCALE, SCALE);
        chart.paint(graphics, width, height);
        graphics.dispose();
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", png);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        AtomicFiles.write(file, out -> {
            ByteBuffer bytes = ByteBuffer.wrap(png.toByteArray());
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
        });
    }
}
