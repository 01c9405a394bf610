"""Who calls, and may they: SigV4 checked with botocore, strictly; then IAM policies as moto keeps them.

moto checks signatures too; its own check of policies (no resources, no conditions) is replaced by ours.
"""

import calendar
import datetime
import fnmatch
import hashlib
import json
import re
import time
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .answers import JSON, SERVICES, refusal

SKEW_S = 300
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]*)/([^/,\s]*)/aws4_request,\s*"
                           r"SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})")


@dataclass
class Principal:
    key_id: str
    secret: str
    token: str
    expires: float  # Unix time; 0: never
    arn: str  # arn:aws:iam::…:user/runner, arn:aws:sts::…:assumed-role/host/i-…
    role: str = ""  # ARN of the role behind an assumed one
    tags: dict = field(default_factory=dict)

    @property
    def who(self):
        return self.arn.split(":", 5)[5]


class _Strict(SigV4Auth):
    def headers_to_sign(self, request):
        return request.headers  # only those that SignedHeaders names were put in


def amz_time(t):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(t))


def scope_of(request):
    """(key id, region, service) that the Authorization header names; None when there is none like that."""
    m = AUTHORIZATION.fullmatch(request.header("Authorization"))
    return (m[1], m[3], m[4]) if m else None


def signature_of(request, signed, secret, service, region):
    """What it should be, of the headers named in signed."""
    aws = AWSRequest(method=request.method, url="http://" + request.header("Host") + request.target, data=request.body,
                     headers={k.lower(): v for k, v in request.headers if k.lower() in signed})
    aws.context["timestamp"] = request.header("X-Amz-Date")
    signer = _Strict(Credentials("not looked at", secret), service, region)
    return signer.signature(signer.string_to_sign(aws, signer.canonical_request(aws)), aws)


def sign(request, unsigned, key_id, secret, service, region):
    """Put an Authorization header in that covers all headers but those."""
    signed = sorted(k.lower() for k, _ in request.headers if k.lower() not in unsigned)
    scope = f"{request.header('X-Amz-Date')[:8]}/{region}/{service}/aws4_request"
    signature = signature_of(request, signed, secret, service, region)
    request.headers.append(("Authorization", f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, "
                            f"SignedHeaders={';'.join(signed)}, Signature={signature}"))


def verify(request, service, find, now):
    """The Principal who signed the request. find(key id) knows them. Raises Refused."""
    if not request.header("Authorization"):
        raise refusal(service, "missing")
    m = AUTHORIZATION.fullmatch(request.header("Authorization"))
    if not m:
        raise refusal(service, "incomplete", "Authorization header is not in the form of AWS4-HMAC-SHA256.")
    key_id, day, region, scope_service, signed, signature = m.groups()
    signed = signed.split(";")
    names = [k.lower() for k, _ in request.headers]
    absent = [n for n in signed if n not in names]
    if absent or len(set(names)) != len(names):
        raise refusal(service, "incomplete", f"signed and not in the request, or there twice: {absent or names}")
    needed = {"host", "x-amz-date"} | {n for n in ("content-type", "x-amz-target", "x-amz-security-token",
                                                   "x-amz-content-sha256") if n in names}
    if SERVICES[service][0] == JSON:
        needed |= {"x-amz-target", "content-type"}
    if not needed <= set(signed):
        raise refusal(service, "unsigned", "There were headers present in the request which were not signed: "
                      + ", ".join(sorted(needed - set(signed))))
    if signed != sorted(signed):
        raise refusal(service, "incomplete", f"SignedHeaders is not sorted: {signed}")
    date = request.header("X-Amz-Date")
    try:
        at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise refusal(service, "incomplete", f"Date must be in ISO-8601 'basic format'. Got '{date}'.") from None
    if day != date[:8]:
        raise refusal(service, "unsigned", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                      f"from HTTP: '{day}' != '{date[:8]}', from '{date}'.")
    if scope_service != service:
        raise refusal(service, "unsigned", f"Credential should be scoped to correct service: '{service}'. ")
    who = find(key_id)
    if who is None or (request.header("X-Amz-Security-Token") != who.token):
        raise refusal(service, "unknown")
    declared = request.header("X-Amz-Content-SHA256")
    if declared and declared != hashlib.sha256(request.body).hexdigest():
        raise refusal(service, "mismatch")
    if signature_of(request, signed, who.secret, service, region) != signature:
        raise refusal(service, "mismatch")
    if at < now - SKEW_S:
        raise refusal(service, "clock", f"Signature expired: {date} is now earlier than {amz_time(now - SKEW_S)} "
                      f"({amz_time(now)} - 5 min.)")
    if at > now + SKEW_S:
        raise refusal(service, "clock", f"Signature not yet current: {date} is still later than "
                      f"{amz_time(now + SKEW_S)} ({amz_time(now)} + 5 min.)")
    if who.expires and who.expires <= now:
        raise refusal(service, "expired")
    return who


# ---- policies ----

def _list(value):
    return value if isinstance(value, list) else [value]


def _like(pattern, value, fold=False):
    if fold:
        pattern, value = pattern.lower(), value.lower()
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


OPERATORS = {
    "StringEquals": lambda want, has: want == has,
    "StringLike": _like,
    "StringEqualsIgnoreCase": lambda want, has: want.lower() == has.lower(),
    "ArnEquals": _like, "ArnLike": _like,
    "Bool": lambda want, has: want.lower() == has.lower(),
    "Null": None,
}


def conditions_hold(conditions, context):
    for operator, wanted in (conditions or {}).items():
        plural = operator.split(":", 1)
        name, every = plural[-1], plural[0] == "ForAllValues" and len(plural) == 2
        absent_is_fine = name.endswith("IfExists")
        name = name.removesuffix("IfExists")
        negate = name.startswith("StringNot")
        test = OPERATORS[name.replace("StringNot", "String", 1) if negate else name]
        for key, patterns in wanted.items():
            has = {k.lower(): v for k, v in context.items()}.get(key.lower())
            if name == "Null":
                if (has is None) != (str(_list(patterns)[0]).lower() == "true"):
                    return False
                continue
            if has is None:
                if absent_is_fine or negate or every:
                    continue
                return False
            hits = [any(test(str(p), str(h)) for p in _list(patterns)) for h in _list(has)]
            good = all(hits) if every else any(hits)
            if good == negate:
                return False
    return True


def allowed(policies, action, resources, context):
    """Do these policy documents let the action be done to every one of the resources?"""
    def verdict(resource):
        result = False
        for policy in policies:
            for s in _list(policy["Statement"]):
                hit = any(_like(a, action, fold=True) for a in _list(s["Action"])) if "Action" in s else \
                    not any(_like(a, action, fold=True) for a in _list(s["NotAction"]))
                hit = hit and any(_like(r, resource) for r in _list(s.get("Resource", "*")))
                if hit and conditions_hold(s.get("Condition"), context):
                    if s["Effect"] == "Deny":
                        return False
                    result = True
        return result
    return all(verdict(r) for r in resources)


def trusts(document, action, principals, context):
    """Does a role's trust policy let one of these (ARNs; for web identities the provider's) take it on?"""
    for s in _list(document["Statement"]):
        if s["Effect"] != "Allow" or not any(_like(a, action, fold=True) for a in _list(s["Action"])):
            continue
        named = [p for kind in s["Principal"].values() for p in _list(kind)] if s["Principal"] != "*" else ["*"]
        if any(_like(n, p) for n in named for p in principals) and conditions_hold(s.get("Condition"), context):
            return True
    return False


def policies_of(iam, who):
    """Documents in moto's IAM."""
    name = who.role.split("/")[-1] if who.role else who.arn.split("/")[-1]
    if who.role:
        return [json.loads(iam.get_role_policy(name, p)[1]) for p in iam.list_role_policies(name)]
    return [json.loads(iam.get_user_policy(name, p)["policy_document"]) for p in iam.list_user_policies(name)]


def iso(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

