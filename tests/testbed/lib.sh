# shellcheck shell=bash disable=SC2034
# Sourced by the scripts of the test bed: where things are, what they are called, how to run in the development image.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BLUEGREEN_TEST_DIR=/tmp/bluegreen-test # mounted at the same path in the development container
logs=$repo/build/logs

image_toolchain=bluegreen-toolchain
image_deps=bluegreen-deps
image_dev=bluegreen-dev
image_action=${BLUEGREEN_ACTION_IMAGE:-bluegreen-action:dev} # one a checkout, when several are at work on a machine
export BLUEGREEN_ACTION_IMAGE=$image_action

say() {
    printf '%s\n' "$*" >&2
}

# content PATH...: one hash over the files below the paths and their modes
content() {
    (cd "$repo" && find "$@" -type f ! -name '*.pyc' ! -name '*~' -printf '%m %p\n' | LC_ALL=C sort |
        while read -r mode path; do
            printf '%s %s %s\n' "$mode" "$path" "$(sha256sum <"$path")"
        done) | sha256sum | cut -c1-16
}

image_id() {
    docker image inspect -f '{{.Id}}' "$1" 2>/dev/null || true
}

# build_image IMAGE HASH ABOUT OPTION...: docker build unless it was built from HASH already; tagged with both
build_image() {
    local image=$1 mark=${1%%:*}:$2 about=$3 log start=$SECONDS buildkit=0
    shift 3
    if [ -n "$(image_id "$mark")" ]; then
        docker tag "$mark" "$image"
        return
    fi
    log=$logs/image-${image//[:\/]/-}.log
    mkdir -p "$logs"
    say "image $image: building ($about)"
    # The classic builder does; BuildKit needs a plugin that is not everywhere.
    if docker buildx version >/dev/null 2>&1; then
        buildkit=1
    fi
    DOCKER_BUILDKIT=$buildkit docker build -t "$image" -t "$mark" "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        say "image $image: build failed; the whole log is $log"
        return 1
    }
    forget_marks "$image" "$mark"
    say "image $image: ready in $((SECONDS - start)) s"
}

# forget_marks IMAGE MARK: the tags that earlier contents left
forget_marks() {
    docker image ls --format '{{.Repository}}:{{.Tag}}' "${1%%:*}" | grep -E ':[0-9a-f-]{16,}$' | grep -vxF "$2" |
        xargs -r docker rmi >/dev/null 2>&1 || true
}

# in_dev COMMAND...: runs in the development image, with the repository at its own path and the host's network and engine
in_dev() {
    local socket=/var/run/docker.sock tty=()
    mkdir -p "$repo/build" "$BLUEGREEN_TEST_DIR"
    if [ -t 0 ] && [ -t 1 ]; then
        tty=(-t)
    fi
    docker run --rm -i "${tty[@]}" --init --network host --cap-add SYS_PTRACE --user "$(id -u):$(id -g)" \
        --group-add "$(stat -c %g "$socket")" -v "$socket:/var/run/docker.sock" -v "$repo:$repo" \
        -v "$BLUEGREEN_TEST_DIR:$BLUEGREEN_TEST_DIR" -w "$repo" -e HOME=/tmp -e CI="${CI:-}" -e BLUEGREEN_TEST_DIR -e BLUEGREEN_ACTION_IMAGE \
        -e GIT_CONFIG_COUNT=1 -e GIT_CONFIG_KEY_0=safe.directory -e GIT_CONFIG_VALUE_0='*' \
        "$image_dev" "$@"
}
