"""What exists in this AWS: identities and resources (kept by moto), the clock, what a test has set."""

import json
import secrets
import threading
import time

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.sns.models import sns_backends
from moto.ssm.models import ssm_backends
from moto.sts.models import sts_backends

from . import auth

ACCOUNT, REGION = "123456789012", "eu-central-1"
USER, ISSUER = "runner", "token.actions.githubusercontent.com"
EXTERNAL_ID = "ext-1"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
MAX_SESSION = {"deploy": 43200, "host": 43200, "next": 43200}


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def statement(action, principal, condition=None):
    s = {"Effect": "Allow", "Action": action, "Principal": principal}
    if condition:
        s["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [s]}


def web_trust(subjects, audience):
    return statement("sts:AssumeRoleWithWebIdentity", {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"},
                     {"StringEquals": {f"{ISSUER}:aud": audience}, "StringLike": {f"{ISSUER}:sub": subjects}})


class World:
    def __init__(self):
        self.lock = threading.RLock()
        self.reset()

    def now(self):
        return time.time() + self.ahead

    # ---- fresh ----

    def reset(self):
        with self.lock:
            self.ahead = 0.0
            moto_api_backend.reset()
            self.iam = iam_backends[ACCOUNT]["aws"]
            self.sts = sts_backends[ACCOUNT]["aws"]
            self.ec2 = ec2_backends[ACCOUNT][REGION]
            self.sns, self.ssm = sns_backends[ACCOUNT][REGION], ssm_backends[ACCOUNT][REGION]
            self.expired, self.lifetimes = set(), {}
            self.calls, self.failures, self.published, self.pushed = [], [], [], []
            self.imds_requests, self.registry_requests = [], []
            self.consoles, self.topics = {}, {}
            self.secrets, self.jwts = [], []
            self.claims, self.oidc_answer = {}, None
            self.imds_mode, self.imds_role, self.imds_lifetime = "on", "host", 6 * 3600
            self.imds_tokens, self.imds_credentials = {}, {}
            self.instances = {}  # address of a host: instance id
            self.registry_tokens, self.token_lifetime, self.next_token_blobs = {}, 12 * 3600, []
            self.layer_tickets = {}
            self.missing_repositories, self.scans, self.statuses, self.sizes = set(), {}, {}, {}
            self._identities()

    def _identities(self):
        iam = self.iam
        iam.create_user(REGION, USER)
        key = iam.create_access_key(USER)
        arn = f"arn:aws:iam::{ACCOUNT}:user/{USER}"
        self.user = auth.Principal(key.access_key_id, key.secret_access_key, "", 0, arn)
        self.learn(key.secret_access_key)
        iam.put_user_policy(USER, "all", json.dumps(ALL))
        web = web_trust(["repo:octo/shop:*", "repo:octo@583231/shop@1296269:*"], "sts.amazonaws.com")
        web["Statement"].append(statement("sts:AssumeRole", {"AWS": self.user.arn})["Statement"][0])
        trust = {
            "deploy": web,
            "host": statement("sts:AssumeRole", {"Service": "ec2.amazonaws.com"}),
            "next": statement("sts:AssumeRole", {"AWS": role_arn("deploy")},
                              {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}),
        }
        for name, document in trust.items():
            iam.create_role(name, json.dumps(document), "/", None, "", [], str(MAX_SESSION[name]))
            iam.put_role_policy(name, "all", json.dumps(ALL))
        self.sts.assumed_roles.clear()

    # ---- identities ----

    def learn(self, secret):
        if secret and secret not in self.secrets:
            self.secrets.append(secret)

    def mint(self, arn, session, seconds, tags=None):
        """Temporary credentials that moto knows too."""
        with self.lock:
            role = self.sts.assume_role(region_name=REGION, role_session_name=session, role_arn=arn, policy="",
                                        duration=int(seconds), external_id="")
            self.lifetimes[role.access_key_id] = self.now() + seconds
            return self.find(role.access_key_id)

    def find(self, key_id):
        if key_id == self.user.key_id:
            return self.user
        role = self.sts.get_assumed_role_from_access_key(key_id)
        if role is None:
            return None
        expires = self.lifetimes.setdefault(key_id, role.expiration.timestamp() + self.ahead)
        if key_id in self.expired:
            expires = 1.0
        self.learn(role.secret_access_key)
        self.learn(role.session_token)
        return auth.Principal(key_id, role.secret_access_key, role.session_token, expires, role.arn, role.role_arn)

    def role(self, arn):
        try:
            return self.iam.get_role_by_arn(arn)
        except Exception:  # moto's NotFoundException
            return None

    def trust_of(self, arn):
        role = self.role(arn)
        return json.loads(role.assume_role_policy_document) if role else None

    def may(self, who, action, resources=("*",), context=None):
        base = {"aws:PrincipalArn": who.role or who.arn, "aws:RequestedRegion": REGION, "aws:PrincipalAccount": ACCOUNT}
        return auth.allowed(auth.policies_of(self.iam, who), action, resources, {**base, **(context or {})})

    # ---- what the tests do (each is a command of the control channel) ----

    def do_reset(self):
        self.reset()

    def do_keys(self, who):
        if who == USER:
            p = self.user
        else:
            p = self.mint(role_arn("deploy" if who == "session" else who), "test", 3600)
        return {"key_id": p.key_id, "secret": p.secret, "token": p.token, "arn": p.arn}

    def do_get(self, name):
        return getattr(self, name)

    def do_clear(self, name):
        getattr(self, name).clear()

    def do_set(self, name, value):
        setattr(self, name, value)

    def do_fail(self, action, status, code, message, times, after):
        self.failures.append({"action": action, "status": status, "code": code, "message": message, "left": times,
                              "after": after})

    def failure(self, action, after):
        with self.lock:
            for f in self.failures:
                if f["left"] > 0 and f["after"] == after and f["action"] in (action, "*"):
                    f["left"] -= 1
                    return f
        return None

    def do_policy(self, document, who):
        if who == USER:
            self.iam.put_user_policy(USER, "all", json.dumps(document))
        else:
            self.iam.put_role_policy(who, "all", json.dumps(document))

    def do_expire(self, who):
        for role in self.sts.assumed_roles:
            if who in (role.access_key_id, role.role_arn.split("/")[-1]):
                self.expired.add(role.access_key_id)
        self.imds_credentials.clear()

    def do_trust(self, role, subjects, audience):
        self.iam.get_role(role).assume_role_policy_document = json.dumps(web_trust(subjects, audience))

    # ---- EC2 ----

    def do_instance(self, ip, name, state, public, tags, ipv6):
        with self.lock:
            old = self.instances.pop(ip, None)  # a host is one instance
            for key in [k for k, r in self.ec2.reservations.items() if any(i.id == old for i in r.instances)]:
                del self.ec2.reservations[key]
            group = self.ec2.create_security_group(f"sg-{name}-{secrets.token_hex(2)}", "test bed",
                                                   vpc_id=self._vpc()).id
            made = self.ec2.run_instances("ami-12c6146b", 1, None, [], security_group_ids=[group], instance_type="t3.micro",
                                          is_instance_type_default=True, subnet_id=self._subnet(),
                                          tags={"instance": {"Name": name, **tags}})
            instance = made.instances[0]
            nic = instance.nics[0]
            nic.private_ip_address = "10.0.0.10" if public else ip
            nic.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": nic.private_ip_address}]
            nic.public_ip = ip if public else None
            nic.public_ip_auto_assign = public
            nic.ipv6_addresses = [ipv6] if ipv6 else []
            self.do_set_state(instance.id, state)
            self.instances[ip] = instance.id
            return {"id": instance.id, "name": name, "public_ip": nic.public_ip, "private_ip": nic.private_ip_address,
                    "ipv6": ipv6, "group": group, "az": instance.placement.zone}

    def do_moved(self, before, now):
        """A host that was rebooted has another address; the instance is the same."""
        nic = self.instance(self.instances[before]).nics[0]
        self.instances[now] = self.instances.pop(before)
        if nic.public_ip == before:
            nic.public_ip = now
        else:
            nic.private_ip_address = now
            nic.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": now}]

    def _vpc(self):
        return next(v.id for v in self.ec2.vpcs.values() if v.is_default)

    def _subnet(self):
        return next(s.id for zone in self.ec2.subnets.values() for s in zone.values() if s.vpc_id == self._vpc())

    def instance(self, instance_id):
        return next((i for r in self.ec2.reservations.values() for i in r.instances if i.id == instance_id), None)

    def do_set_state(self, instance_id, state):
        i = self.instance(instance_id)
        i._state.name, i._state.code = state, STATES[state]
        if state == "stopped":
            i.nics[0].public_ip = None

    def do_console(self, instance_id, text):
        self.consoles[instance_id] = text

    def do_tag(self, resource_id, key, value):
        self.ec2.create_tags([resource_id], {key: value})

    def do_parameter(self, name, value, secure):
        kind, key = ("SecureString", "alias/aws/ssm") if secure else ("String", "")
        self.ssm.put_parameter(name, "", value, kind, "", key, True, [], "text", None, None)

    def do_topic(self, name):
        return self.sns.create_topic(name).arn

    def do_add_rule(self, group, port, cidr, tags, description):
        cidr = {"CidrIpv6" if ":" in cidr else "CidrIp": cidr}
        if description:
            cidr["Description"] = description
        port = str(port)
        made, _ = self.ec2.authorize_security_group_ingress(group, "tcp", port, port, [cidr], sgrule_tags=tags)
        return made[0].id

    def do_remove_rule(self, group, rule):
        self.ec2.revoke_security_group_ingress(group, "", "", "", [], security_rule_ids=[rule])

    def do_rules(self, group):
        rules = self.ec2.get_security_group_from_id(group).ingress_rules
        return [{"id": r.id, "cidr": r.cidr_ipv4 or r.cidr_ipv6, "from": r.from_port, "to": r.to_port,
                 "protocol": r.ip_protocol, "description": r.description or "",
                 "tags": {t["key"]: t["value"] for t in r.get_tags()}} for r in rules]

    # ---- ECR ----

    def do_repository(self, repo, exists):
        (self.missing_repositories.discard if exists else self.missing_repositories.add)(repo)

    def do_findings(self, repo, tag, counts, status, summary):
        self.scans[f"{repo}:{tag}"] = {"status": status, "counts": counts, "summary": summary}

    def do_image_status(self, repo, tag, status):
        self.statuses[f"{repo}:{tag}"] = status

    def do_size(self, repo, tag, size):
        self.sizes[f"{repo}:{tag}"] = size

    def do_expire_tokens(self):
        for t in self.registry_tokens.values():
            t["expires"] = 1.0



