package intuitor.cli;

import intuitor.report.ProgressLine;
import intuitor.train.StopSignal;
import java.util.concurrent.CountDownLatch;

/**
 * Makes Ctrl-C (or SIGTERM) a request to stop: while the process shuts down, the work that is under way is told to
 * stop, and the process waits until it has written its checkpoint. The exit status is the one of the signal (130, 143).
 */
final class InterruptHandler implements AutoCloseable {

    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread hook;

    private InterruptHandler(StopSignal stop, ProgressLine progress) {
        this.hook = new Thread(() -> {
            progress.message("stopping in good order");
            stop.request();
            awaitDone();
        }, "stop");
    }

    /** From now on until {@link #close}, a signal stops the work in good order. */
    static InterruptHandler install(StopSignal stop, ProgressLine progress) {
        InterruptHandler handler = new InterruptHandler(stop, progress);
        Runtime.getRuntime().addShutdownHook(handler.hook);
        return handler;
    }

    private void awaitDone() {
        boolean interrupted = true;
        while (interrupted) {
            try {
                done.await();
                interrupted = false;
            } catch (InterruptedException e) {
                // keep waiting: a checkpoint half written would be lost
            }
        }
    }

    /** The work has ended and everything that it says has been said. */
    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // that is what we were waiting for
        }
        done.countDown();
    }
}
