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

toolchain=$(content Dockerfile)-$(image_id debian:trixie-slim | cut -c8-19)
deps=$toolchain-$(content cmake/deps cmake/toolchain)
dev=$deps-$(content tests/testbed/dev.Dockerfile)
action=$deps-$(content CMakeLists.txt CMakePresets.json cmake shared agent cmd)

build_image "$image_toolchain" "$toolchain" 'about 30 s' --target toolchain "$repo"
build_image "$image_deps" "$deps" 'about 5 min' --target deps "$repo"
build_image "$image_dev" "$dev" 'about 1 min' -f "$here/dev.Dockerfile" "$here"
if [ "${1:-all}" = all ]; then
    build_image "$image_action" "$action" 'about 30 s' "$repo"
fi
