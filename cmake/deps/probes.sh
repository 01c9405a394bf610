#!/usr/bin/env bash
# Writes the answers of the configure checks of finished builds as seeds for CMake's cache.
# usage: probes.sh WORK OUT       WORK: build.sh's work folder; OUT: where probe-NAME.cmake go
# How to refresh them, after a library's version changed, in the image of the sources stage:
#   BLUEGREEN_PROBE=/tree/cmake/deps bash cmake/deps/build.sh x86_64-linux-musl /src /tmp/sysroot
set -euo pipefail

work=${1:?usage: probes.sh WORK OUT}
out=${2:?usage: probes.sh WORK OUT}

for name in curl libarchive libssh2; do
    {
        echo "# Answers of $name's configure checks with musl; made by probes.sh."
        grep -E '^[A-Za-z0-9_]+:INTERNAL=' "$work/$name/CMakeCache.txt" |
            grep -vE '^(CMAKE_|FIND_PACKAGE_|[A-Za-z0-9_]+-ADVANCED|.*_LIBRARY|.*_INCLUDE_DIR|_)' |
            grep -E '^(HAVE|SIZEOF|STDC|WORDS|[A-Z0-9_]*_(WORKS|SUPPORTS|TEST))' |
            sed -E 's/^([^:]+):INTERNAL=(.*)/set(\1 "\2" CACHE INTERNAL "")/'
    } >"$out/probe-$name.cmake"
done
