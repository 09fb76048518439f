#!/bin/sh
# Holds the small headers of native/include/cuda against the real ones of this machine, at compile time. They may be a
# CUDA toolkit's or those of NVIDIA's Python packages.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
includes=
for folder in "${CUDA_HOME:-/usr/local/cuda}/include" \
        $(python3 -c 'import sys; print(*[p + "/nvidia" for p in sys.path if p])' 2>/dev/null | tr ' ' '\n' \
            | while read -r nvidia; do ls -d "$nvidia"/*/include 2>/dev/null; done); do
    [ -d "$folder" ] && includes="$includes -isystem $folder"
done
compiler=$(command -v g++ || command -v nvcc)
# shellcheck disable=SC2086 # one word a folder
said=$("$compiler" -std=c++20 -c -o /dev/null $includes "$here/native/include/cuda/check_headers.cpp" 2>&1) || {
    echo "$said"
    exit 1
}
echo "searched:$includes"
missing=$(echo "$said" | sed -n 's/.*#warning "\(.*\)".*/\1/p' | sort -u | tr '\n' ' ')
echo "${missing:-cublaslt.h and cudnn.h agree with the real headers}"
