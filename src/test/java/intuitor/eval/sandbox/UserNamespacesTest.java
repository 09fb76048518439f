package intuitor.eval.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On file systems as the kernels and distributions that forbid namespaces have them. */
class UserNamespacesTest {

    private static final String REFUSED = "bwrap: setting up uid map: Permission denied";

    @TempDir
    Path root;

    private void write(String file, String text) throws IOException {
        Files.createDirectories(root.resolve(file).getParent());
        Files.writeString(root.resolve(file), text);
    }

    @ParameterizedTest
    @CsvSource({
        "kernel/unprivileged_userns_clone, 0, sysctl -w kernel.unprivileged_userns_clone=1",
        "user/max_user_namespaces, 0, sysctl -w user.max_user_namespaces=15000",
        "kernel/apparmor_restrict_unprivileged_userns, 1, "
                + "'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for bwrap'"})
    void theSettingAndTheCommandAreNamed(String setting, String value, String remedy) throws IOException {
        for (String other : new String[] {"kernel/unprivileged_userns_clone", "user/max_user_namespaces"}) {
            write("proc/sys/" + other, "1\n");
        }
        write("proc/sys/" + setting, value + "\n");
        assertEquals(Optional.of("user namespaces are forbidden here (" + setting.replace('/', '.') + " = " + value
                + "): as root, " + remedy), UserNamespaces.remedy(REFUSED, root));
    }

    @Test
    void inAContainerItIsTheContainers() throws IOException {
        write(".dockerenv", "");
        assertEquals(Optional.of("this container may not make user namespaces: start it with --security-opt "
                + "seccomp=unconfined --security-opt apparmor=unconfined"), UserNamespaces.remedy(REFUSED, root));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "bwrap: setting up uid map: Operation not permitted | true",
        "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted | true",
        "bwrap: No permissions to create new namespace, likely because the kernel does not allow it | true",
        "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded | true",
        "bwrap: execvp /usr/bin/python3: No such file or directory | false",
        "PermissionError: [Errno 1] Operation not permitted | false"})
    void onlyBubblewrapsRefusalsAreTakenForOne(String complaint, boolean refused) {
        assertEquals(refused, UserNamespaces.remedy(complaint, root).isPresent());
    }
}
