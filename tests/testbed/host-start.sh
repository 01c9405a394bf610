#!/usr/bin/env bash
# PID 1's child in a host container.
#   AUTHORIZED_KEYS  public keys let in, one a line
#   DOCKERD=0        no Docker Engine on this host
#   DOCKERD_ARGS     further arguments of dockerd
set -euo pipefail

ssh-keygen -A >/dev/null
for user in ec2-user nodocker; do
    home=$(getent passwd "$user" | cut -d: -f6)
    # A home on a tmpfs comes empty and owned by root.
    chown "$user:$user" "$home"
    chmod 0755 "$home"
    install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
    printf '%s\n' "${AUTHORIZED_KEYS:-}" >"$home/.ssh/authorized_keys"
    chown "$user:$user" "$home/.ssh/authorized_keys"
    chmod 0600 "$home/.ssh/authorized_keys"
done
# A real /run is empty after a reboot; this one survives, and pids in it would be taken for live processes.
rm -rf /run/docker* /run/containerd /run/sshd.pid
mkdir -p /run/sshd
/usr/sbin/sshd -E /var/log/sshd.log

if [ "${DOCKERD:-1}" = 0 ]; then
    exec sleep infinity
fi

# Without --privileged these are mounted read-only; a bind remount is what the kernel lets us do.
mount -o remount,bind,rw /sys || true
for dir in /sys/fs/cgroup /sys/fs/cgroup/*/; do
    mount -o remount,bind,rw "$dir" 2>/dev/null || true
done
# shellcheck disable=SC2086 # a list of arguments
exec dockerd ${DOCKERD_ARGS:-} >/var/log/dockerd.log 2>&1
