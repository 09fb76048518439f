# Runs one program inside the sandbox. Standard input begins with a line of JSON, {"mode", "limits", "bytes"}, and that many
# bytes of JSON, {"code", ...}; what follows is the standard input of the program itself.
#
#   script      the code runs as __main__; its output is the result
#   call        the function "function" of the code (or of its class Solution) is called with the JSON values on standard
#               input, one a line; its value is the result
#   expression  the value of "expression", seen by the code's own names, is the result; where "function" is given, the
#               expression has to be a call of it and nothing else
#
# Values leave as JSON that tells Python's types apart: see PythonValue.java. The expected value never comes in here, so
# a program can write what it likes and not make itself right.
import json
import os
import random
import resource
import signal
import sys

PRELUDE = "".join(
    f"from {m} import *\n" for m in (
        "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
        "functools", "operator", "io", "sys", "json", "builtins", "typing")
) + "import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools\n" \
    "import operator, io, sys, json\n"


def read_exactly(count):
    parts = []
    while count > 0:
        part = os.read(0, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        line += read_exactly(1)
    return line


def limit(limits):
    for name in ("AS", "CPU", "NPROC", "FSIZE", "NOFILE", "CORE", "MEMLOCK", "MSGQUEUE"):
        value = limits.get(name)
        if value is not None:
            which = getattr(resource, "RLIMIT_" + name)
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard - (name == "CPU"))
            # a second more of processor time before the signal that cannot be caught, so that the first one says why
            resource.setrlimit(which, (value, value + 1 if name == "CPU" else value))
    # the program is ended by the signals' default action, unless it asks for another; then the kernel or the host ends it
    signal.setitimer(signal.ITIMER_PROF, limits["seconds"])
    signal.setitimer(signal.ITIMER_REAL, limits["wall_seconds"])


def encode(x):
    if x is None:
        return None
    if type(x).__module__ == "numpy" and hasattr(x, "item") and getattr(x, "shape", None) == ():
        x = x.item()
    if isinstance(x, int):
        return ["n", str(int(x))]
    if isinstance(x, float):
        return ["n", repr(float(x))]
    if isinstance(x, str):
        return ["s", str.__str__(x)]
    if isinstance(x, (bytes, bytearray)):
        return ["b", bytes(x).hex()]
    if isinstance(x, list):
        return ["l", [encode(e) for e in list.__iter__(x)]]
    if isinstance(x, tuple):
        return ["t", [encode(e) for e in tuple.__iter__(x)]]
    if isinstance(x, dict):
        return ["d", [[encode(k), encode(v)] for k, v in dict.items(x)]]
    if isinstance(x, (set, frozenset)):
        return ["e", [encode(e) for e in x]]
    return ["o", type(x).__name__ + " " + repr(x)]


def is_call(expression, function):
    import ast
    tree = ast.parse(expression, mode="eval").body
    return isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == function


def children():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                        yield int(entry)
            except OSError:
                pass  # it has ended meanwhile


def supervise():
    """Goes on in a child; this process waits for it, ends whatever it leaves behind, and passes its status on."""
    import ctypes
    if ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) != 0:  # PR_SET_CHILD_SUBREAPER: orphans become children of this process
        raise OSError("prctl")
    child = os.fork()
    if child == 0:
        return
    status = os.waitpid(child, 0)[1]
    try:
        while True:
            for orphan in children():
                os.kill(orphan, signal.SIGKILL)
            os.waitpid(-1, 0)
    except ChildProcessError:
        os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def main():
    head = json.loads(read_line())
    job = json.loads(read_exactly(head["bytes"]))
    if head["supervise"]:
        supervise()
    sys.path[:] = [p for p in sys.path if p]
    sys.argv[:] = ["solution.py"]
    sys.setrecursionlimit(50000)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(50000)
    names = {"__name__": "__main__" if head["mode"] == "script" else "solution", "__builtins__": __builtins__}
    if head["mode"] != "expression":
        exec(PRELUDE, names)
    random.seed(0)
    result = None
    if head["mode"] != "script":
        result = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    limit(head["limits"])
    if head["mode"] == "expression":
        expression = job["expression"].strip()
        if "function" in job and not is_call(expression, job["function"]):
            raise SyntaxError("not a call of " + job["function"])
    try:
        exec(compile(job["code"], "solution.py", "exec"), names)
        if head["mode"] == "call":
            owner = names["Solution"]() if "class Solution" in job["code"] else None
            function = getattr(owner, job["function"]) if owner is not None else names[job["function"]]
            arguments = [json.loads(line) for line in sys.stdin.read().split("\n")]
            value = function(*arguments)
        elif head["mode"] == "expression":
            value = eval(compile(expression, "answer", "eval"), names)
    except SystemExit:
        if result is not None:
            raise
    if result is not None:
        result.write(json.dumps(encode(value)))
        result.flush()
        os._exit(0)
    # a script ends as Python ends: threads are waited for, atexit's functions run, what is buffered is written


main()
