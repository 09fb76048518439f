package intuitor.device;

import java.io.PrintWriter;
import java.util.Arrays;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Every kernel's parity tests as a program of their own: for another instruction set ({@code INTUITOR_ISA}, read once
 * in a process) or another library (the property {@code intuitor.test.device}); with the property {@code
 * intuitor.test.lab}, those of the lab and of the fused LM head too. Arguments name test classes to run instead.
 */
final class KernelSuite {

    private KernelSuite() {
    }

    /** Says at once what failed and which class is done: a run that is stopped has then said how far it came. */
    private static final class Progress implements TestExecutionListener {

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            boolean failed = result.getStatus() == TestExecutionResult.Status.FAILED;
            if (failed || test.getSource().filter(ClassSource.class::isInstance).isPresent()) {
                System.out.println((failed ? "failed: " : "done: ") + test.getDisplayName()
                        + result.getThrowable().map(t -> ": " + t.getMessage()).orElse(""));
            }
        }
    }

    public static void main(String[] args) {
        var summary = new SummaryGeneratingListener();
        var request = LauncherDiscoveryRequestBuilder.request();
        if (args.length > 0) {
            Arrays.stream(args).map(DiscoverySelectors::selectClass).forEach(request::selectors);
        } else {
            request.selectors(DiscoverySelectors.selectPackage(KernelSuite.class.getPackageName()))
                    .filters(ClassNameFilter.includeClassNamePatterns(".*KernelTest",
                            Boolean.getBoolean("intuitor.test.lab") ? ".*(Lab|FusedHead|FusedSample)Test" : "none"));
        }
        LauncherFactory.create().execute(request.build(), summary, new Progress());
        summary.getSummary().printFailuresTo(new PrintWriter(System.out, true), 10);
        try (Device device = TestDevices.open(1)) {
            System.out.println(summary.getSummary().getTestsSucceededCount() + " tests passed on "
                    + device.info().kind() + " " + device.info().isa() + " in " + KernelRun.STORAGE);
        }
        boolean good = summary.getSummary().getTotalFailureCount() == 0
                && summary.getSummary().getTestsSucceededCount() > (args.length > 0 ? 0 : 100);
        System.exit(good ? 0 : 1);
    }
}
