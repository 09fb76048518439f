#!/bin/sh
# Builds what the benchmarks need and writes the Java class path to target/benchmarks.classpath.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
"$here/mvnw" -B -ntp -q -Dstyle.color=never -DskipTests test-compile \
    dependency:build-classpath -Dmdep.outputFile="$here/target/dependencies.classpath" >&2
echo "$here/target/test-classes:$here/target/classes:$(cat "$here/target/dependencies.classpath")" \
    > "$here/target/benchmarks.classpath"
