#!/usr/bin/env bash
# All tests, from nothing: sets up the test bed, then unit tests, the same under sanitizers, and end to end.
# usage: run.sh [SUITE...]     SUITE: unit asan e2e; all by default. The last line says: N passed, N failed
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/testbed/lib.sh
. "$here/testbed/lib.sh"

suites=("$@")
[ $# -gt 0 ] || suites=(unit asan e2e)
results=$repo/build/results

wants() {
    local suite
    for suite in "${suites[@]}"; do
        [ "$suite" != "$1" ] || return 0
    done
    return 1
}

# step NAME COMMAND...: its output goes to a log, shown when it fails; a failure is counted, the other suites still run
step() {
    local name=$1 start=$SECONDS
    shift
    say "== $name"
    if "$@" >"$logs/$name.log" 2>&1 </dev/null; then
        say "   $name: done in $((SECONDS - start)) s"
        return
    fi
    tail -n 60 "$logs/$name.log" >&2
    say "   $name: FAILED after $((SECONDS - start)) s; the whole log is $logs/$name.log"
    echo "$name" >>"$results/broken"
}

# cmake_suite PRESET: build, then every test with its cases as TAP
cmake_suite() {
    local preset=$1
    step "$preset-build" in_dev sh -c "cmake --preset $preset && cmake --build --preset $preset -- -k 0"
    # Failed cases are counted from the results below; only a run that left none is a broken step.
    in_dev env CMOCKA_MESSAGE_OUTPUT=TAP ctest --preset "$preset" -j "$(nproc)" --verbose \
        --test-output-size-passed 1000000 --output-junit "$results/$preset.xml" >"$logs/$preset-test.log" 2>&1 </dev/null || true
    [ -s "$results/$preset.xml" ] || echo "$preset-test" >>"$results/broken"
}

mkdir -p "$logs"
rm -rf "$results"
mkdir -p "$results"
start=$SECONDS

say '== set-up'
need=dev
if wants e2e; then
    need=all
fi
"$here/testbed/ensure.sh" "$need" || {
    say 'the set-up failed: nothing was tested'
    echo '0 passed, 1 failed'
    exit 1
}

if wants unit; then
    cmake_suite dev
fi
if wants asan; then
    cmake_suite asan
fi
if wants e2e; then
    say '== end to end'
    in_dev python3 -m pytest -p no:cacheprovider -v --junitxml "$results/e2e.xml" tests/e2e </dev/null >&2 || true
    [ -s "$results/e2e.xml" ] || echo e2e >>"$results/broken"
fi

say "== all done in $((SECONDS - start)) s"
in_dev python3 tests/tally.py "$results" </dev/null
