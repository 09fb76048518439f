#!/bin/sh
# Runs the JMH benchmark of the self-certainty reduction; JMH's options are passed on:  benchmarks/jmh.sh -p dtype=F32
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$here/.mvn/jdk.sh"

"$here/benchmarks/build.sh"
java=$(find_jdk java)/bin/java
# JMH 1.37 uses what newer Javas warn of
quiet=--sun-misc-unsafe-memory-access=allow
"$java" $quiet -version >/dev/null 2>&1 || quiet=
# the measuring processes take over these options
exec "$java" $quiet $java_options --enable-native-access=ALL-UNNAMED -cp "$(cat "$here/target/benchmarks.classpath")" \
    intuitor.benchmarks.SelfCertaintyBenchmark "$@"
