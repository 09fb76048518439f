package intuitor.reward;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes rewards of the user's own, from the class path and from the jars and folders that {@code INTUITOR_CLASSPATH} names
 * as {@code CLASSPATH} would: {@code java -jar} has no other class path than the jar.
 */
final class UserClasses {

    static final String VARIABLE = "INTUITOR_CLASSPATH";

    private final ClassLoader loader;

    /** @param path of {@link #VARIABLE}; null or empty for none */
    UserClasses(String path) {
        List<URL> urls = new ArrayList<>();
        for (String entry : path == null || path.isEmpty() ? new String[0] : path.split(File.pathSeparator)) {
            if (!Files.exists(Path.of(entry))) {
                throw new IllegalArgumentException(VARIABLE + ": no such file: " + entry);
            }
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

    /** A new reward; an IllegalArgumentException says in one line why there is none. */
    Reward make(String name) {
        try {
            Object reward = loader.loadClass(name).getConstructor().newInstance();
            if (reward instanceof Reward r) {
                return new UserReward(RewardFactory.shortName(name), r);
            }
            throw new IllegalArgumentException(name + " does not implement " + Reward.class.getName());
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException("no class " + name + " on the class path; " + VARIABLE
                    + " can name its jar", e);
        } catch (NoSuchMethodException | IllegalAccessException | InstantiationException e) {
            throw new IllegalArgumentException(name
                    + " needs to be a public class with a public constructor without parameters", e);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new IllegalArgumentException(name + " cannot be made: " + (e.getCause() == null ? e : e.getCause()), e);
        }
    }
}
