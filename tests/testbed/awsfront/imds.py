"""The instance metadata service, version 2 only, as an attached host sees it at 169.254.169.254."""

import json
import secrets

from . import auth
from .web import Answer
from .world import REGION, role_arn

KEY_S = 60  # how long a pushed key is there
ROOT = "/latest/meta-data/"


class Imds:
    def __init__(self, world):
        self.world = world

    def handle(self, request):
        seen = {"method": request.method, "path": request.target, "status": 0, "ip": request.ip}
        self.world.imds_requests.append(seen)
        answer = self._answer(request)
        seen["status"] = answer.status
        return answer

    def _answer(self, request):
        world = self.world
        if request.header("X-Forwarded-For"):
            return _plain(403, "")
        if world.imds_mode == "disabled":
            return _plain(403, "")
        if request.path == "/latest/api/token":
            return self._token(request)
        if world.imds_tokens.get(request.header("X-aws-ec2-metadata-token"), 0) <= world.now():
            return _plain(401, "")
        if request.method != "GET":
            return _plain(405, "")
        found = self._value(request.path, request.ip)
        return _plain(404, "<html><head><title>404 - Not Found</title></head></html>") if found is None else found

    def _token(self, request):
        world = self.world
        if request.method != "PUT":
            return _plain(405, "")
        if world.imds_mode == "hop-limit":
            return Answer(how="hang", status=0)
        ttl = request.header("X-aws-ec2-metadata-token-ttl-seconds")
        if not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return _plain(400, "")
        token = secrets.token_urlsafe(40)
        world.imds_tokens[token] = world.now() + int(ttl)
        world.learn(token)
        return Answer(200, token.encode(), {"Content-Type": "text/plain", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds": ttl})

    def _value(self, path, ip):
        world = self.world
        instance = world.instance(world.instances.get(ip, ""))
        if instance is None or not path.startswith(ROOT):
            return None
        name = path.removeprefix(ROOT)
        simple = {"instance-id": instance.id, "placement/region": REGION,
                  "placement/availability-zone": instance.placement.zone,
                  "local-ipv4": instance.nics[0].private_ip_address, "public-ipv4": instance.nics[0].public_ip,
                  "services/domain": "amazonaws.com", "services/partition": "aws"}
        if simple.get(name):
            return _plain(200, simple[name])
        if name.startswith("iam/security-credentials") and world.imds_role:
            wanted = name.removeprefix("iam/security-credentials").lstrip("/")
            if not wanted:
                return _plain(200, world.imds_role)
            return self._credentials(instance.id) if wanted == world.imds_role else None
        if name.startswith("managed-ssh-keys/active-keys/"):
            user = name.removeprefix("managed-ssh-keys/active-keys/").rstrip("/")
            keys = [p["key"] for p in world.pushed if p["instance"] == instance.id and p["user"] == user
                    and p["at"] <= world.now() < p["at"] + KEY_S]
            return _plain(200, "".join(k + "\n" for k in keys)) if keys else None
        return None

    def _credentials(self, instance_id):
        """The same ones until they are near their end, as the real service does."""
        world = self.world
        with world.lock:
            who = world.imds_credentials.get((world.imds_role, instance_id))
            if who is None or who.expires - world.now() < world.imds_lifetime / 2:
                who = world.mint(role_arn(world.imds_role), instance_id, world.imds_lifetime)
                world.imds_credentials[world.imds_role, instance_id] = who
        body = {"Code": "Success", "LastUpdated": auth.iso(world.now()), "Type": "AWS-HMAC", "AccessKeyId": who.key_id,
                "SecretAccessKey": who.secret, "Token": who.token, "Expiration": auth.iso(who.expires)}
        return Answer(200, json.dumps(body, indent=2).encode(), {"Content-Type": "text/plain"})


def _plain(status, text):
    return Answer(status, text.encode(), {"Content-Type": "text/plain"})
