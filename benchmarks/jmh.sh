#!/bin/sh
# Runs the JMH benchmark of the self-certainty reduction; JMH's options are passed on:  benchmarks/jmh.sh -p dtype=F32
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$here/.mvn/jdk.sh"

"$here/benchmarks/build.sh"
exec "$(find_jdk java)/bin/java" -cp "$(cat "$here/target/benchmarks.classpath")" \
    intuitor.benchmarks.SelfCertaintyBenchmark "$@"
