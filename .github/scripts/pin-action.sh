#!/usr/bin/env bash
# Makes an action.yml run a published image, named by digest, where it builds the Dockerfile before.
# usage: pin-action.sh ACTION_YML IMAGE@DIGEST
set -euo pipefail

file=${1:?usage: pin-action.sh ACTION_YML IMAGE@DIGEST}
image=${2:?usage: pin-action.sh ACTION_YML IMAGE@DIGEST}

die() {
    echo "pin-action.sh: $*" >&2
    exit 1
}

# With a tag beside the digest or instead of it, a consumer's pin would hold nothing.
[[ $image =~ ^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$ ]] ||
    die "'$image' is not like ghcr.io/owner/name@sha256:…"
[ "$(sed -n '/^runs:/,$p' "$file" | grep -E '^ *image:')" = '  image: Dockerfile' ] ||
    die "$file must have the line 'image: Dockerfile' below runs"
pinned=$(sed "/^runs:/,\$s|^  image: Dockerfile\$|  image: docker://$image|" "$file")
printf '%s\n' "$pinned" >"$file"
