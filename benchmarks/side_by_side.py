#!/usr/bin/env python3
"""One GRPO step and batched generation, ours and another program's, on the same shapes, in turns on the same machine.

  benchmarks/side_by_side.py --peer DIR [--sizes tiny small] [--rounds 3] [--warmup 2] [--repeats 7] [--threads 2]

DIR holds one of two peers, neither of which is part of this repository.

PyTorch:
  torch_intuitor.py    `grpo` and `generate`, each with --size tiny|small, --threads N and --json FILE: a policy of
                       Qwen2's architecture with random weights (tiny: hidden 128, 4 layers, 4/2 heads, FFN 512,
                       vocabulary 512; small: 512, 8, 8/2, 1536, 8192), 16 prompts of 32 tokens, 8 completions of 64
                       new tokens each (no token ends one); `grpo` is rollout, self-certainty, reference and old
                       log-probabilities, GRPO loss with KL, backward, clipping and AdamW; `generate` samples with
                       batches 1, 32 and 128, and with --dtype bf16 by bf16 weights.
  tuned.sh             runs its arguments with PyTorch's best settings on this machine.

llama.cpp, which generates in the shape of Qwen2.5-0.5B (--sizes qwen2.5-0.5b --commands generate):
  llama-batched-bench  of a build of it, or a script that starts it; options for its best speed go into --peer-options.
                       The model, random weights of --dtype, is written by random_gguf.py.

Both sides take the same step on the same shapes, but not by the same passes. Ours makes no separate pass for the old
log-probabilities: with one update a step (mu = 1) these, and self-certainty, come out of sampling; and it computes a
group's prompt once. PyTorch's makes that pass, and repeats the prompt for each completion. `scoring` is therefore the
reference alone for ours, and the reference with the old policy for the peer.

"decoded tokens/s": ours starts its clock when the first token has been drawn, and counts the 63 tokens of the 63
passes that follow; PyTorch's starts just before, and counts 64 tokens for 63 passes of the layers and 64 of the head.
That is at most 64/63 in the peer's favour. "tokens/s with prefill" is 64 tokens over the whole time on both sides.
llama-batched-bench counts 64 tokens of 64 passes and draws none: it feeds random ones and leaves the logits unread,
while ours samples and computes log-probability, entropy and self-certainty.

Each round runs ours and the peer one after the other, each round in the other order; medians over the rounds (each
itself a median over the program's own repeats) are printed as a table, with the ratio of each round, and written to
benchmarks/results/side_by_side.json, which git does not ignore: commit it where the figures are quoted, or name
another file with --json. What other processes had of the processor meanwhile is said for each run.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMPT, NEW, BATCHES = 32, 64, (1, 32, 128)


class Ours:
    name = "ours"

    def run(self, job):
        classpath = (ROOT / "target/benchmarks.classpath").read_text().strip()
        return measured([*java(), "--enable-native-access=ALL-UNNAMED", "-cp", classpath,
                         "intuitor.train.GrpoStepBenchmark", job.command, "--size", job.size, "--dtype", job.dtype,
                         *job.counts(), "--json", job.out], job)


class PyTorch:
    name = "PyTorch"
    sizes, commands = ("tiny", "small"), ("grpo", "generate")

    def __init__(self, folder):
        self.start = [str(folder / "tuned.sh"), "/usr/bin/python3", str(folder / "torch_intuitor.py")]

    def run(self, job):
        dtype = {"float32": "f32", "bfloat16": "bf16"}[job.dtype]
        return measured([*self.start, job.command, "--size", job.size, "--dtype", dtype, *job.counts(),
                         "--json", job.out], job)


class LlamaCpp:
    name = "llama.cpp"
    sizes, commands = ("qwen2.5-0.5b",), ("generate",)

    def __init__(self, folder, options):
        self.program, self.options = str(folder / "llama-batched-bench"), options

    def run(self, job):
        model = os.path.join(job.folder, f"{job.dtype}.gguf")
        if not os.path.exists(model):
            subprocess.run([str(ROOT / "benchmarks/random_gguf.py"), model, "--dtype", job.dtype], check=True)
        result = dict(peak_rss_MiB=0, others=0, seconds=0, runs=[])
        for batch in BATCHES:  # a process each, so that none has room for more than it uses
            line = [self.program, "-m", model, "-npp", str(PROMPT), "-ntg", str(NEW), "-c", str(batch * (PROMPT + NEW)),
                    "-npl", ",".join([str(batch)] * (job.warmup + job.repeats)), "-t", str(job.threads),
                    "--output-format", "jsonl", *self.options]
            done = measured(line, job)
            rows = [json.loads(x) for x in done.pop("output").splitlines() if x.startswith("{")][job.warmup:]
            if len(rows) != job.repeats:
                sys.exit(f"error: {shlex.join(line)}: {len(rows)} of {job.repeats} results")
            result["runs"].append(dict(
                batch=batch, decode_tokens_per_s=statistics.median(r["speed_tg"] for r in rows),
                tokens_per_s_with_prefill=statistics.median(batch * NEW / (r["t_pp"] + r["t_tg"]) for r in rows)))
            result["peak_rss_MiB"] = max(result["peak_rss_MiB"], done["peak_rss_MiB"])
            result["others"] += done["others"] * done["seconds"]
            result["seconds"] += done["seconds"]
        result["others"] /= result["seconds"]
        return result


class Job:
    """What is run, and where its files may lie."""

    def __init__(self, folder, size, command, a):
        self.folder, self.size, self.command = folder, size, command
        self.dtype, self.threads, self.warmup, self.repeats = a.dtype, a.threads, a.warmup, a.repeats
        self.out = os.path.join(folder, "result.json")

    def counts(self):
        return ["--threads", str(self.threads), "--warmup", str(self.warmup), "--repeats", str(self.repeats)]


def java():
    """The java that runs the benchmark, and its options: those of the start script."""
    script = '. "$0/.mvn/jdk.sh"; echo "$(find_jdk java)/bin/java $java_options"'
    return subprocess.run(["sh", "-c", script, str(ROOT)], capture_output=True, text=True, check=True).stdout.split()


def measured(line, job):
    """Runs a program; returns what it wrote to --json or else said, its peak memory, and what others had of the CPU."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(job.threads))
    start, busy = time.monotonic(), busy_seconds()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(line, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        output.seek(0), errors.seek(0)
        if process.returncode != 0:
            sys.exit(f"error: {shlex.join(line)}\n{output.read()}{errors.read()}")
        result = dict(output=output.read())
    if "--json" in line:
        with open(job.out) as f:
            result = json.load(f)
    result.setdefault("peak_rss_MiB", usage.ru_maxrss / 1024)
    result["seconds"] = seconds
    result["others"] = max(0, busy_seconds() - busy - usage.ru_utime - usage.ru_stime) / seconds
    return result


def busy_seconds():
    """Seconds that the processors have worked, all together (Linux)."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq = map(int, f.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def metrics(command, result):
    """Name -> (value, whether less is better)."""
    m = {"peak memory, MiB": (result["peak_rss_MiB"], True)}
    if command == "grpo":
        m["step, s"] = (result["total_s"], True)
        m["  of it rollout, s"] = (result["rollout_s"], True)
        m["  of it scoring, s"] = (result.get("scoring_s", result.get("score_s")), True)
        m["  of it training, s"] = (result["train_s"], True)
    else:
        for r in result["runs"]:
            m[f"batch {r['batch']}, decoded tokens/s"] = (r["decode_tokens_per_s"], False)
            m[f"batch {r['batch']}, tokens/s with prefill"] = (r["tokens_per_s_with_prefill"], False)
    return m


def rows(size, command, ours, peer):
    """Of the table: a metric each, by the results of all rounds."""
    for name, (_, less) in metrics(command, ours[0]).items():
        a, b = ([metrics(command, r)[name][0] for r in results] for results in (ours, peer))

        def ratio(x, y):
            return y / x if less else x / y

        yield dict(size=size, command=command, metric=name, ours=statistics.median(a), peer=statistics.median(b),
                   ratio=ratio(statistics.median(a), statistics.median(b)), rounds=[ratio(x, y) for x, y in zip(a, b)])


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peer", type=pathlib.Path, required=True, metavar="DIR")
    p.add_argument("--peer-options", type=shlex.split, default=[], metavar="'...'", help="of llama-batched-bench")
    p.add_argument("--sizes", nargs="+", default=["tiny", "small"], choices=["tiny", "small", "qwen2.5-0.5b"])
    p.add_argument("--commands", nargs="+", default=["grpo", "generate"], choices=["grpo", "generate"])
    p.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"],
                   help="of the matrices in generation; a step is in float32")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--warmup", type=int, default=2, help="steps not counted, in each run")
    p.add_argument("--repeats", type=int, default=7, help="steps counted, in each run")
    p.add_argument("--json", type=pathlib.Path, help="default: benchmarks/results/side_by_side.json")
    a = p.parse_args()
    if a.dtype != "float32" and a.commands != ["generate"]:
        sys.exit("error: --dtype bfloat16 is for --commands generate: a step is in float32")
    if (a.peer / "llama-batched-bench").is_file():
        peer = LlamaCpp(a.peer, a.peer_options)
    else:
        for name in ("torch_intuitor.py", "tuned.sh"):
            if not (a.peer / name).is_file():
                sys.exit(f"error: {a.peer / name}: no such file (see --help)")
        peer = PyTorch(a.peer)
    for given, able, option in ((a.sizes, peer.sizes, "--sizes"), (a.commands, peer.commands, "--commands")):
        if not set(given) <= set(able):
            sys.exit(f"error: {peer.name} is measured with {option} {' '.join(able)} (see --help)")
    return a, peer


def main():
    a, peer = parse()
    subprocess.run([str(ROOT / "benchmarks/build.sh")], check=True)
    table, raw = [], []
    with tempfile.TemporaryDirectory() as folder:
        for size in a.sizes:
            for command in a.commands:
                job, results = Job(folder, size, command, a), {"ours": [], "peer": []}
                for r in range(a.rounds):
                    for who, side in (("ours", Ours()), ("peer", peer))[::1 if r % 2 == 0 else -1]:
                        results[who].append(side.run(job))
                        print(f"{size} {command} round {r + 1} of {a.rounds}: {side.name} done; "
                              f"others had {results[who][-1]['others']:.2f} processors", file=sys.stderr)
                raw.append(dict(size=size, command=command, **results))
                table += rows(size, command, **results)

    print(f"\n{'size':12} {'command':9} {'metric':34} {'ours':>10} {peer.name:>10} {'better by':>10}   by round")
    for row in table:
        print(f"{row['size']:12} {row['command']:9} {row['metric']:34} {row['ours']:10.4g} {row['peer']:10.4g} "
              f"{row['ratio']:9.2f}x   {' '.join(f'{x:.2f}' for x in row['rounds'])}")
    out = a.json or ROOT / "benchmarks/results/side_by_side.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "w") as f:
        json.dump(dict(date=datetime.date.today().isoformat(), processor=processor(), peer=peer.name,
                       peer_options=a.peer_options, dtype=a.dtype, threads=a.threads, rounds=a.rounds, warmup=a.warmup,
                       repeats=a.repeats, table=table, runs=raw), f, indent=1)
    print(f"\nwritten to {out}")


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
