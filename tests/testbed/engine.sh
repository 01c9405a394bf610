#!/usr/bin/env bash
# Makes sure a Docker Engine answers: on Debian and Ubuntu, as root, it is installed and started when missing;
# elsewhere one line says what is missing. Nothing is done when one answers already.
set -euo pipefail

log=/var/log/dockerd.log

say() {
    printf 'engine: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

answers() {
    command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# An engine that runs but refuses this user cannot be helped by installing anything.
refuse_if_denied() {
    local told
    told=$(docker version 2>&1 || true)
    if [[ $told == *'permission denied'* ]]; then
        die "this user may not use the Docker Engine; run as root or join the group docker"
    fi
}

install_engine() {
    local packages=(docker.io iptables)
    command -v dockerd >/dev/null && command -v docker >/dev/null && return
    command -v apt-get >/dev/null ||
        die 'no Docker Engine here, and only Debian and Ubuntu are set up automatically; install Docker and start it'
    say 'installing docker.io'
    apt-get update -q >/dev/null
    if [ -n "$(apt-cache --names-only search '^docker-cli$')" ]; then
        packages+=(docker-cli)
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null </dev/null
}

mount_cgroups() {
    if ! mountpoint -q /sys/fs/cgroup && [ -z "$(ls /sys/fs/cgroup 2>/dev/null)" ]; then
        mount -t cgroup2 cgroup2 /sys/fs/cgroup || say 'cannot mount /sys/fs/cgroup; going on'
    fi
}

start_engine() {
    if [ "$(cat /proc/1/comm)" = systemd ]; then
        say 'starting docker with systemd'
        systemctl start docker
        return
    fi
    mount_cgroups
    say "starting dockerd; its log is $log"
    setsid dockerd >>"$log" 2>&1 </dev/null &
}

wait_ready() {
    local deadline=$((SECONDS + 60))
    until answers; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            [ ! -e "$log" ] || tail -n 20 "$log" >&2
            die 'the Docker Engine did not answer within 60 s'
        fi
        sleep 0.3
    done
}

main() {
    answers && return
    [ "$(uname -s)" = Linux ] || die "no Docker Engine answers; start one and try again"
    refuse_if_denied
    [ "$(id -u)" -eq 0 ] || die 'no Docker Engine answers; run as root to have it installed and started, or start one'
    install_engine
    answers || start_engine
    wait_ready
}

main "$@"
