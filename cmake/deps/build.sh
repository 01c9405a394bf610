#!/usr/bin/env bash
# Builds the static libraries for one triple, with only the features used, into PREFIX/<triple>.
# usage: build.sh TRIPLE SOURCES PREFIX       TRIPLE: x86_64-linux-musl | aarch64-linux-musl
# The probe-*.cmake files beside this script hold the answers of the configure checks, the same for both triples;
# probes.sh makes them anew. With BLUEGREEN_PROBE=1 they are not used.
set -euo pipefail

triple=${1:?usage: build.sh TRIPLE SOURCES PREFIX}
sources=${2:?usage: build.sh TRIPLE SOURCES PREFIX}
prefix=${3:?usage: build.sh TRIPLE SOURCES PREFIX}/$triple
here=$(cd "$(dirname "$0")" && pwd)
toolchain=$here/../toolchain/$triple.cmake
work=/tmp/bluegreen-deps-$triple # always the same: OpenSSL keeps its compiler flags, and these name it
jobs=$(nproc)

rm -rf "$work"
mkdir "$work"
SOURCE_DATE_EPOCH=$(cd "$sources/openssl" && dpkg-parsechangelog -S Timestamp)
export SOURCE_DATE_EPOCH
export CC=$triple-gcc
export AR=${triple%-musl}-gnu-gcc-ar
export RANLIB=${triple%-musl}-gnu-gcc-ranlib
flags="-Os -fPIE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -fstack-protector-strong"
flags+=" -fstack-clash-protection -ffile-prefix-map=$sources=. -ffile-prefix-map=$work=."
case $triple in
x86_64-*) flags+=" -fcf-protection=full" ;;
aarch64-*) flags+=" -mbranch-protection=standard" ;;
*)
    echo "build.sh: unknown triple '$triple'; known: x86_64-linux-musl, aarch64-linux-musl" >&2
    exit 2
    ;;
esac

# run NAME COMMAND...: quiet unless it fails
run() {
    local name=$1 start=$SECONDS status
    shift
    set +e # not "|| ...": that would switch off -e inside
    (
        set -e
        "$@"
    ) >"$work/$name.log" 2>&1
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$work/$name.log"
        echo "deps: $name for $triple failed"
        exit 1
    fi
    echo "deps: $name for $triple in $((SECONDS - start)) s"
}

# cmake_install SOURCE [SEED] OPTION...
cmake_install() {
    local source=$1 seed=()
    shift
    if [ "${1:0:2}" != -D ]; then
        [ -n "${BLUEGREEN_PROBE:-}" ] || [ ! -e "$here/$1" ] || seed=(-C "$here/$1")
        shift
    fi
    cmake -G Ninja -S "$sources/$source" -B "$work/$source" "${seed[@]}" -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
        -DBLUEGREEN_SYSROOT="$prefix" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$flags" -DBUILD_SHARED_LIBS=OFF \
        -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=OFF "$@"
    cmake --build "$work/$source" -j "$jobs"
    cmake --install "$work/$source"
}

build_zlib() {
    cp -r "$sources/zlib" "$work/zlib"
    (
        cd "$work/zlib"
        CFLAGS=$flags ./configure --static --prefix="$prefix"
        make -j "$jobs" libz.a
        make install
    )
}

build_openssl() {
    local target=linux-${triple%%-*}
    local off=(shared tests apps docs engine dso module legacy comp afalgeng ui-console secure-memory cms ts ocsp srp psk
        dtls sctp ssl3 weak-ssl-ciphers idea seed camellia aria bf cast rc2 rc4 md4 mdc2 rmd160 whirlpool siphash sm2 sm3
        sm4 gost ct cmp slh-dsa ml-dsa quic argon2 dsa multiblock ec2m rfc3779 srtp nextprotoneg ocb siv http filenames)
    # AES with AVX-512 is 0.7 MB of code for bulk traffic that a deployment never has; AES-NI stays.
    # shellcheck disable=SC2016 # a variable of perl
    sed -i 's/^if (\$avx512vaes[>0]*) {/if (0) {/' "$sources/openssl/crypto/modes/asm/aes-gcm-avx512.pl" \
        "$sources/openssl/crypto/aes/asm/aesni-xts-avx512.pl"
    mkdir "$work/openssl"
    (
        cd "$work/openssl"
        # shellcheck disable=SC2086 # several flags in one word
        "$sources/openssl/Configure" "$target" --prefix="$prefix" --libdir=lib --openssldir=/etc/ssl \
            "${off[@]/#/no-}" $flags
        make -j "$jobs" build_libs
        make install_dev
    )
}

build_cjson() {
    cmake_install cjson -DENABLE_CJSON_TEST=OFF -DENABLE_CJSON_UTILS=OFF -DENABLE_CUSTOM_COMPILER_FLAGS=OFF \
        -DBUILD_SHARED_AND_STATIC_LIBS=OFF
}

# The parser and its tree, nothing else: what is left reads a document in memory, and no file or address that it names.
build_libxml2() {
    local off=() name
    for name in C14N CATALOG DEBUG DOCB FTP HTML HTTP ICONV ICU ISO8859X LEGACY LZMA MEM_DEBUG MODULES OUTPUT PATTERN \
        PROGRAMS PUSH PYTHON READER REGEXPS RUN_DEBUG SAX1 SCHEMAS SCHEMATRON TESTS THREAD_ALLOC VALID WRITER \
        XINCLUDE XPATH XPTR ZLIB; do
        off+=("-DLIBXML2_WITH_$name=OFF")
    done
    cmake_install libxml2 "${off[@]}"
}

build_curl() {
    local off=() name
    for name in WEBSOCKETS ALTSVC HSTS DOH NETRC COOKIES NTLM KERBEROS_AUTH NEGOTIATE_AUTH DIGEST_AUTH FORM_API MIME \
        LIBCURL_OPTION PROGRESS_METER SRP BINDLOCAL SHUFFLE_DNS; do
        off+=("-DCURL_DISABLE_$name=ON")
    done
    for name in USE_LIBPSL USE_LIBSSH2 ZLIB BROTLI ZSTD USE_GSSAPI USE_PKGCONFIG; do
        off+=("-DCURL_$name=OFF")
    done
    cmake_install curl probe-curl.cmake -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DOPENSSL_ROOT_DIR="$prefix" \
        -DOPENSSL_USE_STATIC_LIBS=ON -DBUILD_CURL_EXE=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_TESTING=OFF \
        -DBUILD_EXAMPLES=OFF -DBUILD_LIBCURL_DOCS=OFF -DBUILD_MISC_DOCS=OFF -DENABLE_CURL_MANUAL=OFF \
        -DENABLE_UNIX_SOCKETS=ON -DENABLE_THREADED_RESOLVER=ON -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF \
        -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none "${off[@]}"
}

build_libarchive() {
    local off=() name
    for name in TEST TAR CPIO CAT UNZIP OPENSSL MBEDTLS NETTLE LIBB2 LZ4 LZO LZMA ZSTD BZip2 LIBXML2 EXPAT PCREPOSIX \
        PCRE2POSIX ACL XATTR ICONV WERROR; do
        off+=("-DENABLE_$name=OFF")
    done
    cmake_install libarchive probe-libarchive.cmake "${off[@]}" -DZLIB_INCLUDE_DIR="$prefix/include" \
        -DZLIB_LIBRARY="$prefix/lib/libz.a"
}

build_libssh2() {
    cmake_install libssh2 probe-libssh2.cmake -DCRYPTO_BACKEND=OpenSSL -DOPENSSL_ROOT_DIR="$prefix" \
        -DOPENSSL_USE_STATIC_LIBS=ON -DBUILD_STATIC_LIBS=ON -DBUILD_EXAMPLES=OFF -DBUILD_TESTING=OFF \
        -DENABLE_ZLIB_COMPRESSION=OFF -DLIBSSH2_NO_DEPRECATED=ON
}

for library in zlib openssl cjson libxml2 curl libarchive libssh2; do
    run "$library" "build_$library"
done
[ -z "${BLUEGREEN_PROBE:-}" ] || bash "$here/probes.sh" "$work" "$BLUEGREEN_PROBE"
rm -rf "$work"
