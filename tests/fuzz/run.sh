#!/usr/bin/env bash
# Runs every fuzz target for some seconds with libFuzzer. Runs in the development image (make fuzz).
# usage: run.sh SECONDS [NAME...]     New inputs are kept in build/corpus/NAME; a crash's input in build/crashes.
# BLUEGREEN_FUZZ_PRESET=fuzz-fast: without sanitizers, for numbers; what a target checks itself is the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:?usage: run.sh SECONDS [NAME...]}
shift
names=("$@")
if [ $# -eq 0 ]; then
    mapfile -t names < <(find tests/fuzz -name 'fuzz_*.c' -printf '%f\n' | sed 's/^fuzz_//; s/\.c$//' | sort)
fi

# unpack_seeds NAME: its corpus in build/seeds, NAME.hex files as the bytes they stand for
unpack_seeds() {
    local file
    rm -rf "build/seeds/$1"
    mkdir -p "build/seeds/$1"
    for file in "tests/fuzz/corpus/$1"/*; do
        case $file in
        *.hex) perl -0777 -ne 's/\s//g; print pack "H*", $_' "$file" >"build/seeds/$1/$(basename "$file" .hex)" ;;
        *) cp "$file" "build/seeds/$1/" ;;
        esac
    done
}

preset=${BLUEGREEN_FUZZ_PRESET:-fuzz}
# Other secrets each time (tests/fuzz/fuzz_redact.c); to see a finding again, give the number that was printed.
export BLUEGREEN_FUZZ_SALT=${BLUEGREEN_FUZZ_SALT:-$RANDOM$RANDOM}
export BLUEGREEN_FUZZ_FRESH=${BLUEGREEN_FUZZ_FRESH:-500}
printf 'fuzz BLUEGREEN_FUZZ_SALT=%s BLUEGREEN_FUZZ_FRESH=%s\n' "$BLUEGREEN_FUZZ_SALT" "$BLUEGREEN_FUZZ_FRESH"
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" --target "${names[@]/#/fuzz_}"
mkdir -p build/crashes
failed=0
total=0
for name in "${names[@]}"; do
    found=build/corpus/$name
    seeds=()
    dict=tests/fuzz/$name.dict
    mkdir -p "$found"
    arguments=("-max_total_time=$seconds" "-artifact_prefix=build/crashes/$name-" -print_final_stats=1 -verbosity=0)
    [ ! -e "$dict" ] || arguments+=("-dict=$dict")
    if [ -d "tests/fuzz/corpus/$name" ]; then
        unpack_seeds "$name"
        seeds=("build/seeds/$name")
    fi
    if "build/${BLUEGREEN_BUILD_TAG:-}$preset/tests/fuzz_$name" "${arguments[@]}" "$found" "${seeds[@]}" \
        >"build/crashes/$name.log" 2>&1; then
        runs=$(awk '/number_of_executed_units/ { print $2 }' "build/crashes/$name.log")
        total=$((total + runs))
        printf 'fuzz %-20s %s executions\n' "$name" "$runs"
    else
        tail -n 40 "build/crashes/$name.log"
        printf 'fuzz %-20s FAILED; its input is in build/crashes\n' "$name"
        failed=1
    fi
done
printf 'fuzz %-20s %s executions\n' all "$total"
exit "$failed"
