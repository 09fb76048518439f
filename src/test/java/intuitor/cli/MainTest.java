package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {

    @Test
    void withoutArgumentsItTeaches() {
        Outcome o = Outcome.of();
        assertEquals(0, o.status());
        assertTrue(o.out().contains("Commands:") && o.out().contains("doctor"), o.out());
        assertEquals("", o.err());
    }

    @Test
    void versionIsOneLine() {
        Outcome o = Outcome.of("--version");
        assertEquals(0, o.status());
        assertTrue(o.out().matches("intuitor .+\\R"), o.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tarin", "doctor --fast", "doctor x", "--no-such-option", "bench --cuda-graphs",
        "score --model m --input i --output o --cuda-graphs"})
    void wrongUsageIsOneLineWithAHint(String line) {
        Outcome o = Outcome.of(line.split(" "));
        assertEquals(2, o.status());
        assertEquals("", o.out());
        assertTrue(o.err().matches("error: .*\\(see intuitor.* --help\\)\\R"), o.err());
    }

    @Test
    void aMistypedCommandIsGuessed() {
        assertTrue(Outcome.of("docter").err().contains("did you mean doctor?"));
    }

    @Test
    void doctorNamesWhatTheEngineUses() {
        Outcome o = Outcome.of("doctor");
        assertEquals(0, o.status(), o.out());
        for (String line : new String[] {"java ", "kernels ", "memory ", "GPU ", "libintuitor_cpu.so", "libdnnl.so.3",
                "Ready"}) {
            assertTrue(o.out().contains(line), line + " is not in:\n" + o.out());
        }
    }
}
