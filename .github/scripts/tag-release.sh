#!/usr/bin/env bash
# Makes the commit of a release: the one checked out plus action.yml naming the image by digest. Tags it v1.2.3, for
# good, and moves v1 there unless v1 is at a newer release already. Nothing else is pushed, no branch moves.
# Run again after it was cut off, it goes on where the tag already says the same.
# usage: tag-release.sh VERSION IMAGE@DIGEST REMOTE
set -euo pipefail

version=${1:?usage: tag-release.sh VERSION IMAGE@DIGEST REMOTE}
image=${2:?usage: tag-release.sh VERSION IMAGE@DIGEST REMOTE}
remote=${3:?usage: tag-release.sh VERSION IMAGE@DIGEST REMOTE}
here=$(cd "$(dirname "$0")" && pwd)
major=v${version%%.*}
# As git knows the workflow itself.
export GIT_AUTHOR_NAME='github-actions[bot]' GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

die() {
    echo "tag-release.sh: $*" >&2
    exit 1
}

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "'$version' is not like 1.2.3"
[ -z "$(git status --porcelain --untracked-files=no)" ] || die 'the checkout has changes'
git checkout -q --detach
if [ -n "$(git ls-remote --tags "$remote" "refs/tags/v$version")" ]; then
    git fetch -q --force "$remote" "refs/tags/v$version:refs/tags/v$version"
    [[ $(git show "v$version:action.yml")$'\n' == *$'\n'"  image: docker://$image"$'\n'* ]] ||
        die "v$version is there and runs another image"
    git checkout -q "v$version^{commit}"
else
    "$here/pin-action.sh" action.yml "$image"
    git commit -q -m "release: v$version runs $image" -- action.yml
    git tag -a "v$version" -m "v$version"
    # Without force: a tag that somebody made meanwhile is not overwritten.
    git push -q "$remote" "refs/tags/v$version"
fi

newest=$(git ls-remote --tags "$remote" "refs/tags/$major.*" | sed -n 's|.*refs/tags/v\([0-9.]*\)$|\1|p' |
    sort -V | tail -n 1)
if [ "$newest" = "$version" ]; then
    git push -q --force "$remote" "v$version^{commit}:refs/tags/$major"
    echo "v$version and $major are $(git rev-parse HEAD)"
else
    echo "v$version is $(git rev-parse HEAD); $major stays at $newest"
fi
