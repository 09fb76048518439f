package intuitor.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is in the one jar, and what is not. */
class JarIT {

    private static final Path JAR = Path.of(System.getProperty("intuitor.jar"));
    private static final int JAVA_8_CLASS = 52;
    private static final int JAVA_22_CLASS = 66;

    @Test
    void holdsTheNativeLibrariesOfThisPlatformOnly() throws IOException {
        List<String> names = names();
        for (String library : List.of(
                "native/linux-x86_64/libintuitor_cpu.so",
                "org/bytedeco/dnnl/linux-x86_64/libdnnl.so.3",
                "org/bytedeco/dnnl/linux-x86_64/libgomp.so.1",
                "native/lib/linux-x86_64/cpu/libtokenizers.so")) {
            assertTrue(names.contains(library), library + " is missing");
        }
        Pattern foreign =
                Pattern.compile(".*(\\.dll|\\.dylib|\\.jnilib|libjnidnnl.*|\\.hpp|\\.cmake|libintuitor_emu.*)");
        assertEquals(List.of(), names.stream().filter(n -> foreign.matcher(n).matches()).toList());
    }

    @Test
    void startsWithAClassThatJava8CanLoad() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            Attributes manifest = jar.getManifest().getMainAttributes();
            assertEquals("intuitor.Launcher", manifest.getValue("Main-Class"));
            assertEquals("ALL-UNNAMED", manifest.getValue("Enable-Native-Access"));
            assertEquals(JAVA_8_CLASS, classVersion(jar, "intuitor/Launcher.class"));
            assertEquals(JAVA_22_CLASS, classVersion(jar, "intuitor/cli/Main.class"));
        }
    }

    @Test
    void keepsTheLicences() throws IOException {
        List<String> names = names();
        assertTrue(names.contains("META-INF/LICENSE") && names.contains("META-INF/NOTICE"));
        assertFalse(names.stream().anyMatch(n -> n.matches("META-INF/.*\\.(SF|RSA|DSA)")), "signatures of other jars");
    }

    private static List<String> names() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            return jar.stream().map(java.util.zip.ZipEntry::getName).toList();
        }
    }

    private static int classVersion(JarFile jar, String name) throws IOException {
        try (DataInputStream in = new DataInputStream(jar.getInputStream(jar.getJarEntry(name)))) {
            in.readInt(); // magic
            in.readUnsignedShort(); // minor
            return in.readUnsignedShort();
        }
    }
}
