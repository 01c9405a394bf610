#!/usr/bin/env bash
# Makes sure everything the tests run in is there: engine, base image, libraries, development image, action image.
# usage: ensure.sh [dev|all]      dev: without the action image. Quick when nothing changed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/testbed/lib.sh
. "$here/lib.sh"

"$here/engine.sh"
mkdir -p "$repo/build"
exec 9>"$repo/build/.ensure.lock"
flock 9
"$here/base-image.sh"

# dev_context: the folder the development image is built from. The machine's own certificates come along: where a company's
# proxy stands between, the package clients need them.
dev_context() {
    local context=$repo/build/dev-context
    rm -rf "$context"
    mkdir -p "$context"
    cp "$here/dev.Dockerfile" "$context/Dockerfile"
    cp -R "$here/../tools" "$context/tools"
    cat /etc/ssl/certs/ca-certificates.crt >"$context/ca.crt" 2>/dev/null ||
        docker run --rm "$image_toolchain" cat /etc/ssl/certs/ca-certificates.crt >"$context/ca.crt"
    echo "$context"
}

toolchain=$(content Dockerfile)-$(image_id debian:trixie-slim | cut -c8-19)
deps=$toolchain-$(content cmake/deps cmake/toolchain)
dev=$deps-$(content tests/testbed/dev.Dockerfile tests/tools)
action=$deps-$(content CMakeLists.txt CMakePresets.json cmake shared agent cmd)

build_image "$image_toolchain" "$toolchain" 'about 30 s' --target toolchain "$repo"
build_image "$image_deps" "$deps" 'about 5 min' --target deps "$repo"
build_image "$image_dev" "$dev" 'about 3 min' "$(dev_context)"
if [ "${1:-all}" = all ]; then
    build_image "$image_action" "$action" 'about 30 s' "$repo"
fi
