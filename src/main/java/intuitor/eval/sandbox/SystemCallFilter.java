package intuitor.eval.sandbox;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The seccomp filter (x86-64) of sandboxed programs, as {@code bwrap --seccomp} reads it: classic BPF, one sock_filter
 * of 8 bytes an instruction (linux/filter.h, linux/seccomp.h).
 *
 * <p>A program may start threads and replace itself by another program, but it can start no process: so there is no
 * fork bomb, and the memory limit of one process is the limit of all. Sockets, shared memory, tracing, keys, mounts and
 * other doors into the kernel that a contest's solution has no use for answer "not permitted".
 */
final class SystemCallFilter {

    private static final int ARCH_X86_64 = 0xC000003E;
    private static final int X32_BIT = 0x40000000;
    private static final int CLONE_THREAD = 0x10000;
    private static final int CLONE = 56;
    private static final int CLONE3 = 435;

    /** ptrace, fork and its kin, sockets, System V IPC, keys, mounts, namespaces, modules, bpf, io_uring, memfd, ... */
    private static final int[] REFUSED = {
        29, 30, 31, 41, 57, 58, 64, 65, 68, 71, 101, 103, 155, 161, 163, 165, 166, 167, 168, 169, 175, 176, 179, 240,
        246, 248, 249, 250, 272, 298, 303, 304, 308, 310, 311, 313, 319, 320, 321, 323, 425, 426, 427, 428, 429, 430,
        431, 432, 433, 442, 447
    };

    // offsets in struct seccomp_data
    private static final int NUMBER = 0;
    private static final int ARCHITECTURE = 4;
    private static final int FIRST_ARGUMENT = 16;

    private static final int LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private static final int JUMP_EQUAL = 0x15;
    private static final int JUMP_AT_LEAST = 0x35;
    private static final int JUMP_ANY_BIT = 0x45;
    private static final int RETURN = 0x06;

    private static final int ALLOW = 0x7FFF0000;
    private static final int KILL_PROCESS = 0x80000000;
    private static final int NOT_PERMITTED = 0x00050000 | 1; // SECCOMP_RET_ERRNO | EPERM
    private static final int NOT_KNOWN = 0x00050000 | 38; // ENOSYS: the C library then starts threads by clone

    private record Instruction(int code, int ifTrue, int ifFalse, int k) { }

    private SystemCallFilter() { }

    static byte[] program() {
        List<Instruction> p = new ArrayList<>(List.of(
                new Instruction(LOAD, 0, 0, ARCHITECTURE),
                new Instruction(JUMP_EQUAL, 1, 0, ARCH_X86_64),
                new Instruction(RETURN, 0, 0, KILL_PROCESS),
                new Instruction(LOAD, 0, 0, NUMBER),
                new Instruction(JUMP_AT_LEAST, 0, 1, X32_BIT),
                new Instruction(RETURN, 0, 0, KILL_PROCESS),
                new Instruction(JUMP_EQUAL, 0, 1, CLONE3),
                new Instruction(RETURN, 0, 0, NOT_KNOWN)));
        for (int call : REFUSED) {
            p.add(new Instruction(JUMP_EQUAL, 0, 1, call));
            p.add(new Instruction(RETURN, 0, 0, NOT_PERMITTED));
        }
        p.addAll(Arrays.asList(
                new Instruction(JUMP_EQUAL, 0, 3, CLONE),
                new Instruction(LOAD, 0, 0, FIRST_ARGUMENT),
                new Instruction(JUMP_ANY_BIT, 1, 0, CLONE_THREAD),
                new Instruction(RETURN, 0, 0, NOT_PERMITTED),
                new Instruction(RETURN, 0, 0, ALLOW)));
        ByteBuffer bytes = ByteBuffer.allocate(8 * p.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (Instruction i : p) {
            bytes.putShort((short) i.code()).put((byte) i.ifTrue()).put((byte) i.ifFalse()).putInt(i.k());
        }
        return bytes.array();
    }
}
