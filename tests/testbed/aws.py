"""AWS for the tests: moto behind a front that checks signatures strictly, and the parts of AWS that moto has not.

One server program (the package awsfront, run by the Python that has moto) per test session, started when first asked
for; the fixture `aws` (tests/e2e/conftest.py) gives a fresh state to each test and attaches the site's host. In short:

    def test_x(site, aws):
        result = site.run(**aws.inputs("v2"))       # image of the ECR registry, keys in the step's environment
        result = site.run(**aws.inputs("v2", who=None), offers=aws.oidc, role_to_assume=aws.role("deploy"))
        assert [c.action for c in aws.calls] == [...]

Where and who
    aws.url             AWS_ENDPOINT_URL, reached by the test, by actions and by hosts
    aws.region          "eu-central-1"           aws.account   "123456789012"
    aws.registry_host   "123456789012.dkr.ecr.eu-central-1.amazonaws.com": TLS, known to the hosts and to their engines
    aws.env(who="runner", **more)   dict for a step's environment (step_env=): AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
                        [, AWS_SESSION_TOKEN], AWS_ENDPOINT_URL, AWS_REGION, AWS_EC2_METADATA_DISABLED=true.
                        who=None: without keys. who="session": temporary keys of role "deploy"; more: further variables,
                        None drops one
    aws.keys(who)       Keys(key_id, secret, token, arn): "runner" (an IAM user), "session" and any role name: new
                        temporary ones
    aws.oidc            dict for offers=: ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN
    aws.role(name)      ARN. Roles: "deploy" (trusts GitHub's OIDC of repo octo/shop, and the user), "host" (the
                        instance's), "next" (trusts role deploy only, with external id "ext-1": for chained roles)
    aws.inputs(tag, who="runner", **over)   for site.run(**…): image, registry login left out, step_env=aws.env(who)
    aws.image(tag, repo="app", account=None, region=None)   name of an image of the ECR registry; it has the test bed's
    aws.secrets         list of every secret that exists by now: secret keys, tokens, identity tokens, registry tokens

What was seen
    aws.calls           list of Call, oldest first: service, action, region, key_id, who ("user/runner",
                        "assumed-role/host/i-…"; "" unsigned), body (dict), status, code (AWS's error code, ""), verified
                        (the front's verdict), moto (why moto refuses it, ""), signed (names of signed headers), ip (of
                        the client), headers (dict, lower case), raw (bytes of the body), method, path
    aws.calls_of(action)            those of one operation; aws.clear_calls()
    aws.published                   list of {"topic", "subject", "message"} of SNS
    aws.pushed_keys                 list of {"instance", "user", "key", "az", "at"} of SendSSHPublicKey
    aws.registry_requests           list of {"method", "path", "status", "user", "token"} of the registry's front
    aws.imds_requests               list of {"method", "path", "status", "ip"}
    aws.identity_tokens             list of JWTs that the issuer gave

What a test sets (all gone at the next test)
    aws.fail(action, status, code, message, times=1, after=False)   answer calls of that operation with an error, worded as
                        the service does; status 0: the connection ends without an answer, -1: none comes; after=True: only
                        once it was carried out
    aws.allow(actions, who="runner")    the only actions of a user/role; everything is allowed to all until then
    aws.policy(document, who="runner")  the same with a policy document (dict); Resource and Condition count
    aws.clock(seconds)  AWS's clock is that much ahead of this machine's (negative: behind): signatures, expiry, Date
    aws.expire(who)     all temporary credentials of that role (or that key id) have expired
    aws.trust(role, subjects, audience="sts.amazonaws.com")    sub patterns that the role's trust policy lets in
    aws.identity(**claims)          claims of the next identity tokens: sub=…, aud=…, exp=seconds from now…
    aws.oidc_fail(status, body="")  the issuer answers that; aws.oidc_fail(None) ends it

The instance
    aws.instance(host, name="web1", state="running", public=True, tags={}, ipv6=None)   registers the host as an EC2
                        instance, in place of the one it was; its public address is the host's (the private one then leads
                        nowhere), with public=False the private one, and it has no other. Gives Instance(id, name,
                        public_ip, private_ip, ipv6, group: security group's id, az). The attached host is an instance
                        already, with its own name: aws.instance_id
    aws.set_state(instance_id, "stopped")
    aws.console(instance_id, text)      GetConsoleOutput; aws.console_of(host): cloud-init's blocks with its host keys
    aws.tag(resource_id, key, value)
    aws.parameter(name, value, secure=False)   SSM
    aws.topic(name)     an SNS topic's ARN
    aws.add_rule(group, port, cidr, tags={}, description="")   a rule of a security group; its id
    aws.remove_rule(group, rule)        takes one away
    aws.rules(group)    list of {"id", "cidr", "from", "to", "protocol", "description", "tags": dict}

The host's metadata service, at 169.254.169.254 of an attached host (IMDSv2 only)
    aws.imds(mode)      "on" | "hop-limit" (a token request gets no answer) | "disabled" (403) | "absent" (refused)
    aws.imds_role(name or None)         the instance's role, "host" until then; None: no profile
    aws.imds_lifetime(seconds)          of credentials given from now on (6 h until then)

The registry
    aws.token_lifetime(seconds)         of registry tokens given from now on (12 h)
    aws.token_expires_after(blobs, …)   the next token that is given expires once that many blobs were asked for with it; with
                        several numbers, the tokens after it, too
    aws.expire_tokens()                 every registry token that was given so far has expired
    aws.repository(repo, exists)        False: the registry and the API do not know it
    aws.findings(tag, counts, status="COMPLETE", repo="app", summary=True)   {"CRITICAL": 2, "HIGH": 1}; without this:
                        ScanNotFoundException. summary=False: DescribeImages tells nothing of it
    aws.image_status(tag, "ARCHIVED", repo="app")
    aws.size(tag, size_bytes, repo="app")       what DescribeImages says instead of the truth

Hosts and keys of Instance Connect
    aws.attach(host)    makes the host see all of this (the fixture does it for the site's); again after host.reboot()
    aws.detach(host)    takes it away
    An attached host's sshd asks the metadata service for pushed keys, as AWS's ec2-instance-connect package does; AWS's
    clock counts for the 60 s: aws.clock(61) ends them.

Checking signatures
    aws.judge(call, method=…, path=…, headers={…}, body=…)     would this recorded call, with that changed, be let in?
                        {"front": "" or why not, "moto": "" or why not}; nothing is carried out
    aws.signed(service, action, body, who="runner", unsigned=(), at=0, secret="", token="")   a call to a JSON service, for
                        judge(): unsigned: headers left out of the signature; at: seconds that its date is off
"""

import base64
import json
import os
import pathlib
import subprocess
import threading
from types import SimpleNamespace

from . import engine
from .engine import Problem
from .host import ECR_ADDRESS, ECR_NAMES

PYTHON = os.environ.get("BLUEGREEN_MOTO_PYTHON", "/opt/moto/bin/python")
ACCOUNT, REGION = "123456789012", "eu-central-1"
LISTS = {"published": "published", "pushed_keys": "pushed", "registry_requests": "registry_requests",
         "imds_requests": "imds_requests", "identity_tokens": "jwts", "secrets": "secrets"}

# As root on the host, which gets the registries' certificate on standard input. PATIENCE is in seconds: the default of one is
# little on a machine that runs several test beds.
ATTACH = r"""
set -e
iptables -t nat -N testbed-aws 2>/dev/null || iptables -t nat -F testbed-aws
iptables -t nat -C OUTPUT -j testbed-aws 2>/dev/null || iptables -t nat -I OUTPUT -j testbed-aws
iptables -t nat -A testbed-aws -d ECR_ADDRESS -p tcp --dport 443 -j DNAT --to-destination REGISTRY
iptables -t nat -A testbed-aws -d 169.254.169.254 -p tcp --dport 80 -j METADATA_RULE
touch /run/instance-connect
for name in NAMES; do
    mkdir -p "/etc/docker/certs.d/$name"
    cp /run/testbed-ca.crt "/etc/docker/certs.d/$name/ca.crt"
done
sed -i -e '/^export AWS_/d' -e '1i export AWS_ENDPOINT_URL=@URL@ AWS_METADATA_SERVICE_TIMEOUT=PATIENCE' /home/ec2-user/.bashrc
"""
DETACH = r"""
iptables -t nat -D OUTPUT -j testbed-aws; iptables -t nat -F testbed-aws; iptables -t nat -X testbed-aws
rm -rf /run/instance-connect /run/testbed-ca.crt
for name in NAMES; do rm -rf "/etc/docker/certs.d/$name"; done
sed -i '/^export AWS_/d' /home/ec2-user/.bashrc
"""


def certificate(folder):
    """Files (certificate, key) for the names of the registries."""
    cert, key = folder / "ecr-cert.pem", folder / "ecr-key.pem"
    if not cert.exists():
        names = ",".join(f"DNS:{n}" for n in ECR_NAMES)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=registries", "-addext", f"subjectAltName={names}",
                        "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    return cert, key


class Aws:
    """See the top of this file. One for the session; reset() between tests."""

    def __init__(self, bed):
        self.bed, self.account, self.region = bed, ACCOUNT, REGION
        self.registry_host = ECR_NAMES[0]
        self.gateway = bed.gateway()
        self._cert, key = certificate(bed.folder)
        if not os.access(PYTHON, os.X_OK):
            raise Problem(f"{PYTHON} is missing: these tests run in the development image")
        tests = pathlib.Path(__file__).resolve().parents[1]
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE" and not k.startswith("AWS_")}
        env.update(REGISTRY_LOGIN=bed.registry.basic, PYTHONPATH=str(tests),
                   PYTHONPYCACHEPREFIX=str(engine.ROOT / "cache" / "pyc"))
        self._lock, self._log = threading.Lock(), open(bed.folder / "aws.log", "wb+")
        command = [PYTHON, "-m", "testbed.awsfront", self.gateway, bed.registry.address, self._cert, key]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=env,
                                         cwd=tests)
        hello = self._read()
        self.ports = hello["ports"]
        self.url = f"http://{self.gateway}:{self.ports['api']}"
        issuer = f"http://{self.gateway}:{self.ports['oidc']}"
        self.oidc = {"ACTIONS_ID_TOKEN_REQUEST_URL": issuer + "/_apis/oidc/idtoken?api-version=2.0",
                     "ACTIONS_ID_TOKEN_REQUEST_TOKEN": hello["bearer"]}
        self._attached = {}  # host: its address
        self.instance_id = None

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    # ---- the control channel ----

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise Problem("the server of AWS ended: " + self._log.read()[-3000:].decode(errors="replace"))
        return json.loads(line)

    def _do(self, command, /, **args):
        with self._lock:
            self._process.stdin.write(json.dumps({"do": command, **args}).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._read()
        if "error" in answer:
            raise Problem(f"the server of AWS: {command}: {answer['error']}")
        return answer["value"]

    def log(self):
        """What the server wrote of troubles of its own."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def __getattr__(self, name):
        if name in LISTS:
            return self._do("get", name=LISTS[name])
        raise AttributeError(name)

    # ---- where and who ----

    def env(self, who="runner", **more):
        env = {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": self.region, "AWS_EC2_METADATA_DISABLED": "true"}
        if who:
            k = self.keys(who)
            env.update(AWS_ACCESS_KEY_ID=k.key_id, AWS_SECRET_ACCESS_KEY=k.secret)
            if k.token:
                env["AWS_SESSION_TOKEN"] = k.token
        env.update(more)
        return {k: str(v) for k, v in env.items() if v is not None}

    def keys(self, who="runner"):
        return SimpleNamespace(**self._do("keys", who=who))

    def role(self, name):
        return f"arn:aws:iam::{self.account}:role/{name}"

    def image(self, tag, repo="app", account=None, region=None):
        host = f"{account or self.account}.dkr.ecr.{region or self.region}.amazonaws.com"
        return f"{host}/{repo}:{tag}"

    def inputs(self, tag, who="runner", **over):
        return {"image": self.image(tag), "registry_username": None, "registry_password": None,
                "step_env": self.env(who), **over}

    # ---- what was seen ----

    @property
    def calls(self):
        out = [SimpleNamespace(**c) for c in self._do("calls")]
        for c in out:
            c.raw = base64.b64decode(c.raw)
        return out

    def calls_of(self, action):
        return [c for c in self.calls if c.action == action]

    def clear_calls(self):
        self._do("clear", name="calls")

    def judge(self, call, method=None, path=None, headers=None, body=None):
        return self._do("judge", method=method or call.method, path=path or call.path,
                        headers=call.headers if headers is None else headers,
                        body=base64.b64encode(call.raw if body is None else body).decode())

    def signed(self, service, action, body, who="runner", unsigned=(), at=0, secret="", token=""):
        made = SimpleNamespace(**self._do("signed", service=service, action=action, body=body, who=who,
                                          unsigned=list(unsigned), at=at, secret=secret, token=token))
        made.raw = made.raw.encode()
        return made

    # ---- what a test sets ----

    def reset(self):
        self._do("drop_hung")
        self._do("reset")

    def fail(self, action, status, code="", message="", times=1, after=False):
        self._do("fail", action=action, status=status, code=code, message=message, times=times, after=after)

    def allow(self, actions, who="runner"):
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        self.policy({"Version": "2012-10-17", "Statement": [statement]}, who)

    def policy(self, document, who="runner"):
        self._do("policy", document=document, who=who)

    def clock(self, seconds):
        self._do("set", name="ahead", value=seconds)

    def expire(self, who):
        self._do("expire", who=who)

    def trust(self, role, subjects, audience="sts.amazonaws.com"):
        self._do("trust", role=role, subjects=list(subjects), audience=audience)

    def identity(self, **claims):
        self._do("set", name="claims", value=claims)

    def oidc_fail(self, status, body=""):
        self._do("set", name="oidc_answer", value=None if status is None else [status, body])

    # ---- the instance ----

    def instance(self, host, name="web1", state="running", public=True, tags=None, ipv6=None):
        made = self._do("instance", ip=host.ip, name=name, state=state, public=public, tags=tags or {}, ipv6=ipv6)
        if host is self.bed.host:
            self.instance_id = made["id"]
        return SimpleNamespace(**made)

    def set_state(self, instance_id, state):
        self._do("set_state", instance_id=instance_id, state=state)

    def console(self, instance_id, text):
        self._do("console", instance_id=instance_id, text=text)

    def console_of(self, host):
        """Serial console of a first boot, as cloud-init writes it."""
        prints, keys = [], []
        for kind, bits in (("ecdsa", 256), ("ed25519", 256), ("rsa", 3072)):
            algorithm, blob = host.host_key(kind)
            prints.append(f"ci-info: {bits} {host.fingerprint(kind)} root@{host.name} ({kind.upper()})")
            keys.append(f"{algorithm} {blob} root@{host.name}")
        lines = ["[    0.000000] Linux version 6.1.0", "cloud-init[1450]: Cloud-init v. 22.2.2 running 'modules:final'",
                 "-----BEGIN SSH HOST KEY FINGERPRINTS-----", *(p.removeprefix("ci-info: ") for p in prints),
                 "-----END SSH HOST KEY FINGERPRINTS-----", "-----BEGIN SSH HOST KEY KEYS-----", *keys,
                 "-----END SSH HOST KEY KEYS-----", "[   14.1] cloud-init finished", ""]
        return "\r\n".join(lines)

    def tag(self, resource_id, key, value):
        self._do("tag", resource_id=resource_id, key=key, value=value)

    def parameter(self, name, value, secure=False):
        self._do("parameter", name=name, value=value, secure=secure)

    def topic(self, name):
        return self._do("topic", name=name)

    def add_rule(self, group, port, cidr, tags=None, description=""):
        return self._do("add_rule", group=group, port=port, cidr=cidr, tags=tags or {}, description=description)

    def remove_rule(self, group, rule):
        self._do("remove_rule", group=group, rule=rule)

    def rules(self, group):
        return self._do("rules", group=group)

    # ---- the metadata service ----

    def imds(self, mode):
        self._do("set", name="imds_mode", value=mode)
        for host in self._attached:
            self._rules(host, mode)

    def imds_role(self, name):
        self._do("set", name="imds_role", value=name)

    def imds_lifetime(self, seconds):
        self._do("set", name="imds_lifetime", value=seconds)

    # ---- the registry ----

    def token_lifetime(self, seconds):
        self._do("set", name="token_lifetime", value=seconds)

    def token_expires_after(self, *blobs):
        self._do("set", name="next_token_blobs", value=list(blobs))

    def expire_tokens(self):
        self._do("expire_tokens")

    def repository(self, repo, exists):
        self._do("repository", repo=repo, exists=exists)

    def findings(self, tag, counts, status="COMPLETE", repo="app", summary=True):
        self._do("findings", repo=repo, tag=tag, counts=counts, status=status, summary=summary)

    def image_status(self, tag, status, repo="app"):
        self._do("image_status", repo=repo, tag=tag, status=status)

    def size(self, tag, size_bytes, repo="app"):
        self._do("size", repo=repo, tag=tag, size=size_bytes)

    # ---- hosts ----

    def _rules(self, host, mode="on"):
        there = f"DNAT --to-destination {self.gateway}:{self.ports['imds']}"
        text = ATTACH
        for word, value in (("METADATA_RULE", "REDIRECT --to-ports 1" if mode == "absent" else there),
                            ("REGISTRY", f"{self.gateway}:{self.ports['registry']}"), ("ECR_ADDRESS", ECR_ADDRESS),
                            ("NAMES", " ".join(ECR_NAMES)), ("@URL@", self.url),
                            ("PATIENCE", "1" if mode == "hop-limit" else "5")):
            text = text.replace(word, value)
        host.exec("cat >/run/testbed-ca.crt\n" + text, stdin=self._cert.read_bytes())

    def attach(self, host):
        self._rules(host)
        before = self._attached.get(host)
        self._attached[host] = host.ip
        if before is None:
            self.instance(host, name=host.name)
        elif before != host.ip:
            self._do("moved", before=before, now=host.ip)

    def detach(self, host):
        if self._attached.pop(host, None):
            host.exec(DETACH.replace("NAMES", " ".join(ECR_NAMES)), check=False)

    def detach_all(self):
        for host in list(self._attached):
            self.detach(host)
