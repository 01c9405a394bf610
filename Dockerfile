# The action image: both agents and the action, static against musl, FROM scratch.
# Plain syntax on purpose: the classic builder takes it too.
# The image is for TARGETARCH, amd64 or arm64: BuildKit sets it from --platform, the classic builder has to be told.
ARG BASE_IMAGE=debian:trixie-slim
# What the compilers run on; images for other machines are cross-compiled.
ARG BUILD_MACHINE=linux/amd64

# Compilers for both triples. The development image of the tests starts here too.
FROM --platform=${BUILD_MACHINE} ${BASE_IMAGE} AS toolchain
ENV DEBIAN_FRONTEND=noninteractive
RUN dpkg --add-architecture arm64 \
 && apt-get update -q \
 && apt-get install -y -q --no-install-recommends \
        gcc g++ libc6-dev musl-tools musl-dev:arm64 make ninja-build cmake perl pkgconf dpkg-dev xz-utils patch \
        ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

# Debian's source packages, with Debian's patches applied.
FROM toolchain AS sources
COPY cmake/deps/sources.sh /deps/
RUN bash /deps/sources.sh /src

# Static libraries, one sysroot a triple.
FROM sources AS deps
COPY cmake/deps /deps/
COPY cmake/toolchain /toolchain/
RUN bash /deps/build.sh x86_64-linux-musl /src /opt/sysroot
RUN bash /deps/build.sh aarch64-linux-musl /src /opt/sysroot

# The repository's own code. build/ is not in the context, so this starts from nothing.
FROM toolchain AS build
COPY --from=deps /opt/sysroot /opt/sysroot
COPY CMakeLists.txt CMakePresets.json /tree/
COPY cmake /tree/cmake
COPY shared /tree/shared
COPY agent /tree/agent
COPY cmd /tree/cmd
ARG TARGETARCH
RUN bash /tree/cmake/image.sh /tree /out "${TARGETARCH:-amd64}"

# What is inside, as an SPDX document: docker build --target sbom.
FROM deps AS sbom-maker
COPY --from=build /tree/CMakeLists.txt /tree/CMakeLists.txt
COPY --from=build /tree/build/release/build.ninja /tree/build/release/
COPY --from=build /tree/build/release-aarch64/build.ninja /tree/build/release-aarch64/
COPY --from=build /out /out
COPY cmake/sbom.pl /tree/cmake/sbom.pl
ARG TARGETARCH
ARG SOURCE_DATE_EPOCH
RUN mkdir /sbom && perl /tree/cmake/sbom.pl /tree /src /out "${TARGETARCH:-amd64}" >/sbom/bluegreen.spdx.json

FROM scratch AS sbom
COPY --from=sbom-maker /sbom /

FROM scratch
COPY --from=build /out /
ENTRYPOINT ["/bin/bluegreen"]
