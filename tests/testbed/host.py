"""A host container: what a test may do to it and ask it, from outside (SSH) and from behind (docker exec)."""

import hashlib
import base64
import json
import re
import socket
import subprocess

from .engine import Problem, docker, wait_for

# --privileged is refused on machines without CAP_SYS_RESOURCE; this much is enough for a Docker Engine.
ENGINE_FLAGS = ("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined",
                "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
                "--device-cgroup-rule", "a *:* rwm")

# Names of registries that a test may have answer on the hosts (aws.py): at an address that nobody has until then.
ECR_ADDRESS = "192.0.2.43"
ECR_NAMES = ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com",
             "210987654321.dkr.ecr.eu-central-1.amazonaws.com", "public.ecr.aws")

# Ends agents by their executable, in this container's own process namespace only, then empties the inner engine.
RESET = r"""
for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" 2>/dev/null) in
    */.bluegreen/bin/*) pid=${exe#/proc/}; kill -9 "${pid%/exe}" 2>/dev/null ;;
    esac
done
rm -rf /home/ec2-user/.bluegreen /home/nodocker/.bluegreen /home/ec2-user/.bashrc.d /home/ec2-user/*
cp /etc/skel/.bashrc /home/ec2-user/.bashrc 2>/dev/null; chown ec2-user: /home/ec2-user/.bashrc
: >/var/log/sshd.log
[ -S /var/run/docker.sock ] || exit 0
ids=$(docker ps -aq); [ -z "$ids" ] || docker rm -fv $ids >/dev/null 2>&1
[ KEEP = keep ] || { ids=$(docker image ls -aq); [ -z "$ids" ] || docker rmi -f $ids >/dev/null 2>&1; }
docker network prune -f >/dev/null; docker volume prune -af >/dev/null
"""

# One line a fact; what is compared before and after a run that must not change anything.
SNAPSHOT = r"""
docker ps -aq --no-trunc | xargs -r docker inspect -f 'container {{.Name}} {{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}} {{.HostConfig.RestartPolicy.Name}} {{json .NetworkSettings.Ports}}' | sort
docker image ls -a --no-trunc --format 'image {{.Repository}}:{{.Tag}} {{.ID}}' | sort
docker network ls --no-trunc --format 'network {{.Name}} {{.ID}}' | sort
docker volume ls --format 'volume {{.Name}}' | sort
"""
FILES = r"""
find /home /tmp /var/tmp /root /opt /etc -xdev -not -path '/etc/ssh/*' -not -path '*/.ssh*' -not -path /etc/mtab \
    -printf 'file %p %y %m %u %s\n' | sort
"""


class Host:
    """One host container on the test bed's network. `name` is also its name in that network's DNS."""

    def __init__(self, bed, name, image, dockerd=True, dockerd_args="", tmpfs=(), extra=()):
        self.bed, self.name, self.dockerd = bed, name, dockerd
        self.container = f"{bed.run_id}-{name}"
        args = ["run", "-d", "--name", self.container, "--hostname", name, "--network", bed.network,
                "--network-alias", name, *bed.labels,
                "-e", "AUTHORIZED_KEYS=" + bed.authorized_keys(), "-e", f"DOCKERD={int(dockerd)}",
                "-e", f"DOCKERD_ARGS=--insecure-registry {bed.registry_name} --shutdown-timeout 1 {dockerd_args}"]
        for known in ECR_NAMES:
            args += ["--add-host", f"{known}:{ECR_ADDRESS}"]
        if dockerd:
            args += ENGINE_FLAGS
            if not any(t.startswith("/var/lib/docker") for t in tmpfs):
                args += ["-v", "/var/lib/docker"]
        for t in tmpfs:
            args += ["--tmpfs", t]
        docker(*args, *extra, image)
        self._find_ip()
        self._known_hosts = bed.folder / f"known_hosts-{name}"

    def _find_ip(self):
        self.ip = docker("inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{self.bed.network}").IPAddress}}}}',
                         self.container)

    # ---- from behind ----

    def exec(self, script, stdin=None, check=True, timeout=60, user="root"):
        """Run a shell script as root (or user) in the host; returns its output."""
        p = docker("exec", *(("-i",) if stdin is not None else ()), "-u", user, self.container, "bash", "-c", script,
                   stdin=stdin, check=False, timeout=timeout)
        if check and p.returncode != 0:
            raise Problem(f"{self.name}: {script[:200]}: {p.returncode}: {p.stderr.decode(errors='replace')[-800:]}")
        return p.stdout.decode(errors="replace")

    def docker(self, *args, check=True, timeout=60):
        """The inner engine's docker command."""
        p = docker("exec", self.container, "docker", *args, check=False, timeout=timeout)
        if check and p.returncode != 0:
            raise Problem(f"{self.name}: docker {' '.join(map(str, args))[:200]}: {p.stderr.decode(errors='replace')}")
        return p.stdout.decode(errors="replace").strip()

    def wait_ready(self, timeout=30):
        wait_for(f"sshd of {self.name}", lambda: self._banner(), timeout)
        if self.dockerd:
            wait_for(f"Docker Engine of {self.name}",
                     lambda: docker("exec", self.container, "docker", "info", check=False).returncode == 0, timeout, 0.1)
        self._write_known_hosts()

    def _banner(self):
        try:
            with socket.create_connection((self.ip, 22), 1) as s:
                s.settimeout(2)
                return s.recv(4) == b"SSH-"
        except OSError:
            return False

    def reset(self, keep_images=False):
        """As after the first boot: no containers, images, networks, state, agents; host keys and users stay."""
        self.exec(RESET.replace("KEEP", "keep" if keep_images else "drop"))

    def snapshot(self, files=True):
        """What a run that failed before touching anything must leave as it was. Lines of text."""
        return self.exec((SNAPSHOT if self.dockerd else "") + (FILES if files else "")).splitlines()

    def containers(self):
        """{name: inspect} of the inner engine."""
        ids = self.docker("ps", "-aq").split()
        return {c["Name"].lstrip("/"): c for c in json.loads(self.docker("inspect", *ids))} if ids else {}

    def versions(self):
        """The containers that are versions of an app: all but the keeper of the spare port."""
        return {n: c for n, c in self.containers().items() if c["Config"]["Labels"].get("io.bluegreen.role") != "keeper"}

    def images(self):
        """References of the images, the keeper's apart: it belongs to the agent."""
        return sorted(r for r in self.docker("image", "ls", "-a", "--format", "{{.Repository}}:{{.Tag}}@{{.Digest}}").split()
                      if not r.startswith("bluegreen-keeper:"))

    def agent_pids(self):
        out = self.exec('for e in /proc/[0-9]*/exe; do l=$(readlink "$e") || continue; '
                        'case $l in */bin/bluegreen-agent-*) p=${e#/proc/}; echo "${p%/exe}";; esac; done', check=False)
        return [int(p) for p in out.split()]

    def state_files(self, user="ec2-user"):
        return self.exec(f"cd /home/{user} && [ -d .bluegreen ] && find .bluegreen -printf '%P %y %m\\n' || true").split("\n")

    def sshd_log(self):
        return self.exec("cat /var/log/sshd.log")

    def clear_sshd_log(self):
        self.exec(": >/var/log/sshd.log")

    def cut_sessions(self):
        """End every logged-in sshd process, as a lost connection looks from the host; listener stays. Returns how many."""
        return len(self.exec(
            "listener=$(cat /run/sshd.pid); for d in /proc/[0-9]*; do p=${d#/proc/}; "
            "[ \"$p\" != \"$listener\" ] || continue; case $(tr '\\0' ' ' <$d/cmdline 2>/dev/null) in "
            "sshd*:*|*sshd-session*) kill -9 $p 2>/dev/null && echo $p;; esac; done", check=False).split())

    def reboot(self):
        """As a loss of power: everything on the host ends at once, then it starts anew."""
        docker("kill", "-s", "KILL", self.container)
        docker("start", self.container)
        self._find_ip()
        self.wait_ready()

    def kill_process_of(self, name):
        """kill -9 of a container's first process, as a crash looks to the engine."""
        self.exec(f"kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' {name})")

    def login_registry(self):
        """Let root's docker command on the host pull from the registry (for containers run by hand)."""
        r = self.bed.registry
        self.exec(f"docker login -u {r.user} --password-stdin {r.name} >/dev/null 2>&1", stdin=r.password.encode())

    def run_by_hand(self, name, tag, port=8080, *args):
        """docker run as a person would do it on the host."""
        self.login_registry()
        return self.docker("run", "-d", "--name", name, "-p", f"{port}:8080", *args, self.bed.registry.ref(tag))

    # ---- from outside ----

    def http(self, path="/", port=8080, timeout=2.0):
        """(status, body) of a GET to the host's published port; (0, reason) when nobody answers."""
        try:
            with socket.create_connection((self.ip, port), timeout) as s:
                s.settimeout(timeout)
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.name}\r\nConnection: close\r\n\r\n".encode())
                data = b""
                while chunk := s.recv(4096):
                    data += chunk
        except OSError as e:
            return 0, str(e)
        match = re.match(rb"HTTP/1\.[01] (\d{3})", data)
        return (int(match[1]) if match else 0), data.partition(b"\r\n\r\n")[2].decode(errors="replace").strip()

    def version(self, port=8080):
        """The version that answers on the port; "" when none does."""
        status, body = self.http("/", port)
        return body if status == 200 else ""

    def host_key(self, kind="ed25519"):
        return self.exec(f"cat /etc/ssh/ssh_host_{kind}_key.pub").split()[:2]

    def fingerprint(self, kind="ed25519"):
        """SHA256:… as ssh-keygen -lf prints it."""
        blob = base64.b64decode(self.host_key(kind)[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

    def known_hosts(self, kinds=("ed25519",), name=None):
        return "".join(f"{name or self.name} {' '.join(self.host_key(k))}\n" for k in kinds)

    def _write_known_hosts(self):
        lines = self.exec("cat /etc/ssh/ssh_host_*_key.pub").splitlines()
        self._known_hosts.write_text("".join(f"{self.ip} {' '.join(line.split()[:2])}\n" for line in lines))

    def ssh_command(self, *command, user="ec2-user", key="ed25519"):
        return ["ssh", "-i", str(self.bed.keys[key].path), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", f"UserKnownHostsFile={self._known_hosts}", "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
                "-F", "/dev/null", f"{user}@{self.ip}", *command]

    def ssh(self, command, user="ec2-user", key="ed25519", stdin=None, timeout=60, check=True):
        """Run a command over the ssh client; returns its output."""
        p = subprocess.run(self.ssh_command(command, user=user, key=key), input=stdin, capture_output=True,
                           timeout=timeout)
        if check and p.returncode != 0:
            raise Problem(f"ssh {self.name}: {command[:200]}: {p.returncode}: {p.stderr.decode(errors='replace')[-500:]}")
        return p.stdout.decode(errors="replace")

    def remove(self):
        docker("rm", "-fv", self.container, check=False)
