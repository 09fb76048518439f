#!/bin/sh
# Holds the small headers of native/include/cuda against the real ones of this machine, at compile time. They may be a
# CUDA toolkit's or those of NVIDIA's Python packages. Needs g++.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
includes=
nvcc=$(readlink -f "$(command -v nvcc)" 2>/dev/null) || nvcc=
for folder in "${CUDA_HOME:-/usr/local/cuda}/include" "${nvcc%/bin/nvcc}/include" \
        $(python3 -c 'import sys; print(*[p + "/nvidia" for p in sys.path if p])' 2>/dev/null | tr ' ' '\n' \
            | while read -r nvidia; do ls -d "$nvidia"/*/include 2>/dev/null; done); do
    [ -d "$folder" ] && includes="$includes -isystem $folder"
done
# shellcheck disable=SC2086 # one word a folder
said=$(g++ -std=c++20 -fsyntax-only $includes "$here/native/include/cuda/check_headers.cpp" 2>&1) || {
    echo "$said"
    exit 1
}
echo "searched:$includes"
missing=$(echo "$said" | sed -n 's/.*#warning "\(.*\)".*/\1/p' | sort -u | tr '\n' ' ')
echo "${missing:-cublaslt.h and cudnn.h agree with the real headers}"
