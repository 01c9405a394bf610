#!/usr/bin/env bash
# Builds the shipped binaries with the release presets and lays out the action image's root.
# usage: image.sh REPOSITORY OUT [ARCH]     ARCH: what the image is for, amd64 (default) or arm64; it holds both agents
set -euo pipefail

repository=${1:?usage: image.sh REPOSITORY OUT [ARCH]}
out=${2:?usage: image.sh REPOSITORY OUT [ARCH]}
arch=${3:-amd64}

# build PRESET TARGET...
build() {
    cmake --preset "$1"
    cmake --build --preset "$1" --target "${@:2}"
}

cd "$repository"
case $arch in
amd64)
    build release bluegreen bluegreen-agent
    build release-aarch64 bluegreen-agent
    action=(--strip-program=x86_64-linux-gnu-strip build/release/bluegreen)
    ;;
arm64)
    build release bluegreen-agent
    build release-aarch64 bluegreen bluegreen-agent
    action=(--strip-program=aarch64-linux-gnu-strip build/release-aarch64/bluegreen)
    ;;
*)
    echo "image.sh: unknown architecture '$arch'; known: amd64, arm64" >&2
    exit 2
    ;;
esac

mkdir -p "$out/bin" "$out/usr/lib/bluegreen" "$out/etc/ssl/certs"
install -m 755 -s "${action[@]}" "$out/bin/bluegreen"
ln -s bluegreen "$out/bin/bluegreen-post"
install -m 755 -s --strip-program=x86_64-linux-gnu-strip build/release/bluegreen-agent \
    "$out/usr/lib/bluegreen/bluegreen-agent-x86_64"
install -m 755 -s --strip-program=aarch64-linux-gnu-strip build/release-aarch64/bluegreen-agent \
    "$out/usr/lib/bluegreen/bluegreen-agent-aarch64"
install -m 644 /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/ca-certificates.crt"
install -d -m 1777 "$out/tmp"
ls -l "$out/bin" "$out/usr/lib/bluegreen"
