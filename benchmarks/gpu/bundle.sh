#!/bin/sh
# Packs what a bare NVIDIA host needs to check and measure this build: a Java runtime, the jar, the tests, the sources of
# the kernels.  `./mvnw package -Pbundle` calls it; target/intuitor-native-bundle.tar.xz is the result. On the host:
#
#   tar xJf intuitor-native-bundle.tar.xz && OUT=results intuitor-native/benchmarks/gpu/run.sh
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
target=$here/target
. "$here/.mvn/jdk.sh"
jdk=$(find_jdk jlink) || {
    echo "error: no JDK with jlink was found: $jdk_hint" >&2
    exit 1
}
[ -f "$target/native/libintuitor_cuda.so" ] || {
    echo "error: this build has no CUDA library: install the CUDA toolkit (nvcc), then build the bundle again" >&2
    exit 1
}

stage=$target/bundle/intuitor-native
rm -rf "$target/bundle"
mkdir -p "$stage/tests"

"$jdk/bin/jlink" --strip-debug --no-header-files --no-man-pages --output "$stage/runtime" --add-modules \
    java.base,java.logging,java.management,jdk.management,java.naming,java.net.http,java.sql,java.xml,jdk.httpserver,jdk.unsupported,jdk.zipfs

# stored, not deflated: xz does better on the whole
repack() {
    rm -rf "$target/bundle/unpacked"
    mkdir "$target/bundle/unpacked"
    (cd "$target/bundle/unpacked" && "$jdk/bin/jar" xf "$1" && "$jdk/bin/jar" --create --no-compress --file "$2" \
        --manifest META-INF/MANIFEST.MF -C . .)
    rm -rf "$target/bundle/unpacked"
}
repack "$target/intuitor-native.jar" "$stage/intuitor-native.jar"
"$jdk/bin/jar" --create --no-compress --file "$stage/tests/tests.jar" -C "$target/test-classes" .
tr ':' '\n' <"$target/dependencies.classpath" \
    | grep -E '/(junit-[a-z-]*|opentest4j|apiguardian-api|jmh-core|jopt-simple|commons-math3)-[0-9.]*\.jar$' \
    | xargs -I{} cp {} "$stage/tests/"

for folder in kernels native/include native/common benchmarks/gpu; do
    mkdir -p "$stage/$folder"
    cp -R "$here/$folder/." "$stage/$folder/"
done
# for the tokenizer; the demo, its weights with it, is in the jar
mkdir -p "$stage/models/arithmetic-1m"
cp "$here"/models/arithmetic-1m/*.json "$stage/models/arithmetic-1m/"
{
    git -C "$here" rev-parse HEAD 2>/dev/null || echo unknown
    [ -z "$(git -C "$here" status --porcelain 2>/dev/null)" ] || echo "with changes that are not committed"
} >"$stage/COMMIT"

# xz's filter for machine code and preset 6 would save 0.6 percent
tar -C "$target/bundle" -c intuitor-native | xz -T0 -4 >"$target/intuitor-native-bundle.tar.xz.tmp"
mv "$target/intuitor-native-bundle.tar.xz.tmp" "$target/intuitor-native-bundle.tar.xz"
rm -rf "$target/bundle"
echo "target/intuitor-native-bundle.tar.xz: $(($(wc -c <"$target/intuitor-native-bundle.tar.xz") / 1000000)) MB"
