# A registry that asks for a login: plain HTTP on port 5000. The password file comes at start.
FROM debian:trixie-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker-registry ca-certificates tini \
 && rm -rf /var/lib/apt/lists/*
COPY registry.yml /etc/testbed/registry.yml
COPY registry-start.sh /usr/local/sbin/registry-start
RUN chmod 0755 /usr/local/sbin/registry-start
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/sbin/registry-start"]
