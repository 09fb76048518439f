package intuitor.eval.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What keeps bubblewrap from making the namespaces that a program runs in, and how to allow them. */
final class UserNamespaces {

    /** Bubblewrap's complaints where it is not allowed to make a namespace, or to set one up. */
    private static final Pattern REFUSED = Pattern.compile(
            "(?i)bwrap: .*(namespace|uid map|gid map|RTM_NEWADDR|permission denied|operation not permitted).*");

    /**
     * A setting of the kernel that forbids them.
     *
     * @param file    below {@code /proc/sys}
     * @param forbids the value that does
     * @param remedy  allows them until the next start
     */
    private record Setting(String file, String forbids, String remedy) { }

    private static final List<Setting> SETTINGS = List.of(
            new Setting("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
            new Setting("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
            new Setting("kernel/apparmor_restrict_unprivileged_userns", "1",
                    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for bwrap"));

    private UserNamespaces() { }

    /**
     * What to do about a complaint of bubblewrap's; empty where it is about something else.
     *
     * @param root of the file system; tests give another
     */
    static Optional<String> remedy(String complaint, Path root) {
        if (!REFUSED.matcher(complaint).matches()) {
            return Optional.empty();
        }
        for (Setting s : SETTINGS) {
            if (value(root.resolve("proc/sys").resolve(s.file)).equals(s.forbids)) {
                return Optional.of("user namespaces are forbidden here (" + s.file.replace('/', '.') + " = " + s.forbids
                        + "): as root, " + s.remedy);
            }
        }
        boolean container = Stream.of(".dockerenv", "run/.containerenv").anyMatch(f -> Files.exists(root.resolve(f)));
        return Optional.of(container
                ? "this container may not make user namespaces: start it with --security-opt seccomp=unconfined "
                        + "--security-opt apparmor=unconfined"
                : "user namespaces are forbidden here, by the kernel, a security module or a container around this");
    }

    private static String value(Path setting) {
        try {
            return Files.readString(setting).strip();
        } catch (IOException notThere) {
            return "";
        }
    }
}
