package intuitor.device;

import java.io.PrintWriter;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Every kernel's parity tests as a program of their own: for another instruction set ({@code INTUITOR_ISA}, read once
 * in a process) or another library (the property {@code intuitor.test.device}).
 */
final class KernelSuite {

    private KernelSuite() {
    }

    public static void main(String[] args) {
        var summary = new SummaryGeneratingListener();
        LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectPackage(KernelSuite.class.getPackageName()))
                .filters(ClassNameFilter.includeClassNamePatterns(".*KernelTest"))
                .build(), summary);
        summary.getSummary().printFailuresTo(new PrintWriter(System.out, true), 10);
        try (Device device = TestDevices.open(1)) {
            System.out.println(summary.getSummary().getTestsSucceededCount() + " tests passed on "
                    + device.info().kind() + " " + device.info().isa());
        }
        boolean good = summary.getSummary().getTotalFailureCount() == 0
                && summary.getSummary().getTestsSucceededCount() > 100;
        System.exit(good ? 0 : 1);
    }
}
