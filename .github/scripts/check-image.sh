#!/usr/bin/env bash
# Checks an action image before it is released: architecture, programs, that the action starts. Leaves its files in a
# folder when one is named. A foreign architecture is started by qemu-user's static emulator.
# usage: check-image.sh IMAGE ARCH [FOLDER]     ARCH: amd64 | arm64
set -euo pipefail

image=${1:?usage: check-image.sh IMAGE ARCH [FOLDER]}
arch=${2:?usage: check-image.sh IMAGE ARCH [FOLDER]}
folder=${3:-}
declare -A machines=([amd64]=x86-64 [arm64]='ARM aarch64')

die() {
    echo "check-image.sh: $image: $*" >&2
    exit 1
}

# is_program FILE MACHINE
is_program() {
    local told
    told=$(file -b "$1")
    [[ $told == *"$2"* && $told == *static-pie* ]] || die "${1##*/} is '$told', wanted a static program for $2"
}

[ "$(docker image inspect -f '{{.Architecture}}' "$image")" = "$arch" ] || die "its configuration is not for $arch"
work=$(mktemp -d)
container=$(docker create --platform "linux/$arch" "$image")
trap 'docker rm -f "$container" >/dev/null; rm -rf "$work"' EXIT
docker cp -q "$container:/" "$work/root" 2>/dev/null || docker cp "$container:/" "$work/root" >/dev/null
is_program "$work/root/bin/bluegreen" "${machines[$arch]}"
is_program "$work/root/usr/lib/bluegreen/bluegreen-agent-x86_64" "${machines[amd64]}"
is_program "$work/root/usr/lib/bluegreen/bluegreen-agent-aarch64" "${machines[arm64]}"

emulator=()
if [ "$(uname -m)-$arch" = x86_64-arm64 ]; then
    emulator=("$(command -v qemu-aarch64-static || command -v qemu-aarch64)") || {
        sudo apt-get update -q >/dev/null
        sudo apt-get install -y -q qemu-user-static >/dev/null
        emulator=(qemu-aarch64-static)
    }
fi
"${emulator[@]}" "$work/root/bin/bluegreen" --version
inputs=$("${emulator[@]}" "$work/root/bin/bluegreen" --list-inputs)
[[ $inputs == *'"ssh-key"'* ]] || die 'it does not list its inputs'
if [ -n "$folder" ]; then
    mkdir -p "$folder"
    cp "$work/root/bin/bluegreen" "$folder/bluegreen-linux-$arch"
    cp "$work/root/usr/lib/bluegreen"/bluegreen-agent-* "$folder/"
fi
echo "$image: $arch, checked"
