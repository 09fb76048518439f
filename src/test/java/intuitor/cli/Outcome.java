package intuitor.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** What one command line printed and returned. */
record Outcome(int status, String out, String err) {

    static Outcome of(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(new PrintWriter(out), new PrintWriter(err), args);
        return new Outcome(status, out.toString(), err.toString());
    }
}
