#!/usr/bin/env python3
"""One GRPO step and batched generation, ours and PyTorch's, on the same shapes, in turns on the same machine.

  benchmarks/side_by_side.py --peer DIR [--sizes tiny small] [--rounds 3] [--warmup 2] [--repeats 7] [--threads 2]

DIR holds the peer, which is not part of this repository:
  torch_intuitor.py  `grpo` and `generate`, each with --size tiny|small, --threads N and --json FILE: a Qwen2-architecture
                     policy with random weights (tiny: hidden 128, 4 layers, 4/2 heads, FFN 512, vocabulary 512; small: 512, 8,
                     8/2, 1536, 8192), 16 prompts of 32 tokens, 8 completions of 64 new tokens each (no token ends one);
                     `grpo` is rollout, self-certainty, reference and old log-probabilities, GRPO loss with KL, backward,
                     clipping and AdamW; `generate` samples with batches 1, 32 and 128, and with --dtype bf16 by bf16 weights.
  tuned.sh           runs its arguments with PyTorch's best settings on this machine.

Both sides take the same step on the same shapes, but not by the same passes. Ours makes no separate pass for the old
log-probabilities: with one update a step (mu = 1) these, and self-certainty, come out of sampling; and it computes a group's
prompt once. The peer makes that pass, and repeats the prompt for each completion. `scoring` is therefore the reference alone
for ours, and the reference with the old policy for the peer.

"decoded tokens/s": ours starts its clock when the first token has been drawn, and counts the 63 tokens of the 63 passes that
follow; the peer starts just before, and counts 64 tokens for 63 passes of the layers and 64 of the head. That is at most 64/63
in the peer's favour. "tokens/s with prefill" is 64 tokens over the whole time on both sides.

Each round runs ours and the peer one after the other, each round in the other order; medians over the rounds (each itself a
median over the program's own repeats) are printed as a table and written to benchmarks/results/side_by_side.json, which git does not
ignore: commit it where the figures are quoted, or name another file with --json.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def java():
    """The java that runs the benchmark, and its options: those of the start script."""
    script = '. "$0/.mvn/jdk.sh"; echo "$(find_jdk java)/bin/java $java_options"'
    return subprocess.run(["sh", "-c", script, str(ROOT)], capture_output=True, text=True, check=True).stdout.split()


def ours(command, size, threads, dtype):
    classpath = (ROOT / "target/benchmarks.classpath").read_text().strip()
    return [*java(), "--enable-native-access=ALL-UNNAMED", "-cp", classpath,
            "intuitor.train.GrpoStepBenchmark", command, "--size", size, "--threads", str(threads), "--dtype", dtype]


def peer(folder, command, size, threads, dtype):
    return [str(folder / "tuned.sh"), "/usr/bin/python3", str(folder / "torch_intuitor.py"),
            command, "--size", size, "--threads", str(threads), "--dtype", {"float32": "f32", "bfloat16": "bf16"}[dtype]]


def run(line, threads, out):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(line)}\n{done.stdout}{done.stderr}")
    with open(out) as f:
        return json.load(f)


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


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--peer", type=pathlib.Path, required=True, metavar="DIR")
    p.add_argument("--sizes", nargs="+", default=["tiny", "small"], choices=["tiny", "small"])
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
    for name in ("torch_intuitor.py", "tuned.sh"):
        if not (a.peer / name).is_file():
            sys.exit(f"error: {a.peer / name}: no such file (see --help)")

    subprocess.run([str(ROOT / "benchmarks/build.sh")], check=True)
    table, raw = [], []
    with tempfile.TemporaryDirectory() as work:
        for size in a.sizes:
            for command in a.commands:
                results = {"ours": [], "peer": []}
                for r in range(a.rounds):
                    for who in ("ours", "peer") if r % 2 == 0 else ("peer", "ours"):
                        out = os.path.join(work, f"{size}-{command}-{r}-{who}.json")
                        line = (ours(command, size, a.threads, a.dtype) if who == "ours"
                                else peer(a.peer, command, size, a.threads, a.dtype))
                        line += ["--warmup", str(a.warmup), "--repeats", str(a.repeats), "--json", out]
                        results[who].append(run(line, a.threads, out))
                        print(f"{size} {command} round {r + 1} of {a.rounds}: {who} done", file=sys.stderr)
                raw.append(dict(size=size, command=command, **results))
                median = {who: {k: (statistics.median(metrics(command, x)[k][0] for x in results[who]), less)
                                for k, (_, less) in metrics(command, results[who][0]).items()} for who in results}
                for k, (value, less) in median["ours"].items():
                    other = median["peer"][k][0]
                    table.append(dict(size=size, command=command, metric=k, ours=value, peer=other,
                                      ratio=(other / value if less else value / other)))

    print(f"\n{'size':6} {'command':9} {'metric':34} {'ours':>10} {'PyTorch':>10} {'better by':>10}")
    for row in table:
        print(f"{row['size']:6} {row['command']:9} {row['metric']:34} {row['ours']:10.4g} {row['peer']:10.4g} {row['ratio']:9.2f}x")
    out = a.json or ROOT / "benchmarks/results/side_by_side.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "w") as f:
        json.dump(dict(date=datetime.date.today().isoformat(), processor=processor(), dtype=a.dtype, threads=a.threads, rounds=a.rounds, warmup=a.warmup, repeats=a.repeats,
                       table=table, runs=raw), f, indent=1)
    print(f"\nwritten to {out}")


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
