"""GitHub's identity tokens and what STS does with them: the issuer behind ACTIONS_ID_TOKEN_REQUEST_URL, and the checks."""

import base64
import json
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from . import auth
from .answers import Refused
from .web import Answer
from .world import ACCOUNT, ISSUER

URL = f"https://{ISSUER}"


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Issuer:
    def __init__(self, world):
        self.world, self.bearer = world, "oidc-" + secrets.token_hex(16)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._kid = secrets.token_hex(8)

    def jwks(self):
        n = self._key.public_key().public_numbers()
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._kid, "e": b64(n.e.to_bytes(3, "big")),
                          "n": b64(n.n.to_bytes(256, "big"))}]}

    def token(self, audience, claims):
        now = int(self.world.now())
        claims = dict(claims)
        body = {"iss": URL, "aud": audience, "sub": "repo:octo/shop:ref:refs/heads/main", "jti": secrets.token_hex(8),
                "repository": "octo/shop", "repository_id": "1296269", "ref": "refs/heads/main", "iat": now,
                "nbf": now - 300,
                **claims, "exp": now + int(claims.get("exp", 300))}
        head = {"typ": "JWT", "alg": "RS256", "kid": self._kid}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (head, body))
        return signed + "." + b64(self._key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))

    def handle(self, request):
        world = self.world
        if request.path == "/.well-known/jwks":
            return _json(200, self.jwks())
        if request.path == "/.well-known/openid-configuration":
            return _json(200, {"issuer": URL, "jwks_uri": URL + "/.well-known/jwks"})
        if request.path != "/_apis/oidc/idtoken":
            return _json(404, {"message": "not found"})
        if world.oidc_answer is not None:
            status, body = world.oidc_answer
            return Answer(status, body.encode(), {"Content-Type": "application/json"})
        if request.header("Authorization") not in (f"bearer {self.bearer}", f"Bearer {self.bearer}"):
            return _json(401, {"message": "Unauthorized"})
        if request.query.get("api-version") != "2.0" or request.method != "GET":
            return _json(400, {"message": "api-version is missing"})
        jwt = self.token(request.query.get("audience") or "https://github.com/octo", world.claims)
        world.jwts.append(jwt)
        world.learn(jwt)
        return _json(200, {"count": len(jwt), "value": jwt})

    def check(self, jwt):
        """Claims of a token that is genuine. Raises Refused as STS does."""
        try:
            head, body, signature = jwt.split(".")
            claims = json.loads(unb64(body))
            header = json.loads(unb64(head))
        except ValueError:
            raise Refused(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. "
                          "(You may see this error if you sent an Access Token)") from None
        if claims.get("iss") != URL:
            raise Refused(400, "InvalidIdentityToken",
                          f"No OpenIDConnect provider found in your account for {claims.get('iss')}")
        try:
            if header["alg"] != "RS256" or header["kid"] != self._kid:
                raise InvalidSignature
            self._key.public_key().verify(unb64(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, KeyError, ValueError):
            raise Refused(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider,  "
                          "please reference AssumeRoleWithWebIdentity documentation for requirements") from None
        if claims["exp"] <= self.world.now():
            raise Refused(400, "ExpiredTokenException", f"Token expired: current date/time {int(self.world.now())} must be "
                          f"before the expiration date/time {claims['exp']}")
        if claims["aud"] not in ("sts.amazonaws.com", *self._extra_audiences()):
            raise Refused(400, "InvalidIdentityToken", "Incorrect token audience")
        return claims

    def _extra_audiences(self):
        """Client ids that the account's identity provider has: those that any trust policy names."""
        out = []
        for role in self.world.iam.roles.values():
            for s in json.loads(role.assume_role_policy_document)["Statement"]:
                aud = s.get("Condition", {}).get("StringEquals", {}).get(f"{ISSUER}:aud", [])
                out += aud if isinstance(aud, list) else [aud]
        return out

    def assume(self, form):
        """AssumeRoleWithWebIdentity: (Principal, expiry, claims)."""
        for name in ("RoleArn", "RoleSessionName", "WebIdentityToken"):
            if not form.get(name):
                raise Refused(400, "ValidationError", f"1 validation error detected: Value at '{name}' failed to satisfy "
                              "constraint: Member must not be null")
        claims = self.check(form["WebIdentityToken"])
        trust = self.world.trust_of(form["RoleArn"])
        context = {f"{ISSUER}:{k}": v for k, v in claims.items()}
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
        if trust is None or not auth.trusts(trust, "sts:AssumeRoleWithWebIdentity", [provider], context):
            raise Refused(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        seconds = check_duration(self.world, form, chained=False)
        who = self.world.mint(form["RoleArn"], form["RoleSessionName"], seconds)
        return who, claims


def check_duration(world, form, chained):
    """Seconds that the session lasts. Raises Refused."""
    seconds = int(form.get("DurationSeconds") or 3600)
    if seconds < 900 or seconds > 43200:
        limit = "greater than or equal to 900" if seconds < 900 else "less than or equal to 43200"
        raise Refused(400, "ValidationError", f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to "
                      f"satisfy constraint: Member must have value {limit}")
    if chained and seconds > 3600:
        raise Refused(400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                      "assumed by role chaining")
    role = world.role(form["RoleArn"])
    if role and seconds > int(role.max_session_duration or 3600):
        raise Refused(400, "ValidationError",
                      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return seconds


def _json(status, value):
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8"})
