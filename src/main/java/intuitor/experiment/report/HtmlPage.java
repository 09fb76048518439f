package intuitor.experiment.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.commonmark.Extension;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.Image;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;

/** A page of Markdown as one HTML file that stands alone: its pictures are in it. */
final class HtmlPage {

    private static final List<Extension> TABLES = List.of(TablesExtension.create());
    private static final String STYLE = """
            body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
            body { max-width: 1180px; margin: 2em auto; padding: 0 1em }
            table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; margin: 1em 0 }
            th, td { border-bottom: 1px solid #ddd; padding: .3em .7em; text-align: right; white-space: nowrap }
            th:first-child, td:first-child { text-align: left }
            img { width: 560px; max-width: 100% }
            """;

    private HtmlPage() { }

    /** @param folder that the pictures' paths begin at */
    static String of(String title, String markdown, Path folder) {
        HtmlRenderer renderer = HtmlRenderer.builder().extensions(TABLES).escapeHtml(true)
                .attributeProviderFactory(context -> (node, tag, attributes) -> {
                    if (node instanceof Image image) {
                        attributes.put("src", data(folder.resolve(image.getDestination())));
                    }
                }).build();
        return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + escaped(title)
                + "</title>\n<style>\n" + STYLE + "</style>\n</head>\n<body>\n"
                + renderer.render(Parser.builder().extensions(TABLES).build().parse(markdown)) + "</body>\n</html>\n";
    }

    private static String data(Path png) {
        try {
            return "data:image/png;base64," + Base64.getEncoder().encodeToString(Files.readAllBytes(png));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
