"""AWS's API: each call is checked, recorded and answered: by moto, or by us where moto knows nothing or too little."""

import base64
import io
import json
import re
import threading
from urllib.parse import parse_qsl

from moto.iam.access_control import IAMRequest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import HTTPException

from . import auth, ecr, web_identity
from .answers import EC2, JSON, QUERY, SERVICES, Refused, error, json_answer, refusal, xml_answer
from .web import DROP, Answer, Request
from .world import ACCOUNT, REGION

_judging = threading.local()


class Judged(HTTPException):
    """Thrown through moto once it has found the signature right."""
    code, description = 418, "the signature is right"


def _permitted(self, resource):
    if getattr(_judging, "now", False):
        raise Judged
    # Policies, with resources and conditions, were checked before the call came here.


IAMRequest.check_action_permitted = _permitted


class Call:
    """One request, understood; recorded() is what the tests see."""

    def __init__(self, request, now):
        self.request, self.at = request, now
        self.service = self.action = self.region = self.key_id = self.who = ""
        self.body, self.verified, self.moto = {}, False, ""
        self.status, self.code, self.principal = 0, "", None
        self._parse()

    def _parse(self):
        scope = auth.scope_of(self.request)
        if scope:
            self.key_id, self.region, self.service = scope
        target = self.request.header("X-Amz-Target")
        if target:
            prefix, _, self.action = target.partition(".")
            by_prefix = [s for s, (kind, name) in SERVICES.items() if name == prefix]
            self.service = by_prefix[0] if by_prefix else self.service
            try:
                self.body = json.loads(self.request.body)
            except ValueError:
                self.body = {}
            return
        self.body = dict(parse_qsl(self.request.body.decode(errors="replace"), keep_blank_values=True))
        self.action = self.body.get("Action", "")
        version = self.body.get("Version")
        by_version = [s for s, (kind, name) in SERVICES.items() if kind in (QUERY, EC2) and name == version]
        self.service = by_version[0] if by_version else self.service

    def recorded(self):
        plain = ("service", "action", "region", "key_id", "who", "body", "status", "code", "verified", "moto", "at")
        return {**{name: getattr(self, name) for name in plain},
                "signed": signed_headers(self.request), "ip": self.request.ip, "method": self.request.method,
                "path": self.request.target, "headers": {k.lower(): v for k, v in self.request.headers},
                "raw": base64.b64encode(self.request.body).decode()}


def signed_headers(request):
    m = auth.AUTHORIZATION.fullmatch(request.header("Authorization"))
    return m[5].split(";") if m else []


class Api:
    def __init__(self, world, issuer, images):
        self.world, self.issuer, self.images = world, issuer, images
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._own = {
            "sts:AssumeRoleWithWebIdentity": self._web_identity, "sts:AssumeRole": self._assume_role,
            "ec2:GetConsoleOutput": self._console, "sns:Publish": self._publish,
            "ec2-instance-connect:SendSSHPublicKey": self._push_key,
            **{name: self._ecr for name in ecr.OPERATIONS},
        }

    def handle(self, request):
        if request.path.startswith(ecr.LAYER_PATH):
            return self.images.layer(request)
        call = Call(request, self.world.now())
        self.world.calls.append(call)
        try:
            answer = self._answer(call)
        except Refused as e:
            call.code = e.code
            answer = error(call.service, e)
        call.status = answer.status
        if answer.status >= 400 and not call.code:
            found = re.search(rb'<Code>([\w.]+)</Code>|"__type": ?"(?:[\w.]+#)?(\w+)"', answer.body)
            call.code = (found[1] or found[2]).decode() if found else ""
        return answer

    def _answer(self, call):
        name = f"{call.service}:{call.action}"
        if call.service not in SERVICES:
            raise Refused(404, "UnknownOperationException", f"no service is known by: {call.request.headers}")
        if name == "sts:AssumeRoleWithWebIdentity":
            call.verified = not call.request.header("Authorization")
        else:
            self._let_in(call)
        failed = self._failure(call, after=False)
        if failed:
            return failed
        answer = self._own.get(name, self._ask_moto)(call)
        return self._failure(call, after=True) or answer

    def _failure(self, call, after):
        f = self.world.failure(call.action, after) or self.world.failure(f"{call.service}:{call.action}", after)
        if not f:
            return None
        if f["status"] <= 0:
            return DROP if f["status"] == 0 else Answer(status=0, how="hang")
        raise Refused(f["status"], f["code"], f["message"])

    # ---- who, and may they ----

    def _let_in(self, call):
        call.principal = auth.verify(call.request, call.service, self.world.find, self.world.now())
        call.verified, call.who = True, call.principal.who
        call.moto = self.moto_refuses(call.request, call.service, call.action)
        if call.moto:
            raise Refused(403, "SignatureDoesNotMatch", f"moto: {call.moto}")
        for action, resources, context in needs(call, self.world):
            if not self.world.may(call.principal, action, resources, context):
                raise refusal(call.service, "denied", denial(call.principal, action, resources[0]))

    def judge(self, request):
        """{"front", "moto"}: "" or why each would refuse the request's signature."""
        call = Call(request, self.world.now())
        service = call.service if call.service in SERVICES else "sts"
        try:
            auth.verify(request, service, self.world.find, self.world.now())
            front = ""
        except Refused as e:
            front = str(e)
        return {"front": front, "moto": self.moto_refuses(request, service, call.action)}

    def signed(self, service, action, body, who, unsigned, at, secret, token):
        """Method, path, headers and body of a call to a JSON service, signed as told."""
        keys = self.world.do_keys(who)
        headers = {"Host": "aws.test", "Content-Type": JSON, "X-Amz-Date": auth.amz_time(self.world.now() + at),
                   "X-Amz-Target": f"{SERVICES[service][1]}.{action}"}
        if token or keys["token"]:
            headers["X-Amz-Security-Token"] = token or keys["token"]
        made = Request("POST", "/", list(headers.items()), json.dumps(body).encode(), "")
        auth.sign(made, unsigned, keys["key_id"], secret or keys["secret"], service, REGION)
        return {"method": made.method, "path": made.target, "headers": {k.lower(): v for k, v in made.headers},
                "raw": made.body.decode()}

    def moto_refuses(self, request, service, action):
        """"" or why moto's own check refuses."""
        if service == "ecr-public":  # moto has no such service, so nobody there asks its check
            try:
                made = IAMRequest(ACCOUNT, request.method, request.target, {}, request.body,
                                  {k.title(): v for k, v in request.headers}, action)
                made.check_signature()
            except Exception as e:
                return f"{type(e).__name__}: {e}"[:300]
            return ""
        _judging.now = True
        try:
            status, _, body = self._through_moto(request)
        except Exception as e:
            return f"{type(e).__name__}: {e}"[:300]
        finally:
            _judging.now = False
        return "" if status == 418 else f"{status}: {body[:300].decode(errors='replace')}"

    def _through_moto(self, request):
        path, _, query = request.target.partition("?")
        environ = {
            "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_URI": request.target, "RAW_URI": request.target, "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": request.header("Host").split(":")[0], "SERVER_PORT": "80", "REMOTE_ADDR": request.ip,
            "CONTENT_LENGTH": str(len(request.body)), "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body), "wsgi.errors": io.StringIO(), "wsgi.multithread": True,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.input_terminated": True,
        }
        for name, value in request.headers:
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
        got = []

        def start(status, headers, exc_info=None):
            got.append((int(status.split()[0]), dict(headers)))
        body = b"".join(self._moto.get_application(environ)(environ, start))
        return *got[0], body

    def _ask_moto(self, call):
        status, headers, body = self._through_moto(call.request)
        ours = ("content-length", "connection", "server", "date")
        return Answer(status, body, {k: v for k, v in headers.items() if k.lower() not in ours})

    # ---- what moto has not, or not so ----

    def _ecr(self, call):
        return json_answer(self.images.operation(call))

    def _web_identity(self, call):
        who, claims = self.issuer.assume(call.body)
        call.who = who.who
        return xml_answer(
            '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
            "  <AssumeRoleWithWebIdentityResult>\n"
            f"    <SubjectFromWebIdentityToken>{claims['sub']}</SubjectFromWebIdentityToken>\n"
            f"    <Audience>{claims['aud']}</Audience>\n"
            f"    <AssumedRoleUser>\n      <AssumedRoleId>AROATESTBED:{call.body['RoleSessionName']}</AssumedRoleId>\n"
            f"      <Arn>{who.arn}</Arn>\n    </AssumedRoleUser>\n"
            f"    <Provider>arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com</Provider>\n"
            f"    <Credentials>\n      <AccessKeyId>{who.key_id}</AccessKeyId>\n"
            f"      <SecretAccessKey>{who.secret}</SecretAccessKey>\n      <SessionToken>{who.token}</SessionToken>\n"
            f"      <Expiration>{auth.iso(who.expires)}</Expiration>\n    </Credentials>\n"
            "  </AssumeRoleWithWebIdentityResult>\n"
            "  <ResponseMetadata>\n    <RequestId>1</RequestId>\n  </ResponseMetadata>\n"
            "</AssumeRoleWithWebIdentityResponse>\n")

    def _assume_role(self, call):
        arn, who = call.body.get("RoleArn", ""), call.principal
        trust = self.world.trust_of(arn)
        context = {k: v for k, v in (("sts:ExternalId", call.body.get("ExternalId")),
                                     ("sts:RoleSessionName", call.body.get("RoleSessionName"))) if v}
        mine = [who.arn, who.role or who.arn, f"arn:aws:iam::{ACCOUNT}:root"]
        if trust is None or not auth.trusts(trust, "sts:AssumeRole", mine, context):
            raise refusal("sts", "denied",
                          f"User: {who.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
        web_identity.check_duration(self.world, call.body, chained=bool(who.role))
        return self._ask_moto(call)

    def _console(self, call):
        instance_id = call.body.get("InstanceId", "")
        if self.world.instance(instance_id) is None:
            raise Refused(400, "InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
        text = self.world.consoles.get(instance_id)
        output = f"<output>{base64.b64encode(text.encode()).decode()}</output>" if text else ""
        return xml_answer('<?xml version="1.0" encoding="UTF-8"?>\n'
                          '<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
                          f"<requestId>1</requestId><instanceId>{instance_id}</instanceId>"
                          f"<timestamp>{auth.iso(self.world.now())}</timestamp>{output}"
                          "</GetConsoleOutputResponse>")

    def _publish(self, call):
        answer = self._ask_moto(call)
        if answer.status == 200:
            self.world.published.append({name: call.body.get(field, "") for name, field in (
                ("topic", "TopicArn"), ("subject", "Subject"), ("message", "Message"))})
        return answer

    def _push_key(self, call):
        body = call.body
        instance = self.world.instance(body.get("InstanceId", ""))
        if instance is None:
            raise Refused(400, "EC2InstanceNotFoundException",
                          f"The specified instance id {body.get('InstanceId')} does not exist")
        if instance._state.name != "running":
            raise Refused(400, "EC2InstanceStateInvalidException",
                          "Instance is not running. Start your instance and try again.")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9@._-]{0,30}[A-Za-z0-9$_-]?", body.get("InstanceOSUser", "")):
            raise Refused(400, "InvalidArgsException", "InstanceOSUser is not valid")
        key = body.get("SSHPublicKey", "")
        if not 80 <= len(key) <= 4096 or not re.match(r"(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/=]+", key):
            raise Refused(400, "InvalidArgsException", "Invalid SSH public key")
        if body.get("AvailabilityZone", instance.placement.zone) != instance.placement.zone:
            raise Refused(400, "InvalidArgsException", "The specified AvailabilityZone does not match the instance's")
        self.world.pushed.append({"instance": instance.id, "user": body["InstanceOSUser"], "key": key.strip(),
                                  "az": body.get("AvailabilityZone", ""), "at": self.world.now()})
        return json_answer({"RequestId": "1", "Success": True})


def denial(who, action, resource):
    on = "" if resource == "*" else f" on resource: {resource}"
    return (f"User: {who.arn} is not authorized to perform: {action}{on} because no identity-based policy allows the "
            f"{action} action")


def needs(call, world):
    """(IAM action, resources, context of the conditions): all that the caller must be allowed."""
    b, action, region = call.body, f"{call.service}:{call.action}", call.region
    context = {"aws:RequestedRegion": region}
    arn = f"arn:aws:{{}}:{region}:{ACCOUNT}:{{}}".format
    resources = ["*"]
    if call.service == "ecr" and call.action != "GetAuthorizationToken":
        resources = [f"arn:aws:ecr:{region}:{b.get('registryId', ACCOUNT)}:repository/{b.get('repositoryName', '')}"]
    elif call.service == "ssm":
        resources = [arn("ssm", "parameter/" + b.get("Name", "").split(":")[-1].removeprefix("parameter/").lstrip("/"))]
    elif call.service == "sns":
        resources = [b.get("TopicArn", "*")]
    elif call.action == "AssumeRole":
        resources = [b.get("RoleArn", "*")]
    elif call.action in ("GetConsoleOutput", "SendSSHPublicKey"):
        resources = [arn("ec2", "instance/" + b.get("InstanceId", ""))]
        instance = world.instance(b.get("InstanceId", ""))
        tags = {t["key"]: t["value"] for t in instance.get_tags()} if instance else {}
        for k, v in tags.items():
            context[f"aws:ResourceTag/{k}"] = context[f"ec2:ResourceTag/{k}"] = v
        context["ec2:osuser"] = b.get("InstanceOSUser", "")
    elif call.action in ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"):
        resources = [arn("ec2", "security-group/" + b.get("GroupId", ""))]
        group = world.ec2.get_security_group_from_id(b.get("GroupId", ""))
        for t in group.get_tags() if group else []:
            context[f"aws:ResourceTag/{t['key']}"] = context[f"ec2:ResourceTag/{t['key']}"] = t["value"]
    elif call.action == "CreateTags":
        resources = [_tagged(arn, v) for k, v in b.items() if k.startswith("ResourceId.")]
        context.update(_request_tags(b, r"Tag\.(\d+)\."))
    if action != "sts:GetCallerIdentity":  # always allowed
        yield action, resources, context
    if action == "ecr-public:GetAuthorizationToken":
        yield "sts:GetServiceBearerToken", ["*"], context
    if call.action == "AuthorizeSecurityGroupIngress" and any(k.startswith("TagSpecification") for k in b):
        yield ("ec2:CreateTags", [arn("ec2", "security-group-rule/*")],
               {**context, "ec2:CreateAction": "AuthorizeSecurityGroupIngress",
                **_request_tags(b, r"TagSpecification\.\d+\.Tag\.(\d+)\.")})


def _tagged(arn, resource_id):
    kinds = {"sgr": "security-group-rule", "sg": "security-group", "i": "instance"}
    return arn("ec2", f"{kinds.get(resource_id.rsplit('-', 1)[0], '*')}/{resource_id}")


def _request_tags(body, pattern):
    names = {m[1]: v for k, v in body.items() if (m := re.fullmatch(pattern + "Key", k))}
    values = {m[1]: v for k, v in body.items() if (m := re.fullmatch(pattern + "Value", k))}
    return {**{f"aws:RequestTag/{n}": values.get(i, "") for i, n in names.items()}, "aws:TagKeys": list(names.values())}


