#!/bin/sh
# Builds the device libraries into the folder given; Maven calls it. What is built is described in native/Makefile.
set -eu
out=${1:?usage: native/build.sh OUTPUT_FOLDER [TARGET...]}
shift
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)

for tool in make g++; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "error: $tool is not installed, and the native library needs it: apt-get install -y g++ make" >&2
        exit 1
    }
done
mkdir -p "$out"
exec make --no-print-directory -s -C "$here" OUT="$out" "$@"
