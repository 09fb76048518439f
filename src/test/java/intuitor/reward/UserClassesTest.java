package intuitor.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The example of docs/rewards.md, compiled and used as that page says. */
class UserClassesTest {

    private static final Pattern EXAMPLE = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

    @TempDir
    Path folder;

    private Path classes;

    @BeforeEach
    void compile() throws IOException {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("docs/rewards.md")));
        assertTrue(example.find());
        Path source = Files.writeString(folder.resolve("Brief.java"), example.group(1));
        classes = folder.resolve("classes");
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, "-cp",
                System.getProperty("java.class.path"), "-d", classes.toString(), source.toString()));
    }

    @Test
    void aClassInAFolder() {
        assertIsBrief(new UserClasses(classes.toString()).make("demo.Brief"));
    }

    @Test
    void aClassInAJarAmongOthers() throws IOException {
        Path jar = folder.resolve("brief.jar");
        try (OutputStream file = Files.newOutputStream(jar); JarOutputStream out = new JarOutputStream(file)) {
            out.putNextEntry(new JarEntry("demo/Brief.class"));
            out.write(Files.readAllBytes(classes.resolve("demo/Brief.class")));
        }
        assertIsBrief(new UserClasses(folder + File.pathSeparator + jar).make("demo.Brief"));
    }

    @Test
    void whatIsMissingIsSaid() {
        assertMessage("no class demo.Brief on the class path; INTUITOR_CLASSPATH can name its jar",
                () -> new UserClasses(null).make("demo.Brief"));
        assertMessage("INTUITOR_CLASSPATH: no such file: /nowhere.jar", () -> new UserClasses("/nowhere.jar"));
        assertMessage("no class demo.Brif in " + classes + ", which INTUITOR_CLASSPATH names, nor on the class path",
                () -> new UserClasses(classes.toString()).make("demo.Brif"));
    }

    @Test
    void whatIsNoJarIsSaid() throws IOException {
        Path source = Files.writeString(folder.resolve("brief.jar"), "class Brief {}");
        assertMessage("INTUITOR_CLASSPATH: not a jar: " + source, () -> new UserClasses(source.toString()));
    }

    /** Whatever goes wrong in a user's class is one line that names it, and no other reward is left open. */
    @Test
    void whatGoesWrongInItIsSaidUnderItsName() {
        Reward broken = new UserReward("broken", new Reward() {
            @Override
            public double[] score(RewardContext context) {
                return score(context); // for ever
            }

            @Override
            public boolean needsAnswers() {
                throw new NoClassDefFoundError("lib/Missing");
            }

            @Override
            public void close() {
                throw new IllegalStateException("still busy");
            }
        });
        Group group = new Group(new int[] {1}, List.of(completion(3)));
        RewardContext context = new RewardContext(group, null, 1, 4, tokens -> "");
        assertUserError("reward broken, step 5: java.lang.StackOverflowError", () -> broken.score(context));
        assertUserError("reward broken, needsAnswers: java.lang.NoClassDefFoundError: lib/Missing",
                broken::needsAnswers);
        assertUserError("reward broken, close: java.lang.IllegalStateException: still busy", broken::close);
    }

    private static void assertUserError(String message, Executable call) {
        assertEquals(message, assertThrows(UserError.class, call).getMessage());
    }

    private static void assertIsBrief(Reward reward) {
        List<Completion> completions = List.of(completion(3), completion(1));
        assertArrayEquals(new double[] {-3, -1}, reward.score(new RewardContext(new Group(new int[] {1}, completions),
                null, 1, 0, tokens -> "x".repeat(tokens.length))));
    }

    private static Completion completion(int n) {
        return new Completion(0, 0, new int[n], new float[n], new float[n], new float[n], true);
    }

    private static void assertMessage(String message, Runnable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }
}
