#!/usr/bin/env bash
# Makes sure the image debian:trixie-slim is there: kept if present, else pulled, else made with debootstrap.
# usage: base-image.sh [ROOTFS]    ROOTFS: an unpacked trixie root to import, so that debootstrap is not run
set -euo pipefail

image=debian:trixie-slim

say() {
    printf 'base-image: %s\n' "$*" >&2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# host_uris SUFFIX: the archive addresses ending in SUFFIX that apt uses on this machine
host_uris() {
    # shellcheck disable=SC2016 # apt-get expands it
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed 's,/*$,,' |
        grep -E "^https?://.*/$1\$" | head -n 1 || true
}

# root_uri ROOT: the archive address that debootstrap left in ROOT
root_uri() {
    awk '$1 == "deb" { print $2; exit }' "$1/etc/apt/sources.list" 2>/dev/null || true
}

# write_sources TO ROOT: what apt inside the image made of ROOT will use
write_sources() {
    local mirror security
    mirror=$(host_uris debian)
    mirror=${mirror:-$(root_uri "$2")}
    : "${mirror:?no Debian archive is known}"
    security=$(host_uris debian-security)
    security=${security:-$mirror-security} # as the archive itself is laid out
    rm -f "$1/etc/apt/sources.list"
    mkdir -p "$1/etc/apt/sources.list.d"
    cat >"$1/etc/apt/sources.list.d/debian.sources" <<END
Types: deb
URIs: $mirror
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
}

# import_root ROOT: everything but package lists, archives, manuals, documents and translations
import_root() {
    local overlay
    overlay=$(mktemp -d)
    write_sources "$overlay" "$1"
    tar -C "$1" --numeric-owner --anchored \
        --exclude='./var/lib/apt/lists/*' --exclude='./var/cache/apt/*' \
        --exclude='./usr/share/man/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/info/*' --exclude='./var/log/*' --exclude='./dev/*' --exclude='./proc/*' \
        --exclude='./etc/apt/sources.list' --exclude='./etc/apt/sources.list.d/*' --exclude='./etc/hostname' --exclude='./etc/resolv.conf' \
        -c . >"$overlay/base.tar"
    tar -C "$overlay" --numeric-owner --owner=0 --group=0 --mode='u=rwX,go=rX' \
        -rf "$overlay/base.tar" ./etc/apt/sources.list.d/debian.sources
    docker import -c 'CMD ["bash"]' "$overlay/base.tar" "$image" >/dev/null
    rm -rf "$overlay"
}

install_debootstrap() {
    command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] && return
    command -v apt-get >/dev/null || {
        say "cannot make $image here: no registry in reach and no debootstrap; install debootstrap or 'docker pull $image'"
        exit 1
    }
    say 'installing debootstrap'
    as_root apt-get update -q >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        debootstrap debian-archive-keyring >/dev/null
}

make_root() {
    local mirror
    mirror=$(host_uris debian)
    install_debootstrap
    # An older debootstrap may not know the name yet; every Debian suite uses the same script.
    [ -e /usr/share/debootstrap/scripts/trixie ] || as_root ln -s sid /usr/share/debootstrap/scripts/trixie
    say "debootstrap trixie (about 40 s)"
    # Without an address it uses its own default.
    as_root debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        trixie "$1" ${mirror:+"$mirror"} >"$1.log" 2>&1 || {
        tail -n 20 "$1.log" >&2
        say "debootstrap failed; its log is $1.log"
        exit 1
    }
    rm -f "$1.log"
}

main() {
    local work
    if docker image inspect "$image" >/dev/null 2>&1; then
        return
    fi
    if [ $# -gt 0 ]; then
        say "importing $1"
        import_root "$1"
        return
    fi
    say "pulling $image"
    if timeout 60 docker pull -q "$image" >/dev/null 2>&1; then
        return
    fi
    say 'no registry in reach'
    work=$(mktemp -d)
    make_root "$work/root"
    import_root "$work/root"
    as_root rm -rf "$work"
    say "made $image"
}

main "$@"
