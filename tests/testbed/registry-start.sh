#!/usr/bin/env bash
# REGISTRY_USER, REGISTRY_PASSWORD: the one login
set -euo pipefail
: "${REGISTRY_USER:?}" "${REGISTRY_PASSWORD:?}"
# libcrypt behind perl knows bcrypt, the only hash the registry takes.
hash=$(perl -e 'print crypt($ENV{REGISTRY_PASSWORD}, q($2b$04$ktIZJbSRn4Qz3vXw1Yp0eu))')
printf '%s:%s\n' "$REGISTRY_USER" "$hash" >/etc/testbed/htpasswd
unset REGISTRY_PASSWORD
mkdir -p /var/lib/registry
exec docker-registry serve /etc/testbed/registry.yml
