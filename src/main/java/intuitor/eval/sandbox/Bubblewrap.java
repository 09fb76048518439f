package intuitor.eval.sandbox;

import intuitor.UserError;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The command that starts a program in bubblewrap: namespaces of its own for users, processes, network, IPC and host
 * name; of the file system only {@code /usr}, an empty {@code /tmp} and the harmless devices, all read-only. There is
 * no {@code /proc}, no {@code /etc}, no home, and of the environment only what is set here.
 *
 * <p>No folder is writable: a file system in memory that is limited in bytes still takes a kilobyte of the kernel's
 * memory for each empty file, bubblewrap cannot limit their number, and a contest's solution writes none.
 *
 * <p>Where the host's user is root, it becomes nobody first: the kernel does not count root's processes.
 */
final class Bubblewrap {

    static final String INSTALL = "apt-get install -y bubblewrap python3";

    private static final String NOBODY = "65534";
    /** The filter's file is opened before anything else happens, and bubblewrap reads it from this descriptor. */
    private static final String FILTER_DESCRIPTOR = "9";
    private static final List<String> SYSTEM_FOLDERS = List.of("/bin", "/lib", "/lib64", "/lib32");

    private Bubblewrap() { }

    /**
     * @param filter  a file with {@link SystemCallFilter#program}
     * @param python  the interpreter, somewhere in {@code /usr}
     * @param program what it is to run: its arguments
     */
    static List<String> command(Path filter, Path python, List<String> program) {
        List<String> c = new ArrayList<>(List.of("/bin/sh", "-c",
                "exec \"$@\" " + FILTER_DESCRIPTOR + "<\"$0\"", filter.toString()));
        if (isRoot()) {
            c.addAll(List.of(tool("setpriv").toString(), "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"));
        }
        c.addAll(List.of(tool("bwrap").toString(),
                "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
                "--unshare-cgroup-try",
                "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", NOBODY, "--gid", NOBODY,
                "--hostname", "sandbox", "--seccomp", FILTER_DESCRIPTOR, "--ro-bind", "/usr", "/usr"));
        for (String folder : SYSTEM_FOLDERS) {
            Path path = Path.of(folder);
            if (Files.isSymbolicLink(path)) { // a merged /usr
                c.addAll(List.of("--symlink", "usr" + folder, folder));
            } else if (Files.isDirectory(path)) {
                c.addAll(List.of("--ro-bind", folder, folder));
            }
        }
        c.addAll(List.of("--dev", "/dev", "--remount-ro", "/dev", "--dir", "/tmp", "--remount-ro", "/",
                "--chdir", "/tmp", python.toString()));
        c.addAll(program);
        return c;
    }

    /** Where a tool is; one that is not there is a {@link UserError}. */
    private static Path tool(String name) {
        return onPath(name).orElseThrow(() -> new UserError("programs are run in a sandbox, and " + name
                + " is not installed: " + (name.equals("setpriv") ? "apt-get install -y util-linux" : INSTALL)));
    }

    static Optional<Path> onPath(String name) {
        String path = System.getenv().getOrDefault("PATH", "") + ":/usr/local/bin:/usr/bin:/bin";
        return Stream.of(path.split(File.pathSeparator)).filter(s -> !s.isEmpty()).map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable).findFirst();
    }

    static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }
}
