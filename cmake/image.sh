#!/usr/bin/env bash
# Builds the shipped binaries with the release presets and lays out the action image's root.
# usage: image.sh REPOSITORY OUT
set -euo pipefail

repository=${1:?usage: image.sh REPOSITORY OUT}
out=${2:?usage: image.sh REPOSITORY OUT}

cd "$repository"
cmake --preset release
cmake --build --preset release
cmake --preset release-aarch64
cmake --build --preset release-aarch64 --target bluegreen-agent

mkdir -p "$out/bin" "$out/usr/lib/bluegreen" "$out/etc/ssl/certs"
install -m 755 -s build/release/bluegreen "$out/bin/bluegreen"
ln -s bluegreen "$out/bin/bluegreen-post"
install -m 755 -s build/release/bluegreen-agent "$out/usr/lib/bluegreen/bluegreen-agent-x86_64"
install -m 755 -s --strip-program=aarch64-linux-gnu-strip build/release-aarch64/bluegreen-agent \
    "$out/usr/lib/bluegreen/bluegreen-agent-aarch64"
install -m 644 /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/ca-certificates.crt"
install -d -m 1777 "$out/tmp"
ls -l "$out/bin" "$out/usr/lib/bluegreen"
