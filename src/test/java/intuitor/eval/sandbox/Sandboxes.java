package intuitor.eval.sandbox;

import static org.junit.jupiter.api.Assumptions.abort;

import intuitor.UserError;

/** Opens the sandbox for tests; where it cannot work, they are skipped, and say why. */
public final class Sandboxes {

    private Sandboxes() { }

    public static PythonSandbox open(Limits limits) {
        try {
            return PythonSandbox.open(limits);
        } catch (UserError e) {
            System.out.println("SKIPPED, programs cannot be sandboxed here: " + e.getMessage());
            return abort(e.getMessage());
        }
    }
}
