# What building and testing need; make builds it on top of the Dockerfile's toolchain and deps stages.
FROM bluegreen-toolchain
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends \
        clang clang-format clang-tidy libclang-rt-19-dev libcmocka-dev \
        libssh2-1-dev libcurl4-openssl-dev libcjson-dev libarchive-dev libssl-dev zlib1g-dev \
        ninja-build python3-pytest python3-jsonschema python3-yaml docker-cli openssh-client qemu-user strace procps \
        file binutils shellcheck git curl openssl iproute2 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
# Builds in this image have their own folders: compilers and paths differ from the machine around it.
ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 BLUEGREEN_BUILD_TAG=dev-image/
COPY --from=bluegreen-deps /opt/sysroot /opt/sysroot
