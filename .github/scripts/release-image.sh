#!/usr/bin/env bash
# Builds the action image for both architectures on one base image, pushes both and an index over them as
# IMAGE:VERSION, and leaves the files of the release in FOLDER: programs, SPDX documents, the base's name, SHA256SUMS.
# usage: release-image.sh IMAGE VERSION FOLDER      logged in at the registry; SOURCE_DATE_EPOCH: time of the commit
set -euo pipefail

image=${1:?usage: release-image.sh IMAGE VERSION FOLDER}
version=${2:?usage: release-image.sh IMAGE VERSION FOLDER}
folder=${3:?usage: release-image.sh IMAGE VERSION FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)

# The name may mean another image tomorrow: what it means now is written down and used for everything.
base=debian:trixie-slim
if [ -z "${BASE_IMAGE:-}" ]; then
    digest=$(docker buildx imagetools inspect "$base" --format '{{json .Manifest}}' | jq -er .digest)
    BASE_IMAGE=${base%%:*}@$digest
fi
options=(--build-arg "BASE_IMAGE=$BASE_IMAGE" --build-arg "SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:?time of the commit}")
# Plain images, on every engine: what attests them is signed afterwards.
export BUILDX_NO_DEFAULT_ATTESTATIONS=1

mkdir -p "$folder"
parts=()
for arch in amd64 arm64; do
    part=$image:$version-$arch
    docker build --platform "linux/$arch" "${options[@]}" -t "$part" "$repository"
    docker build --platform "linux/$arch" "${options[@]}" --target sbom --output "type=local,dest=$folder/sbom" \
        "$repository"
    mv "$folder/sbom/bluegreen.spdx.json" "$folder/bluegreen-linux-$arch.spdx.json"
    rmdir "$folder/sbom"
    "$here/check-image.sh" "$part" "$arch" "$folder/$arch"
    docker push -q "$part"
    parts+=("$(docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$part" | grep -F "$image@")")
done

# Both images bring both agents, and these are the same bytes: a host's agent does not depend on the runner.
for agent in bluegreen-agent-x86_64 bluegreen-agent-aarch64; do
    cmp "$folder/amd64/$agent" "$folder/arm64/$agent"
done
mv "$folder/amd64"/* "$folder/"
mv "$folder/arm64/bluegreen-linux-arm64" "$folder/"
rm -r "$folder/amd64" "$folder/arm64"

docker buildx imagetools create --tag "$image:$version" "${parts[@]}"
printf '%s\n' "$BASE_IMAGE" >"$folder/base-image.txt"
sums=$(cd "$folder" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum)
printf '%s\n' "$sums" >"$folder/SHA256SUMS"
