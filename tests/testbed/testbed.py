"""The test bed as a whole: a network, a registry, a host, and more hosts when a test asks for them.

    python3 -m testbed.testbed up | down        (in tests/) for a look by hand
    python3 -m testbed.testbed clean            removes what killed runs left, and runs that are under way
"""

import concurrent.futures
import secrets
import shutil
import sys
import time

from . import engine, keys
from .engine import LABEL, docker, wait_for
from .host import Host
from .registry import Registry

REGISTRY_USER = "deployer"


def host_image():
    return engine.built_image("host", "host.Dockerfile", "host-start.sh", "host-sshd.conf", "host-pushed-keys.pl")


def registry_image():
    return engine.built_image("registry", "registry.Dockerfile", "registry-start.sh", "registry.yml")


class Testbed:
    """with Testbed() as bed: …; nothing of it is left afterwards but the images."""

    __test__ = False  # not a test class

    def __init__(self, run_id=None, key_names=None):
        self.run_id = run_id or f"bgt-{secrets.token_hex(3)}"
        self.network = f"{self.run_id}-net"
        self.labels = ["--label", f"{LABEL}={self.run_id}"]
        self.folder = engine.ROOT / self.run_id
        self.registry_name = "registry:5000"
        self.registry = None
        self.host = None
        self.hosts = {}
        self.keys = {}
        self._key_names = key_names

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exc):
        self.down()

    def up(self):
        """Everything answers when this returns. Under 10 s when the images are there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            images = [pool.submit(host_image), pool.submit(registry_image)]
            made = pool.submit(keys.make, self.folder / "keys", self._key_names)
            pool.submit(engine.compiled, "apps/app.c").result()
            host_ref, registry_ref = (i.result() for i in images)
            self.keys = made.result()
            docker("network", "create", *self.labels, self.network)
            started = [pool.submit(self._start_registry, registry_ref),
                       pool.submit(self._start_host, "web1", host_ref)]
            for s in started:
                s.result()
        self.host = self.hosts["web1"]

    def _start_registry(self, image):
        password = "reg-" + secrets.token_hex(12)
        name = f"{self.run_id}-registry"
        docker("run", "-d", "--name", name, "--network", self.network, "--network-alias", "registry", *self.labels,
               "-e", f"REGISTRY_USER={REGISTRY_USER}", "-e", f"REGISTRY_PASSWORD={password}", "-v", "/var/lib/registry",
               image)
        ip = docker("inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{self.network}").IPAddress}}}}', name)
        self.registry = Registry(f"{ip}:5000", self.registry_name, REGISTRY_USER, password)
        wait_for("registry", self.registry.answers, 20)
        self.registry.push_samples()

    def _start_host(self, name, image, **kwargs):
        host = self.hosts[name] = Host(self, name, image, **kwargs)
        host.wait_ready()
        return host

    def extra_host(self, name, **kwargs):
        """Another host, made once per name (see Host for what can differ)."""
        return self.hosts.get(name) or self._start_host(name, host_image(), **kwargs)

    def gateway(self):
        """This machine's address as the hosts see it."""
        return docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", self.network)

    def authorized_keys(self):
        return "\n".join(k.public for n, k in self.keys.items() if n != "stranger")

    def down(self):
        """Remove everything that carries this run's label, and its folder."""
        remove_run(self.run_id)
        remove_folder(self.folder)


def remove_folder(folder):
    """Also what the action's containers wrote there as root."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        docker("run", "--rm", "--network", "none", "-v", f"{folder.parent}:/parent", "--entrypoint", "rm", host_image(), "-rf",
               f"/parent/{folder.name}", check=False)


def remove_run(run_id=None):
    """Containers and networks of a run; of every run when none is given."""
    mark = f"label={LABEL}={run_id}" if run_id else f"label={LABEL}"
    ids = docker("ps", "-aq", "--filter", mark).split()
    if ids:
        docker("rm", "-fv", *ids, check=False)
    for network in docker("network", "ls", "-q", "--filter", mark).split():
        docker("network", "rm", network, check=False)


def main(argv):
    if argv[1:] == ["up"]:
        began = time.monotonic()
        bed = Testbed("bgt-hand")
        bed.down()
        bed.up()
        print(f"up after {time.monotonic() - began:.1f} s; host {bed.host.ip}, registry {bed.registry.address}")
        print("  " + " ".join(bed.host.ssh_command()))
        print(f"  host-fingerprint: {bed.host.fingerprint()}")
        print(f"  registry login: {bed.registry.user} {bed.registry.password}")
    elif argv[1:] == ["down"]:
        Testbed("bgt-hand").down()
    elif argv[1:] == ["clean"]:
        remove_run()
        for folder in engine.ROOT.glob("bgt-*"):
            remove_folder(folder)
    else:
        sys.exit("usage: python3 -m testbed.testbed up | down | clean")


if __name__ == "__main__":
    main(sys.argv)
