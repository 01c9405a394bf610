#!/usr/bin/env bash
# Fetches and unpacks the libraries' Debian source packages into DIR/<package>.
# usage: sources.sh DIR        runs as root inside the toolchain image
# The newest version of trixie and its security suite is preferred. Some mirrors list versions whose source files they
# do not carry: then the next older one is taken, and the log says so.
set -euo pipefail

dest=${1:?usage: sources.sh DIR}
packages=(openssl curl cjson libxml2 libarchive libssh2 zlib)
list=/etc/apt/sources.list.d
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# write_source NAME URI SUITES
write_source() {
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$2" "$3" "$keyring" \
        >"$list/$1.sources"
}

# versions PACKAGE: what the source indexes list, newest first
versions() {
    apt-cache showsrc --only-source "$1" | awk '$1 == "Version:" { print $2 }' | perl -e 'chomp(my @v = <>);
        print "$_\n" for sort { system("dpkg", "--compare-versions", $a, "gt", $b) == 0 ? -1 : 1 } @v' | uniq
}

# fetch PACKAGE: unpacks the newest version whose files can be fetched
fetch() {
    local version newest=
    for version in $(versions "$1"); do
        newest=${newest:-$version}
        rm -rf "${work:?}/$1"
        mkdir "$work/$1"
        if (cd "$work/$1" && apt-get source -q "$1=$version") >"$work/$1.log" 2>&1; then
            mv "$work/$1"/*/ "$dest/$1"
            if [ "$version" = "$newest" ]; then
                echo "sources: $1 $version"
            else
                echo "sources: $1 $version (the files of $newest cannot be fetched from this mirror)"
            fi
            return
        fi
    done
    echo "sources: no version of $1 can be fetched from this mirror:"
    tail -n 20 "$work/$1.log"
    return 1
}

mirror=$(awk '$1 == "URIs:" && $2 !~ /security/ { print $2; exit }' "$list"/*.sources)
security=$(awk '$1 == "URIs:" && $2 ~ /security/ { print $2; exit }' "$list"/*.sources)
write_source src-main "${mirror:?no Debian archive in $list}" 'trixie trixie-updates'
write_source src-security "${security:-$mirror-security}" 'trixie-security'
apt-get update -q >/dev/null 2>&1 || {
    # A mirror may have no source index of the security suite at all.
    rm "$list/src-security.sources"
    apt-get update -q
}

work=$(mktemp -d)
chmod 755 "$work"
mkdir -p "$dest"
for package in "${packages[@]}"; do
    fetch "$package"
done
rm -rf "$work" "$list"/src-*.sources /var/lib/apt/lists/*
