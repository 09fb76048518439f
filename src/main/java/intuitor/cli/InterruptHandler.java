package intuitor.cli;

import intuitor.report.ProgressLine;
import intuitor.train.StopSignal;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Makes Ctrl-C (or SIGTERM) a request to stop: while the process shuts down, the work that is under way is told to
 * stop, and the process waits until it has written its checkpoint. The exit status is the one of the signal (130, 143).
 * Where the work itself ends the process, as a user's class may, there is nothing to wait for.
 */
final class InterruptHandler implements AutoCloseable {

    private static final int LOOK_MS = 200;

    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread hook;
    private final Thread worker = Thread.currentThread();

    private InterruptHandler(StopSignal stop, ProgressLine progress) {
        this.hook = new Thread(() -> {
            progress.message("stopping as soon as what is under way can be gone on with");
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
                while (!done.await(LOOK_MS, TimeUnit.MILLISECONDS) && !workerEndsTheProcess()) {
                    continue; // however long it takes: a checkpoint half written would be lost
                }
                interrupted = false;
            } catch (InterruptedException e) {
                // keep waiting
            }
        }
    }

    /** It called System.exit, and so waits for this hook. */
    private boolean workerEndsTheProcess() {
        return Arrays.stream(worker.getStackTrace())
                .anyMatch(f -> f.getClassName().equals("java.lang.Runtime") && f.getMethodName().equals("exit"));
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
