#!/usr/bin/env bash
# Prints the version that a tag source/v1.2.3 releases, after checking that CMakeLists.txt says the same, that the
# commit is on main, and that v1.2.3 is not there yet. A released tag is never moved.
# usage: release-version.sh TAG [REMOTE]      runs in a clone with all history
set -euo pipefail

tag=${1:?usage: release-version.sh TAG [REMOTE]}
remote=${2:-origin}
here=$(cd "$(dirname "$0")/../.." && pwd)

die() {
    echo "release-version.sh: $*" >&2
    exit 1
}

[[ $tag =~ ^source/v((0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*))$ ]] || die "'$tag' is not like source/v1.2.3"
version=${BASH_REMATCH[1]}
built=$(sed -n 's/^project(bluegreen VERSION \([0-9.]*\).*/\1/p' "$here/CMakeLists.txt")
[ "$version" = "$built" ] ||
    die "the tag says $version and CMakeLists.txt $built; tag the commit that raises the version"
git -C "$here" merge-base --is-ancestor HEAD "$remote/main" || die "the tagged commit is not on main"
there=$(git -C "$here" ls-remote --tags "$remote" "refs/tags/v$version")
[ -z "$there" ] || die "v$version is released already; raise the version"
echo "$version"
