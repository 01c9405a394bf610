# What building and testing need; ensure.sh builds it on top of the Dockerfile's toolchain and deps stages.

# act runs workflows as GitHub's runner would, actionlint checks them. Their Go is newer than Debian stable's own.
FROM bluegreen-toolchain AS go-tools
RUN sed 's/^Suites: trixie .*/Suites: trixie-backports/' /etc/apt/sources.list.d/debian.sources >/etc/apt/sources.list.d/backports.sources \
 && apt-get update -q \
 && apt-get install -y -q --no-install-recommends golang-1.25-go \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
ENV GOBIN=/out GOTOOLCHAIN=local GOFLAGS=-trimpath CGO_ENABLED=0
RUN /usr/lib/go-1.25/bin/go install github.com/nektos/act@v0.2.89 \
 && /usr/lib/go-1.25/bin/go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 \
 && rm -rf /root/go /root/.cache

FROM bluegreen-toolchain
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends \
        clang clang-format clang-tidy libclang-rt-19-dev libcmocka-dev \
        libssh2-1-dev libcurl4-openssl-dev libcjson-dev libxml2-dev libarchive-dev libssl-dev zlib1g-dev \
        ninja-build python3-pytest python3-jsonschema python3-yaml docker-cli openssh-client qemu-user strace procps \
        file binutils shellcheck git curl openssl iproute2 tmux zsh bash-completion mandoc \
        nodejs npm python3-venv chromium-headless-shell fonts-dejavu-core fonts-liberation fonts-noto-color-emoji cmark-gfm \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
# The official artifact client, and what draws a job summary as a browser shows it.
COPY tools/package.json tools/package-lock.json /opt/tools/
COPY ca.crt /opt/tools/ca.crt
RUN cd /opt/tools && NODE_EXTRA_CA_CERTS=/opt/tools/ca.crt npm ci --ignore-scripts --no-audit --no-fund && npm cache clean --force
# AWS's services as far as moto knows them, in an environment of its own; the tests start it as a server.
COPY tools/requirements.txt /opt/tools/
RUN python3 -m venv /opt/moto \
 && PIP_CERT=/opt/tools/ca.crt /opt/moto/bin/pip install -q --no-cache-dir --no-compile -r /opt/tools/requirements.txt
COPY --from=go-tools /out /usr/local/bin/
# Builds in this image have their own folders: compilers and paths differ from the machine around it.
ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 BLUEGREEN_BUILD_TAG=dev-image/ NODE_PATH=/opt/tools/node_modules
COPY --from=bluegreen-deps /opt/sysroot /opt/sysroot
