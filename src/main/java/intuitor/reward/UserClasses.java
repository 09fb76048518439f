package intuitor.reward;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;

/**
 * Makes rewards of the user's own, from the class path and from the jars and folders that {@code INTUITOR_CLASSPATH}
 * names as {@code CLASSPATH} would: {@code java -jar} has no other class path than the jar.
 */
final class UserClasses {

    static final String VARIABLE = "INTUITOR_CLASSPATH";

    private final String path;
    private final ClassLoader loader;

    /** @param path of {@link #VARIABLE}; null or empty for none */
    UserClasses(String path) {
        this.path = path == null ? "" : path;
        List<URL> urls = new ArrayList<>();
        for (String entry : this.path.isEmpty() ? new String[0] : this.path.split(File.pathSeparator)) {
            check(Path.of(entry));
            try {
                urls.add(Path.of(entry).toUri().toURL());
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException(VARIABLE + ": " + e.getMessage(), e);
            }
        }
        ClassLoader own = Reward.class.getClassLoader();
        // stays open: a class may load others whenever it runs
        loader = urls.isEmpty() ? own : new URLClassLoader(urls.toArray(URL[]::new), own);
    }

    /** The class loader would pass over what it cannot read. */
    private static void check(Path entry) {
        if (!Files.exists(entry)) {
            throw new IllegalArgumentException(VARIABLE + ": no such file: " + entry);
        }
        if (!Files.isDirectory(entry)) {
            try (JarFile jar = new JarFile(entry.toFile())) {
                jar.size();
            } catch (IOException e) {
                throw new IllegalArgumentException(VARIABLE + ": not a jar: " + entry, e);
            }
        }
    }

    /** A new reward; an IllegalArgumentException says in one line why there is none. */
    Reward make(String name) {
        try {
            Object reward = loader.loadClass(name).getConstructor().newInstance();
            if (reward instanceof Reward r) {
                return new UserReward(RewardFactory.shortName(name), r);
            }
            throw new IllegalArgumentException(name + " does not implement " + Reward.class.getName());
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException("no class " + name + (path.isEmpty()
                    ? " on the class path; " + VARIABLE + " can name its jar"
                    : " in " + path + ", which " + VARIABLE + " names, nor on the class path"), e);
        } catch (NoSuchMethodException | IllegalAccessException | InstantiationException e) {
            throw new IllegalArgumentException(name
                    + " needs to be a public class with a public constructor without parameters", e);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new IllegalArgumentException(
                    name + " cannot be made: " + (e.getCause() == null ? e : e.getCause()), e);
        }
    }
}
