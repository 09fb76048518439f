package intuitor;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * What {@code java -jar} starts. Compiled for Java 8, so that any Java can load it: a Java new enough runs the program
 * in this process, an older one looks for a newer one on this machine and runs the program there, or says in one line
 * what is missing.
 *
 * <p>The program itself needs the foreign function API, which is final since Java 22.
 */
public final class Launcher {
    private static final int NEEDED = 22;
    private static final String MAIN = "intuitor.cli.Main";
    private static final int EXIT_NO_JAVA = 2;

    private Launcher() {
    }

    public static void main(String[] args) throws Exception {
        if (feature(System.getProperty("java.specification.version")) >= NEEDED) {
            runHere(args);
            return;
        }
        String named = System.getenv("INTUITOR_JAVA_HOME");
        Path home = newestJava(named == null || named.isEmpty()
                ? candidates() : Collections.singletonList(Paths.get(named)));
        if (home == null) {
            System.err.println("error: intuitor needs Java " + NEEDED + " or newer (25 is best), this is Java "
                    + System.getProperty("java.version") + " and "
                    + (named == null || named.isEmpty() ? "no newer one was found"
                    : "INTUITOR_JAVA_HOME=" + named + " is none")
                    + ": install one, for example from adoptium.net, and set INTUITOR_JAVA_HOME to its folder if it "
                    + "lies in an unusual place");
            System.exit(EXIT_NO_JAVA);
        }
        System.exit(runUnder(home, args));
    }

    private static void runHere(String[] args) throws Exception {
        try {
            Class.forName(MAIN).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Error) {
                throw (Error) e.getCause();
            }
            throw (Exception) e.getCause();
        }
    }

    /**
     * Runs the program under another Java with this process's terminal, and returns its exit status. A signal sent to
     * this process only (Ctrl-C goes to both) is passed on, and this process ends after its child has ended: a training
     * run writes its checkpoint first.
     */
    private static int runUnder(Path home, String[] args) throws IOException, InterruptedException, URISyntaxException {
        List<String> command = new ArrayList<>();
        command.add(home.resolve("bin").resolve("java").toString());
        // the heap holds no tensors: a small one that is collected serially leaves the memory to the model
        command.add("-XX:+UseSerialGC");
        command.add("-XX:MaxNewSize=4m");
        command.add("-XX:TrimNativeHeapInterval=500"); // what the compilers have freed goes back to the system
        command.add("--enable-native-access=ALL-UNNAMED");
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (option.startsWith("-Dintuitor.") || option.startsWith("-Xmx")) {
                command.add(option);
            }
        }
        command.add("-cp");
        command.add(Paths.get(Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString());
        command.add("intuitor.Launcher");
        command.addAll(Arrays.asList(args));

        final Process child = new ProcessBuilder(command).inheritIO().start();
        Thread passOn = new Thread("pass-signal-on") {
            @Override
            public void run() {
                child.destroy(); // SIGTERM
                waitFor(child);
            }
        };
        Runtime.getRuntime().addShutdownHook(passOn);
        int status = child.waitFor();
        try {
            Runtime.getRuntime().removeShutdownHook(passOn);
        } catch (IllegalStateException e) {
            waitFor(child); // a signal is ending this process: the hook returns now, too
        }
        return status;
    }

    private static void waitFor(Process child) {
        boolean ended = false;
        while (!ended) {
            try {
                child.waitFor();
                ended = true;
            } catch (InterruptedException e) {
                // keep waiting: the child must not be left behind
            }
        }
    }

    /** Folders that may hold a Java, in the order in which they are preferred among equals. */
    private static List<Path> candidates() {
        List<Path> found = new ArrayList<>();
        String javaHome = System.getenv("JAVA_HOME");
        if (javaHome != null && !javaHome.isEmpty()) {
            found.add(Paths.get(javaHome));
        }
        Path user = Paths.get(System.getProperty("user.home"));
        Path[] folders = {Paths.get("/usr/lib/jvm"), Paths.get("/usr/java"), Paths.get("/opt"),
            user.resolve(".sdkman/candidates/java"), user.resolve(".jdks")};
        for (Path folder : folders) {
            File[] entries = folder.toFile().listFiles();
            if (entries != null) {
                Arrays.sort(entries);
                for (File entry : entries) {
                    found.add(entry.toPath());
                }
            }
        }
        String path = System.getenv("PATH");
        if (path != null) {
            for (String entry : path.split(File.pathSeparator)) {
                Path java = Paths.get(entry, "java");
                if (Files.isExecutable(java)) {
                    try {
                        found.add(java.toRealPath().getParent().getParent());
                    } catch (IOException e) {
                        // a dangling link: not a Java
                    }
                }
            }
        }
        return found;
    }

    /** The newest Java of the folders given; null if none is new enough. */
    private static Path newestJava(List<Path> homes) {
        Path best = null;
        int bestVersion = NEEDED - 1;
        for (Path home : homes) {
            int version = versionOf(home);
            if (version > bestVersion) {
                best = home;
                bestVersion = version;
            }
        }
        return best;
    }

    /** The Java version of a JDK's folder, from its {@code release} file; 0 if it is none. */
    private static int versionOf(Path home) {
        Path release = home.resolve("release");
        if (!Files.isRegularFile(release) || !Files.isExecutable(home.resolve("bin").resolve("java"))) {
            return 0;
        }
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(Files.newInputStream(release), StandardCharsets.UTF_8))) {
            String line;
            while ((line = reader.readLine()) != null) {
                if (line.startsWith("JAVA_VERSION=")) {
                    return feature(line.substring("JAVA_VERSION=".length()).replace("\"", "").trim());
                }
            }
        } catch (IOException e) {
            return 0; // unreadable: as good as absent
        }
        return 0;
    }

    /** "1.8.0_392" is 8, "17.0.9" is 17, "25" is 25; 0 for what is not a version. */
    private static int feature(String version) {
        String[] parts = version.split("[^0-9]+");
        try {
            int first = Integer.parseInt(parts[0]);
            return first == 1 && parts.length > 1 ? Integer.parseInt(parts[1]) : first;
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
