#!/bin/sh
# Checks and measures this build on an NVIDIA host, within 8 minutes, and leaves what it found in the folder $OUT:
#
#   report.md           what ran, what passed, the table of kernel times
#   bench.json          the kernel times, for programs
#   metrics.jsonl       the learning curve of the training
#   logs/               everything that the steps printed
#
# It is part of the bundle of `./mvnw package -Pbundle` and runs in there. The host needs the NVIDIA driver and cuBLASLt
# (of a CUDA toolkit, or of NVIDIA's Python packages); what else it has decides what can be done:
#   nvcc               the small headers of native/include/cuda are checked against the real ones
#   compute-sanitizer  memcheck and racecheck of the kernels on small shapes
#   python3 with torch and transformers   the engine against them, as oracle
# DEVICE=emu tries the script itself where there is no GPU: the emulated device of `make -C native`, in the folder that
# INTUITOR_NATIVE_DIR names, and tiny sizes.
# Exit status: 0 if all that could run has passed.
set -u
device=${DEVICE:-cuda}
[ "$device" = cuda ] && size=auto short= || size=tiny short="--max-steps 1"
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
out=${OUT:?usage: OUT=FOLDER benchmarks/gpu/run.sh}
mkdir -p "$out/logs"
out=$(CDPATH= cd -- "$out" && pwd)
report=$out/report.md
started=$(date +%s)
total=470 # seconds for everything; the steps' limits add up to little less
failed=0

java() {
    "$here/runtime/bin/java" -Xmx4g -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED "$@"
}
classpath=$here/intuitor-native.jar:$here/tests/tests.jar:$(echo "$here"/tests/*.jar | tr ' ' ':')
intuitor() {
    java -jar "$here/intuitor-native.jar" "$@"
}
suite() { # STORAGE [TEST CLASS ...]
    storage=$1
    shift
    java -ea -Dintuitor.test.device="$device" -Dintuitor.test.storage="$storage" -cp "$classpath" intuitor.device.KernelSuite "$@"
}

# step NAME SECONDS COMMAND ...: runs it with a limit, keeps what it prints, and adds a line to the report
step() {
    name=$1 limit=$2
    shift 2
    left=$((total - ($(date +%s) - started)))
    if [ "$left" -lt 10 ]; then
        echo "- $name: NOT RUN, the time is used up" >>"$report"
        failed=1
        return 0
    fi
    [ "$limit" -le "$left" ] || limit=$left
    log=$out/logs/$(echo "$name" | tr ' ,/' '___').log
    begun=$(date +%s)
    # a subshell with a watchdog: the command may be a function of this script, which timeout(1) cannot run
    ("$@") >"$log" 2>&1 &
    child=$!
    (sleep "$limit" && echo "stopped after $limit s" >>"$log" && pkill -TERM -P $child && sleep 5 && pkill -KILL -P $child) \
        >/dev/null 2>&1 &
    watchdog=$!
    if wait $child; then result=passed; else result="FAILED, status $?" failed=1; fi
    if grep -q "^stopped after" "$log"; then result="NOT FINISHED, stopped after $limit s" failed=1; fi
    pkill -P $watchdog >/dev/null 2>&1
    kill $watchdog >/dev/null 2>&1
    echo "- $name: $result, $(($(date +%s) - begun)) s: $(grep -v '^$' "$log" | tail -n 1 | cut -c1-200)" >>"$report"
    echo "$name: $result" >&2
}
skip() {
    echo "- $1: not run, $2" >>"$report"
    echo "$1: not run, $2" >&2
}

{
    echo "# GPU report"
    echo
    echo "- commit: $(tr '\n' ' ' <"$here/COMMIT")"
    echo "- date: $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "- GPU: $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo 'nvidia-smi is missing')"
    echo "- nvcc: $(nvcc --version 2>/dev/null | grep release || echo none)"
    echo
} >"$report"

"$here/runtime/bin/java" -Xshare:dump >/dev/null 2>&1 # a quicker start of every step

step "doctor" 15 intuitor doctor
if ! intuitor bench --device "$device" --size tiny --rounds 1 --round-ms 1 --kernels cast >"$out/logs/device.log" 2>&1; then
    echo "- the CUDA device does not open: $(tail -n 1 "$out/logs/device.log")" >>"$report"
    cat "$report"
    exit 1
fi

# --- parity ---------------------------------------------------------------------------------------------------------
step "parity fp32" 45 suite F32
step "parity bf16" 45 suite BF16
step "whole model" 40 suite BF16 intuitor.model.ModelParityTest \
    intuitor.rollout.GenerationParityTest intuitor.train.TrainingParityTest

if command -v nvcc >/dev/null 2>&1; then
    step "headers" 15 sh "$here/benchmarks/gpu/check_headers.sh"
else
    skip "headers" "there is no nvcc"
fi

if python3 -c 'import torch, transformers, safetensors' >/dev/null 2>&1; then
    step "transformers oracle made" 40 python3 "$here/benchmarks/gpu/transformers_oracle.py" "$out/oracle" \
        --golden "$here/models/arithmetic-1m"
    step "transformers oracle" 20 java -cp "$classpath" intuitor.model.TransformersOracle "$out/oracle" "$device"
    [ -f "$out/oracle/golden.json" ] && cp "$out/oracle/golden.json" "$out/golden.json"
    rm -rf "$out/oracle"
else
    skip "transformers oracle" "python3 with torch, transformers and safetensors is not there"
fi

# --- the sanitizer, on the kernels' tests -----------------------------------------------------------------------------
# the most intricate first; what the time does not allow for is stopped and said to have been
sanitized="AttentionKernelTest SampleKernelTest VocabKernelTest RmsNormKernelTest QkvKernelTest RowKernelTest
    OptimiserKernelTest SwigluKernelTest CastKernelTest"
sanitized=$(for test in $sanitized; do echo "intuitor.device.$test"; done)
if command -v compute-sanitizer >/dev/null 2>&1; then
    for tool in memcheck racecheck; do
        # shellcheck disable=SC2086 # a word a class
        step "compute-sanitizer $tool" 50 compute-sanitizer --tool $tool --target-processes all --error-exitcode 9 \
            "$here/runtime/bin/java" -Xmx2g -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -ea \
            -Dintuitor.test.device="$device" -Dintuitor.test.storage=BF16 -cp "$classpath" intuitor.device.KernelSuite \
            $sanitized
    done
else
    skip "compute-sanitizer" "it is not installed"
fi

# --- benchmarks -----------------------------------------------------------------------------------------------------
step "bench" 75 intuitor bench --device "$device" --size $size --json "$out/bench.json" --markdown "$out/logs/bench.md"
if [ "$device" = cuda ]; then
    step "lab" 20 intuitor bench --device "$device" --size $size --lab \
        --json "$out/bench-lab.json" --markdown "$out/logs/bench-lab.md"
    step "attention by cuDNN" 15 intuitor bench --device "$device" --size $size --attention cudnn --kernels attention \
        --json "$out/bench-cudnn.json" --markdown "$out/logs/bench-cudnn.md"
fi

# --- a short training: the demo, which two CPU cores take two minutes for ---------------------------------------------
# shellcheck disable=SC2086 # a flag and its value, or nothing
step "train" 60 intuitor train --device "$device" $short --output-dir "$out/run"
find "$out/run" -name metrics.jsonl -exec cp {} "$out/metrics.jsonl" \; 2>/dev/null
rm -rf "$out/run"

{
    echo
    echo "## Kernels"
    echo
    cat "$out/logs/bench.md" 2>/dev/null
    echo
    cat "$out/logs/bench-cudnn.md" 2>/dev/null
    echo
    cat "$out/logs/bench-lab.md" 2>/dev/null
} >>"$report"
echo "- all of it: $(($(date +%s) - started)) s" >>"$report"
cat "$report"
exit $failed
