#!/bin/sh
# Reads what ptxas said of one file of CUDA kernels (nvcc -Xptxas -v): prints a line for each kernel, and fails if one
# keeps registers in memory ("spills") that is not excepted below, if its products of warpgroups (wgmma) are waited for
# one by one ("serialized"), or if registers do not go from one warpgroup to another ("setmaxnreg ignored"). All three
# are as slow as they are easy to overlook.
#
#   check_spills.sh NAME.ptxas PART      PART receives a line for each instance of a kernel and each architecture
#   check_spills.sh --table PART...      prints these parts under their columns' names
set -eu
columns='%-18s %-52s %-8s %9s %8s %8s\n'
if [ "${1:-}" = --table ]; then
    shift
    printf "$columns" file kernel target registers spilled shared
    exec cat "$@"
fi
report=${1:?usage: check_spills.sh NAME.ptxas PART}
table=${2:?usage: check_spills.sh NAME.ptxas PART}
name=$(basename "$report" .ptxas)

# Kernels that may spill: an extended regular expression of FILE:KERNEL:ARCHITECTURE, without blanks; then the reason.
exceptions='
attention_generic:.*                          fp32 and unusual head sizes; training in bf16 takes tensor cores
'

demangle=$(command -v c++filt || echo cat)
"$demangle" <"$report" | awk -v name="$name" -v columns="$columns" -v exceptions="$exceptions" -v table="$table.tmp" '
    # void a::b::(anonymous namespace)::f<__nv_bfloat16, 32>(float*, ...)  ->  f<bf16, 32>
    function short(text) {
        gsub(/\(anonymous namespace\)::/, "", text)
        gsub(/intuitor::cuda::/, "", text)
        gsub(/__nv_bfloat16/, "bf16", text)
        gsub(/__half/, "f16", text)
        if (match(text, />\(/)) text = substr(text, 1, RSTART)
        else sub(/\(.*/, "", text)
        sub(/^(static )?void /, "", text)
        return text
    }
    function reason(kernel, architecture,    i) {
        for (i = 1; i <= excepted; i++)
            if ((name ":" kernel ":" architecture) ~ ("^(" pattern[i] ")$")) return why[i]
        return ""
    }
    function add(kernel, architecture, registers, spilled, shared,    plain, because) {
        printf columns, name, kernel, architecture, registers, spilled, shared >table
        plain = kernel
        sub(/<.*/, "", plain)
        if (!(plain in known)) order[++kernels] = plain
        known[plain] = 1
        if (registers != "-") {
            if (!(plain in least) || registers < least[plain]) least[plain] = registers
            if (registers > most[plain]) most[plain] = registers
        }
        if (spilled == 0) return
        if (spilled > worst[plain]) worst[plain] = spilled
        because = reason(kernel, architecture)
        if (because == "") {
            failures[++failed] = kernel " (" architecture ") spills " spilled " bytes"
            advice = "Use fewer registers, or name the kernel and the reason in native/check_spills.sh"
        } else excuse[plain] = because
    }
    BEGIN {
        lines = split(exceptions, line, "\n")
        for (i = 1; i <= lines; i++) {
            if (split(line[i], word, /[ \t]+/) < 2) continue
            pattern[++excepted] = word[1]
            why[excepted] = substr(line[i], length(word[1]) + 1)
            sub(/^[ \t]+/, "", why[excepted])
        }
        printf "" >table
    }
    /Compiling entry function/ {
        entry = $0
        sub(/^[^\047]*\047/, "", entry)
        sub(/\047 for \047[^\047]*\047$/, "", entry)
        architecture = $NF
        gsub(/\047/, "", architecture)
        next
    }
    /Function properties for / {
        current = $0
        sub(/.*Function properties for /, "", current)
        next
    }
    /bytes spill stores/ {
        spilled = 0
        for (i = 4; i <= NF; i++) if ($i == "spill") spilled += $(i - 2)
        if (current == entry) entry_spilled = spilled
        else add(short(current), architecture, "-", spilled, 0) # a function that was not inlined
        next
    }
    /wgmma.mma_async instructions are serialized/ {
        because = $0
        sub(/.*serialized due to /, "", because)
        kernel = because
        sub(/ in the function .*/, "", because)
        sub(/.* in the function /, "", kernel)
        gsub(/\047/, "", kernel)
        kernel = short(kernel)
        failures[++failed] = kernel " has its wgmma serialized: " because
        next
    }
    /setmaxnreg\047 ignored/ { # the kernel is not named
        because = $0
        sub(/.*ignored;? /, "", because)
        sub(/\.$/, "", because)
        failures[++failed] = "setmaxnreg is ignored: " because
        next
    }
    / Used [0-9]+ registers/ {
        registers = shared = 0
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^registers/) registers = $(i - 1) + 0
            if ($i ~ /^smem/) shared = $(i - 2) + 0
        }
        add(short(entry), architecture, registers, entry_spilled, shared)
    }
    END {
        for (k = 1; k <= kernels; k++) {
            plain = order[k]
            range = (plain in least) ? least[plain] : "-"
            if (most[plain] > least[plain]) range = range "-" most[plain]
            spills = "no spills"
            if (worst[plain]) spills = worst[plain] " bytes spilled" (plain in excuse ? ": " excuse[plain] : "")
            printf "  PTXAS %s %s: %s registers, %s\n", name, plain, range, spills
        }
        for (i = 1; i <= failed; i++) print "error: kernels/" name ".cu: " failures[i] | "cat >&2"
        if (advice) print advice | "cat >&2"
        exit failed > 0
    }'
mv "$table.tmp" "$table"
