#!/bin/sh
# Checks and measures this build on an NVIDIA host, within 8 minutes, and leaves what it found in the folder $OUT. It
# is written as it is found: whatever ends the script, what came before is there.
#
#   report.md           what ran, what passed, the tables of kernel times
#   steps.log           everything that the steps printed
#   bench.json          the kernel times, for programs; bench-lab.json and bench-cudnn.json likewise
#   metrics.jsonl       the learning curve of the training
#   golden.json         token ids and rendered chats by transformers
#
# It is part of the bundle of `./mvnw package -Pbundle` and runs in there. The host needs the NVIDIA driver and cuBLASLt
# (of a CUDA toolkit, or of NVIDIA's Python packages); what else it has decides what can be done:
#   g++ and CUDA's headers   our small headers are checked against them
#   compute-sanitizer        memcheck and racecheck of the kernels on small shapes
#   python3 with torch and transformers    the engine against them, as oracle
# ONLY=REGEX runs the steps whose names match alone, TOTAL=SECONDS has less time or more than 470 s.
# To try the script itself where there is no GPU: DEVICE=emu, with the folder of the emulated device of `make -C native`
# in INTUITOR_NATIVE_DIR. SIZE=tiny measures at small sizes and trains for one step, PATIENCE=N multiplies all limits of
# time; on the emulated device they are tiny and 10.
# Exit status: 0 if all that could run has passed.
set -u
device=${DEVICE:-cuda}
[ "$device" = cuda ] && size=${SIZE:-auto} patience=${PATIENCE:-1} || size=${SIZE:-tiny} patience=${PATIENCE:-10}
[ "$size" = tiny ] && short="--max-steps 1 --eval-prompts 8 --eval-samples 1" || short=
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
out=${OUT:?usage: OUT=FOLDER benchmarks/gpu/run.sh}
mkdir -p "$out" || exit 2
out=$(CDPATH= cd -- "$out" && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
child=
trap 'kill $child 2>/dev/null; exit 143' INT TERM
started=$(date +%s)
total=$((${TOTAL:-470} * patience)) # seconds for everything; the most valuable steps come first
most=1000000                        # bytes of what a step prints that are kept
failed=0

export INTUITOR_CACHE_DIR="${INTUITOR_CACHE_DIR:-$work/cache}"
export PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"
# where containers have the driver, whether or not the linker was told
[ -d /usr/local/nvidia/lib64 ] && export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64"

# --- steps, and the report of them ------------------------------------------------------------------------------------
log=$out/steps.log
: >"$log"
: >"$work/lines"
report() {
    {
        cat "$work/head" "$work/lines"
        echo "- all of it so far: $(($(date +%s) - started)) s"
        for table in bench bench-cudnn bench-lab; do
            if [ -s "$work/$table.md" ]; then printf '\n## %s\n\n' "$table" && cat "$work/$table.md"; fi
        done
    } >"$work/report.md"
    cp "$work/report.md" "$out/report.md.part" && mv "$out/report.md.part" "$out/report.md"
}
line() {
    echo "- $1" >>"$work/lines"
    echo "$1" >&2
    report
}
size_of() {
    wc -c <"$1" | tr -d ' '
}

# step NAME SECONDS COMMAND...: runs a program with a limit, keeps what it prints, and adds a line to the report; passed
# says how it went: yes or no
step() {
    name=$1 limit=$(($2 * patience))
    shift 2
    passed=yes
    echo "$name" | grep -Eq -- "${ONLY:-}" || return 0
    passed=no
    left=$((total - ($(date +%s) - started)))
    if [ "$left" -lt 10 ]; then
        line "$name: NOT RUN, the time is used up"
        failed=1
        return
    fi
    [ "$limit" -le "$left" ] || limit=$left
    printf '\n=== %s\n' "$name" >>"$log"
    from=$(size_of "$log")
    begun=$(date +%s)
    # it has a process group of its own, which ends as a whole
    timeout -k 5 "$limit" "$@" >>"$log" 2>&1 </dev/null &
    child=$!
    wait $child
    status=$?
    took=$(($(date +%s) - begun))
    if [ "$status" = 0 ]; then
        result=passed passed=yes
    else
        failed=1
        result="FAILED, status $status"
        if [ "$status" = 124 ] || [ "$took" -ge "$limit" ]; then result="NOT FINISHED, stopped"; fi
    fi
    tail -c +$((from + 1)) "$log" >"$work/said"
    if [ "$(size_of "$work/said")" -gt "$most" ]; then
        head -c $((from + most / 2)) "$log" >"$work/cut"
        { printf '\n[...]\n' && tail -c $((most / 2)) "$work/said"; } >>"$work/cut"
        mv "$work/cut" "$log"
    fi
    line "$name: $result, $took s: $(grep -v '^[[:space:]]*$' "$work/said" | tail -n 1 | cut -c1-200)"
}
skip() {
    line "$1: not run, $2"
}

java=$here/runtime/bin/java
options="-XX:+UseSerialGC --enable-native-access=ALL-UNNAMED"
classpath=$here/intuitor-native.jar:$here/tests/tests.jar:$(echo "$here"/tests/*.jar | tr ' ' ':')
intuitor() { # NAME SECONDS ARGUMENT...
    name=$1 limit=$2
    shift 2
    # shellcheck disable=SC2086 # a word an option
    step "$name" "$limit" "$java" -Xmx4g $options -jar "$here/intuitor-native.jar" "$@"
}
attention=native # that of the whole models
under=           # what tests run under
suite() { # NAME SECONDS STORAGE [TEST CLASS]...: without classes, those of the kernels
    name=$1 limit=$2 storage=$3
    shift 3
    # shellcheck disable=SC2086
    step "$name" "$limit" $under "$java" -Xmx4g $options -ea -Dintuitor.test.device="$device" \
        -Dintuitor.test.storage="$storage" -Dintuitor.test.attention="$attention" -cp "$classpath" \
        intuitor.device.KernelSuite "$@"
}
bench() { # NAME SECONDS FLAG...: leaves NAME.json, and its table in the report
    name=$1 limit=$2
    shift 2
    intuitor "$name" "$limit" bench --device "$device" --size "$size" --json "$out/$name.json" \
        --markdown "$work/$name.md" "$@"
    report
}
models="intuitor.model.ModelParityTest intuitor.rollout.GenerationParityTest intuitor.train.TrainingParityTest"

gpu=$(timeout 20 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null)
{
    echo "# GPU report"
    echo
    echo "- commit: $(tr '\n' ' ' <"$here/COMMIT")"
    echo "- date: $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "- GPU: ${gpu:-nvidia-smi names none}"
    echo "- nvcc: $(nvcc --version 2>/dev/null | grep release || echo none)"
    echo
} >"$work/head"
report

# a quicker start of every step
timeout -k 5 $((60 * patience)) "$java" -Xshare:dump >/dev/null 2>&1 </dev/null

intuitor "doctor" 30 doctor
intuitor "the device opens" 60 bench --device "$device" --size tiny --rounds 1 --round-ms 1 --kernels cast
if [ "$passed" = no ]; then
    cat "$log" "$out/report.md"
    exit 1
fi

# --- parity -----------------------------------------------------------------------------------------------------------
suite "parity fp32" 60 F32
suite "parity bf16" 60 BF16
# shellcheck disable=SC2086 # a word a class
suite "whole models" 60 BF16 $models

# --- kernel times, and a short training: the demo, which two CPU cores take two minutes for ---------------------------
bench bench 75
# shellcheck disable=SC2086 # a flag and its value, or nothing
intuitor "train" 75 train --device "$device" $short --output-dir "$work/run"
find "$work/run" -name metrics.jsonl -exec cp {} "$out/" \; 2>/dev/null # in a folder of the run's own name

# --- other implementations --------------------------------------------------------------------------------------------
if python3 -c 'import importlib.util as i, sys; sys.exit(not all(map(i.find_spec, sys.argv[1:])))' \
        torch transformers safetensors 2>/dev/null; then
    step "transformers oracle made" 60 python3 "$here/benchmarks/gpu/transformers_oracle.py" "$work/oracle" \
        --golden "$here/models/arithmetic-1m"
    # shellcheck disable=SC2086
    step "transformers oracle" 30 "$java" -Xmx4g $options -cp "$classpath" intuitor.model.TransformersOracle \
        "$work/oracle" "$device"
    cp "$work/oracle/golden.json" "$out/" 2>/dev/null
else
    skip "transformers oracle" "python3 with torch, transformers and safetensors is not there"
fi
if command -v g++ >/dev/null 2>&1; then
    step "headers" 30 sh "$here/benchmarks/gpu/check_headers.sh"
else
    skip "headers" "there is no g++"
fi
if [ "$device" = cuda ]; then
    bench bench-cudnn 45 --attention cudnn --kernels attention
    attention=cudnn
    # shellcheck disable=SC2086
    suite "whole models, cuDNN" 45 BF16 $models
    suite "CUDA graphs" 30 BF16 intuitor.device.DeviceGraphTest intuitor.rollout.DecodeGraphsTest
    suite "parity of the fused LM head" 30 BF16 intuitor.device.FusedHeadTest intuitor.device.FusedSampleTest \
        intuitor.device.HeadLabTest
    suite "parity of the lab" 30 BF16 intuitor.device.KernelLabTest intuitor.device.AttentionLabTest
    bench bench-lab 30 --lab
else
    skip "cuDNN, CUDA graphs and the lab" "they need a GPU"
fi

# --- the sanitizer, with what time is left: the smallest class, to see that it works, then the most intricate first --
if command -v compute-sanitizer >/dev/null 2>&1; then
    for test in Cast Attention Sample Vocab DecodeAdvance RmsNorm Qkv Row Optimiser Swiglu; do
        for tool in memcheck racecheck; do
            under="compute-sanitizer --tool $tool --target-processes all --launch-timeout 60 --error-exitcode 9"
            suite "$tool $test" 60 BF16 "intuitor.device.${test}KernelTest"
            if grep -qs 'Device not supported' "$work/said"; then
                skip "the other checks of compute-sanitizer" "it cannot work on this host"
                break 2
            fi
        done
    done
else
    skip "compute-sanitizer" "it is not installed"
fi

cat "$out/report.md"
exit $failed
