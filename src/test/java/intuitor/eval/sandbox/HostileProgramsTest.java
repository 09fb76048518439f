package intuitor.eval.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.eval.sandbox.Execution.Ending;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs that mean harm: each is contained, and this process notices nothing of it. */
class HostileProgramsTest {

    private static final double SECONDS = 2;
    private static PythonSandbox sandbox;

    @TempDir
    Path home;

    @BeforeAll
    static void open() {
        sandbox = Sandboxes.open(new Limits(SECONDS, 256L << 20, 24, 1L << 20));
    }

    @AfterAll
    static void close() {
        if (sandbox != null) {
            sandbox.close();
        }
    }

    private static Execution run(String code) {
        return sandbox.run(PythonJob.script(code, ""));
    }

    /** Runs a program that waits: little processor time also means that it is ended soon. */
    private static Execution runShort(String code) {
        return sandbox.run(PythonJob.script(code, ""), sandbox.limits().withSeconds(0.2));
    }

    /** Runs on after each refusal and prints how often it succeeded. */
    private static String successes(String... statements) {
        StringBuilder code = new StringBuilder("import os, sys, ctypes, signal\nsuccesses = []\n");
        for (String statement : statements) {
            code.append("try:\n    ").append(statement).append("\n    successes.append(").append(quoted(statement))
                    .append(")\nexcept BaseException as e:\n    pass\n");
        }
        Execution e = run(code + "print(successes)");
        assertEquals(Ending.FINISHED, e.ending(), e.error());
        return e.output().strip();
    }

    private static String quoted(String s) {
        return "'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }

    /** The question that the other tests ask can be answered with yes. */
    @Test
    void whatIsAllowedSucceeds() {
        assertEquals("[\"open('/dev/null', 'w').write('x')\", 'os.kill(os.getpid(), 0)']",
                successes("open('/dev/null', 'w').write('x')", "os.kill(os.getpid(), 0)", "open('/tmp/none')"));
    }

    @Test
    void aForkBombStartsNoProcess() {
        assertEquals("[]", successes("os.fork()", "os.posix_spawn('/bin/true', ['true'], {})",
                "import subprocess; subprocess.Popen(['/bin/true'])",
                "import multiprocessing as m; m.Process(target=print).start()",
                "assert os.system('true') == 0", "assert ctypes.CDLL(None).syscall(57) >= 0",
                "assert ctypes.CDLL(None).vfork() >= 0",
                "assert ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) >= 0"));
        Execution bomb = run("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass");
        assertEquals(Ending.TIMED_OUT, bomb.ending());
    }

    @Test
    void aThreadBombIsLimited() {
        Execution e = run("""
                import threading, time
                threading.stack_size(32768)
                n = 0
                try:
                    while n < 10000:
                        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
                        n += 1
                except RuntimeError:
                    pass
                print(n)
                """);
        assertTrue(Integer.parseInt(e.output().strip()) < 24, e.toString());
    }

    @Test
    void aMemoryBombFails() {
        assertTrue(run("x = bytearray(1 << 40)").error().contains("MemoryError"));
        assertTrue(run("x = []\nwhile True:\n    x.append(bytearray(1 << 20))").error().contains("MemoryError"));
        assertEquals("[]", successes("assert ctypes.CDLL(None).memfd_create(b'x', 0) >= 0",
                "assert ctypes.CDLL(None).shmget(0, 1 << 30, 0o1600) >= 0",
                "open('/dev/shm/x', 'w').write('x')"));
    }

    /** A million empty files are no bytes, and a gigabyte of the kernel's memory. */
    @Test
    void noFileCanBeMadeAnywhere() {
        assertEquals("[]", successes("open('/tmp/x', 'w')", "os.mkdir('/tmp/x')", "os.symlink('/usr', '/tmp/x')",
                "os.mkfifo('/tmp/x')",
                "open('x', 'w')", "import tempfile; tempfile.TemporaryFile()",
                "os.open('/tmp', os.O_TMPFILE | os.O_RDWR)", "open('/dev/shm/x', 'w')", "open('/dev/pts/x', 'w')"));
    }

    @Test
    void endlessOutputEnds() {
        for (String code : new String[] {
            "while True:\n    print('x' * 1000)", "import sys\nwhile True:\n    sys.stderr.write('x' * 1000)",
            "import os\nwhile True:\n    try:\n        os.write(1, b'x' * 65536)\n    except OSError:\n        pass"}) {
            Execution e = run(code);
            assertEquals(Ending.TOO_MUCH_OUTPUT, e.ending());
            assertTrue(e.output().length() <= 1 << 20 && e.error().length() <= Execution.ERROR_CHARACTERS);
        }
    }

    @Test
    void endlessLoopsEndAlsoWhenTheyIgnoreTheAlarm() {
        assertEquals(Ending.TIMED_OUT, run("while True:\n    pass").ending());
        assertEquals(Ending.TIMED_OUT, runShort("import time\ntime.sleep(60)").ending());
        assertEquals(Ending.TIMED_OUT, run("import signal\nsignal.setitimer(signal.ITIMER_PROF, 0)\nwhile True:\n"
                + "    pass").ending());
        assertEquals(Ending.TIMED_OUT, runShort("""
                import signal, time
                signal.setitimer(signal.ITIMER_REAL, 0)
                for s in (signal.SIGALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(s, signal.SIG_IGN)
                while True:
                    time.sleep(60)
                """).ending());
    }

    @Test
    void nothingIsLeftBehindByAProgramThatIsKilled() {
        String mark = "mark" + System.nanoTime();
        runShort("import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0)\n# " + mark + "\ntime.sleep(60)");
        assertFalse(ProcessHandle.current().descendants().anyMatch(ProcessHandle::isAlive));
    }

    @Test
    void theHomeAndTheSystemsFilesAreNotThere() throws IOException {
        Path secret = Files.writeString(home.resolve("secret.txt"), "secret");
        assertEquals("[]", successes("open(" + quoted(secret.toString()) + ").read()", "open('/etc/passwd').read()",
                "open('/etc/shadow').read()", "os.listdir('/root')", "os.listdir('/home')", "os.listdir('/proc')",
                "os.listdir('/sys')",
                "os.listdir(" + quoted(System.getProperty("user.home")) + ")",
                "os.listdir(" + quoted(home.toString()) + ")"));
        assertEquals("['bin', 'dev', 'lib', 'lib64', 'tmp', 'usr']\n",
                run("import os\nprint(sorted(d for d in os.listdir('/') if d != 'lib32'))").output());
    }

    @Test
    void theEnvironmentIsOursOnly() {
        assertEquals("['HOME', 'LANG', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'PATH', 'PWD', 'PYTHONHASHSEED']\n",
                run("import os\nprint(sorted(k for k in os.environ if k not in ('OLDPWD', 'SHLVL', '_')))").output());
        assertEquals("[]", successes("open('/proc/1/environ').read()", "open('/proc/self/environ').read()"));
    }

    @Test
    void theSystemIsReadOnly() {
        assertEquals("[]", successes("open('/usr/bin/x', 'w')", "open('/x', 'w')", "os.mkdir('/usr/x')",
                "os.remove('/usr/bin/python3')",
                "os.chmod('/usr/bin', 0o777)", "open('/dev/x', 'w')", "os.mkdir('/dev/shm/x')",
                "assert ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
                "assert ctypes.CDLL(None).unshare(0x10000000) == 0", "assert ctypes.CDLL(None).chroot(b'/tmp') == 0"));
    }

    @Test
    void thereIsNoNetworkNotEvenToThisMachine() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout(200);
            assertEquals("[]", successes("import socket; socket.create_connection(('127.0.0.1', "
                    + server.getLocalPort() + "), 1)",
                    "import socket; socket.socket(socket.AF_UNIX)",
                    "import socket; socket.getaddrinfo('localhost', 80)[5]",
                    "assert ctypes.CDLL(None).socket(2, 1, 0) >= 0"));
            assertThrows(SocketTimeoutException.class, server::accept);
        }
    }

    @Test
    void signalsReachNobodyElse() {
        long pid = ProcessHandle.current().pid();
        assertEquals("[]", successes("os.kill(" + pid + ", 9)", "os.kill(" + pid + ", 0)"));
        Execution e = run("import os, signal\nos.kill(1, signal.SIGKILL)\nos.kill(os.getppid(), "
                + "signal.SIGTERM)\nprint('alive')");
        assertEquals("alive\n", e.output(), e.error());
        assertNotEquals(Ending.FINISHED, run("import os, signal\nos.kill(-1, signal.SIGKILL)\nos.kill(os.getpid(), "
                + "9)").ending());
        assertTrue(ProcessHandle.current().isAlive());
    }

    @Test
    void linksLeadNowhere() throws IOException {
        Path secret = Files.writeString(home.resolve("secret.txt"), "secret");
        assertEquals("[]", successes("os.symlink(" + quoted(secret.toString()) + ", '/tmp/l1'); open('/tmp/l1').read()",
                "os.symlink('/proc/1/root', '/tmp/l2'); os.listdir('/tmp/l2')", "os.link('/usr/bin/env', '/tmp/l3')",
                "os.symlink('/../../../../root', '/tmp/l4'); os.listdir('/tmp/l4')",
                "os.symlink('/tmp/l5', '/tmp/l5'); open('/tmp/l5')"));
        assertEquals("secret", Files.readString(secret));
    }

    @Test
    void aResultCannotBeForged() {
        String code = """
                import os, sys
                class Sly(int):
                    def __eq__(self, other): return True
                    def __repr__(self): return '7'
                    __str__ = __repr__
                def f(x):
                    print('["n", "7"]')
                    return Sly(3)
                """;
        Execution e = sandbox.run(PythonJob.call(code, "f", "1"));
        assertFalse(PythonValue.equal(PythonValue.parse(e.output()), PythonValue.ofJson("7")), e.output());
    }

    @Test
    void resultsThatAreNoJsonAreNoValue() {
        for (String value : new String[] {"float('nan')", "object()", "lambda: 1", "(i for i in [1])"}) {
            PythonValue v = PythonValue.parse(sandbox.run(PythonJob.expression("", value)).output());
            assertFalse(PythonValue.equal(v, v), value);
        }
        assertFalse(PythonValue.equal(PythonValue.parse("[[[[" + "[".repeat(100_000)), PythonValue.parse("")));
        Execution endless = sandbox.run(PythonJob.expression("x = []\nx.append(x)", "x"));
        assertEquals(Ending.FAILED, endless.ending(), endless.output());
    }

    @Test
    void withoutTheSandboxTimeAndMemoryAreLimitedAllTheSame() {
        try (PythonSandbox open = PythonSandbox.openUnsafe(new Limits(1, 256L << 20, 24, 1L << 20))) {
            assertFalse(open.isolated());
            assertEquals("5\n", open.run(PythonJob.script("print(int(input()) + 1)", "4")).output());
            assertEquals(Ending.TIMED_OUT, open.run(PythonJob.script("while True:\n    pass", "")).ending());
            assertTrue(open.run(PythonJob.script("x = bytearray(1 << 40)", "")).error().contains("MemoryError"));
        }
    }

    /**
     * The child of a child, in a session of its own, with another environment: nothing leads from the program to it.
     */
    @Test
    void withoutTheSandboxNothingOutlivesAProgramEither() throws IOException, InterruptedException {
        Path beats = home.resolve("beats");
        String file = quoted(beats.toString());
        String beat = "import time\nwhile True:\n    with open(" + file.replace("'", "\"")
                + ", 'a') as f: f.write('x')\n    time.sleep(0.02)";
        String leaves = "import os, subprocess, sys, time\nif os.fork() == 0:\n    subprocess.Popen([sys.executable, "
                + "'-c', " + quoted(beat).replace("\n", "\\n") + "], env={}, start_new_session=True, "
                + "stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n    os._exit(0)\n"
                + "while not os.path.exists(" + file + "):\n    time.sleep(0.01)\n";
        try (PythonSandbox open = PythonSandbox.openUnsafe(new Limits(1, 1L << 30, 24, 1L << 20))) {
            Execution e = open.run(PythonJob.script(leaves, ""));
            assertEquals(Ending.FINISHED, e.ending(), e.error());
            assertSilent(beats);
            assertEquals(Ending.TIMED_OUT, open.run(PythonJob.script(leaves + "while True:\n    pass", "")).ending());
            assertSilent(beats);
            assertEquals("ended by signal 9", open.run(PythonJob.script("import os\nos.kill(os.getpid(), 9)", ""))
                    .error());
        }
    }

    private static void assertSilent(Path beats) throws IOException, InterruptedException {
        long size = Files.size(beats);
        Thread.sleep(200);
        assertEquals(size, Files.size(beats));
        Files.delete(beats);
    }
}
