"""Private keys of all the kinds users have, made with ssh-keygen once per test bed."""

import pathlib
import subprocess
from dataclasses import dataclass

PASSPHRASE = "pass phrase-of-the-bed 42"


@dataclass
class Key:
    path: pathlib.Path
    public: str
    passphrase: str = ""

    @property
    def text(self):
        return self.path.read_text()


# name -> arguments of ssh-keygen
KINDS = {
    "ed25519": ["-t", "ed25519"],
    "rsa-pem": ["-t", "rsa", "-b", "2048", "-m", "PEM"],  # as AWS hands them out
    "rsa-pkcs8": ["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
    "rsa-openssh": ["-t", "rsa", "-b", "2048"],
    "ecdsa": ["-t", "ecdsa", "-b", "256"],
    "ecdsa-pem": ["-t", "ecdsa", "-b", "256", "-m", "PEM"],
}
ENCRYPTED = {
    "ed25519-encrypted": ["-t", "ed25519"],
    "rsa-pem-encrypted": ["-t", "rsa", "-b", "2048", "-m", "PEM"],
}


def make(folder, names=None):
    """{name: Key}; "stranger" is let in nowhere."""
    keys = {}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    todo = [(n, a, "") for n, a in KINDS.items()] + [(n, a, PASSPHRASE) for n, a in ENCRYPTED.items()]
    todo.append(("stranger", ["-t", "ed25519"], ""))
    running = []
    for name, args, passphrase in todo:
        if names and name not in names:
            continue
        path = folder / name
        if not path.exists():
            running.append(subprocess.Popen(["ssh-keygen", "-q", *args, "-N", passphrase, "-C", "testbed", "-f", str(path)],
                                            stdin=subprocess.DEVNULL))
        keys[name] = (path, passphrase)
    for p in running:
        if p.wait(60) != 0:
            raise RuntimeError("ssh-keygen failed")
    return {n: Key(path, path.with_suffix(".pub").read_text().strip(), ph) for n, (path, ph) in keys.items()}
