#!/usr/bin/env bash
# Formatting, clang-tidy and shellcheck over the repository. Runs in the development image (make lint).
# usage: lint.sh [FILE.c...]      clang-tidy for these files only
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
mapfile -t sources < <(git ls-files -co --exclude-standard '*.c' '*.h')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run)

echo '== clang-format'
clang-format --dry-run -Werror "${sources[@]}" || status=1

echo '== shellcheck'
shellcheck -x "${scripts[@]}" || status=1

echo '== clang-tidy'
cmake --preset dev >/dev/null
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files -co --exclude-standard 'shared/*.c' 'agent/*.c' 'cmd/*.c')
fi
build=build/${BLUEGREEN_BUILD_TAG:-}dev
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>/dev/null || status=1

[ "$status" -eq 0 ] && echo 'lint: clean'
exit "$status"
