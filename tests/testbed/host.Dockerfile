# A host as one rents it: OpenSSH server, its own Docker Engine, ec2-user in group docker, and a user who is not.
FROM debian:trixie-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        openssh-server docker.io docker-cli iptables iproute2 procps ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_* \
 && useradd -m -s /bin/bash -G docker ec2-user \
 && useradd -m -s /bin/bash nodocker \
 && mkdir -p /run/sshd
COPY host-sshd.conf /etc/ssh/sshd_config.d/testbed.conf
COPY host-start.sh /usr/local/sbin/host-start
COPY host-pushed-keys.pl /usr/local/sbin/host-pushed-keys
RUN chmod 0755 /usr/local/sbin/host-start /usr/local/sbin/host-pushed-keys
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/sbin/host-start"]
