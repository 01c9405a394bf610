"""ECR: its API over what the test bed's registry holds, its tokens, and its registry: a front with a login of its own."""

import base64
import http.client
import json
import secrets

from .answers import Refused
from .web import Answer
from .world import ACCOUNT, REGION

OPERATIONS = ("ecr:GetAuthorizationToken", "ecr:DescribeImages", "ecr:BatchGetImage", "ecr:DescribeImageScanFindings",
              "ecr:GetDownloadUrlForLayer", "ecr-public:GetAuthorizationToken")
LAYER_PATH = "/_layer/"
MANIFESTS = ", ".join(("application/vnd.docker.distribution.manifest.v2+json",
                       "application/vnd.docker.distribution.manifest.list.v2+json",
                       "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"))
PUBLIC_HOSTS = ("public.ecr.aws", "ecr-public.aws.com")
PUSHED_AT = 1767225600.0
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


class Images:
    """Reads the test bed's own registry at address, with its login."""

    def __init__(self, address, basic):
        self.address, self.basic = address, basic
        self.world = self.url = None  # set once they exist

    def fetch(self, method, path, headers=None):
        """The registry's answer, not yet read."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request(method, path, headers={"Authorization": "Basic " + self.basic, **(headers or {})})
        return connection.getresponse()

    def manifest(self, repo, reference):
        """(bytes, media type, digest), or None."""
        answer = self.fetch("GET", f"/v2/{repo}/manifests/{reference}", {"Accept": MANIFESTS})
        body = answer.read()
        if answer.status != 200:
            return None
        return body, answer.headers["Content-Type"], answer.headers["Docker-Content-Digest"]

    def has_repository(self, repo, region=REGION, account=ACCOUNT):
        if repo in self.world.missing_repositories or region != REGION or account != ACCOUNT:
            return False
        answer = self.fetch("GET", f"/v2/{repo}/tags/list")
        tags = json.loads(answer.read() or b"{}").get("tags") if answer.status == 200 else None
        return bool(tags)

    # ---- the API ----

    def operation(self, call):
        if call.action == "GetAuthorizationToken":
            return self._token(call)
        account, repo = call.body.get("registryId", ACCOUNT), call.body.get("repositoryName", "")
        if account != ACCOUNT:
            raise Refused(400, "AccessDeniedException",
                          not_allowed(call.principal, f"ecr:{call.action}", call.region, account, repo))
        if not self.has_repository(repo, call.region):
            raise Refused(400, "RepositoryNotFoundException",
                          f"The repository with name '{repo}' does not exist in the registry with id '{account}'")
        ours = {"DescribeImages": self._describe, "BatchGetImage": self._batch, "GetDownloadUrlForLayer": self._layer_url,
                "DescribeImageScanFindings": self._findings}
        return ours[call.action](call.body, repo)

    def _token(self, call):
        world = self.world
        password = base64.b64encode(json.dumps({
            "payload": secrets.token_urlsafe(1100), "datakey": secrets.token_urlsafe(140), "version": "2",
            "type": "DATA_KEY", "expiration": int(world.now() + world.token_lifetime)}).encode()).decode()
        entry = {"expires": world.now() + world.token_lifetime, "who": call.principal,
                 "blobs": world.next_token_blobs.pop(0) if world.next_token_blobs else None,
                 "service": call.service, "password": password}
        world.registry_tokens[password] = entry
        both = base64.b64encode(f"AWS:{password}".encode()).decode()
        world.learn(password)
        world.learn(both)
        if call.service == "ecr-public":
            return {"authorizationData": {"authorizationToken": both, "expiresAt": entry["expires"]}}
        return {"authorizationData": [{"authorizationToken": both, "expiresAt": entry["expires"],
                                       "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{call.region}.amazonaws.com"}]}

    def _find(self, repo, image_id):
        reference = image_id.get("imageDigest") or image_id.get("imageTag", "")
        return reference, self.manifest(repo, reference) if reference else None

    def _said(self, told, repo, reference, digest):
        """What a test has set for an image: by the name it is asked for, or by another that it has."""
        mine = {k.split(":", 1)[1]: v for k, v in told.items() if k.startswith(repo + ":")}
        for name in (reference, digest):
            if name in mine:
                return mine[name]
        return next((v for k, v in mine.items() if (self.manifest(repo, k) or ("", "", ""))[2] == digest), None)

    def _missing(self, repo, image_id):
        return Refused(400, "ImageNotFoundException",
                       f"The image with imageId {{imageDigest:'{image_id.get('imageDigest', 'null')}', "
                       f"imageTag:'{image_id.get('imageTag', 'null')}'}} does not exist within the repository with name "
                       f"'{repo}' in the registry with id '{ACCOUNT}'")

    def _describe(self, body, repo):
        out = []
        for image_id in body.get("imageIds", []):
            reference, found = self._find(repo, image_id)
            if not found:
                raise self._missing(repo, image_id)
            text, media_type, digest = found
            manifest = json.loads(text)
            size = sum(p["size"] for p in [manifest["config"], *manifest["layers"]]) if "layers" in manifest else None
            detail = {"registryId": ACCOUNT, "repositoryName": repo, "imageDigest": digest, "imagePushedAt": PUSHED_AT,
                      "imageManifestMediaType": media_type,
                      "imageStatus": self._said(self.world.statuses, repo, reference, digest) or "ACTIVE",
                      "imageTags": [image_id["imageTag"]] if "imageTag" in image_id else []}
            size = self._said(self.world.sizes, repo, reference, digest) or size
            if size is not None:
                detail["imageSizeInBytes"] = size
            if "artifactType" in manifest or "config" in manifest:
                detail["artifactMediaType"] = manifest.get("artifactType", manifest["config"]["mediaType"])
            scan = self._said(self.world.scans, repo, reference, digest)
            if scan and scan["summary"]:
                detail["imageScanStatus"] = {"status": scan["status"], "description": ""}
                if scan["status"] in ("COMPLETE", "ACTIVE"):
                    detail["imageScanFindingsSummary"] = {"imageScanCompletedAt": PUSHED_AT,
                                                          "findingSeverityCounts": scan["counts"]}
            out.append(detail)
        return {"imageDetails": out}

    def _batch(self, body, repo):
        images, failures = [], []
        for image_id in body.get("imageIds", []):
            _, found = self._find(repo, image_id)
            if not found:
                failures.append({"imageId": image_id, "failureCode": "ImageNotFound",
                                 "failureReason": "Requested image not found"})
                continue
            text, media_type, digest = found
            images.append({"registryId": ACCOUNT, "repositoryName": repo, "imageId": {**image_id, "imageDigest": digest},
                           "imageManifest": text.decode(), "imageManifestMediaType": media_type})
        return {"images": images, "failures": failures}

    def _findings(self, body, repo):
        image_id = body.get("imageId", {})
        reference, found = self._find(repo, image_id)
        if not found:
            raise self._missing(repo, image_id)
        scan = self._said(self.world.scans, repo, reference, found[2])
        if not scan:
            raise Refused(400, "ScanNotFoundException", f"Image scan does not exist for the image with '{image_id}' in the "
                          f"repository with name '{repo}' in the registry with id '{ACCOUNT}'")
        out = {"registryId": ACCOUNT, "repositoryName": repo, "imageId": {**image_id, "imageDigest": found[2]},
               "imageScanStatus": {"status": scan["status"], "description": ""}}
        if scan["status"] in ("COMPLETE", "ACTIVE"):
            out["imageScanFindings"] = {"imageScanCompletedAt": PUSHED_AT, "findings": [],
                                        "findingSeverityCounts": scan["counts"]}
        return out

    def _layer_url(self, body, repo):
        digest = body.get("layerDigest", "")
        answer = self.fetch("HEAD", f"/v2/{repo}/blobs/{digest}")
        answer.read()
        if answer.status != 200:
            raise Refused(400, "LayersNotFoundException", f"The layer with digest '{digest}' does not exist within the "
                          f"repository with name '{repo}' in the registry with id '{ACCOUNT}'")
        ticket = secrets.token_hex(16)
        self.world.layer_tickets[ticket] = (repo, digest)
        return {"downloadUrl": f"{self.url}{LAYER_PATH}{digest}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&"
                               f"X-Amz-Signature={ticket}", "layerDigest": digest}

    def layer(self, request):
        """What a download URL gives: the ticket in the URL is all it wants."""
        found = self.world.layer_tickets.get(request.query.get("X-Amz-Signature", ""))
        if request.header("Authorization"):
            return Answer(400, b"<Error><Code>InvalidArgument</Code>"
                               b"<Message>Only one auth mechanism allowed</Message></Error>")
        if not found or not request.path.endswith(found[1]):
            return Answer(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        answer = self.fetch("GET", f"/v2/{found[0]}/blobs/{found[1]}")
        headers = {"Content-Length": answer.headers["Content-Length"], "Content-Type": "application/octet-stream"}
        return Answer(200, b"", headers, stream=answer)


def not_allowed(who, action, region, account, repo):
    """Of a repository of this account by the caller's own policies, of another by that repository's."""
    by = "identity" if account == ACCOUNT else "resource"
    return (f"User: {who.arn} is not authorized to perform: {action} on resource: arn:aws:ecr:{region}:{account}:repository/"
            f"{repo} because no {by}-based policy allows the {action} action")


class Registry:
    """The registry hosts: pulls only."""

    def __init__(self, world, images):
        self.world, self.images = world, images

    def handle(self, request):
        seen = {"method": request.method, "path": request.target, "status": 0, "user": "", "token": "",
                "host": request.header("Host")}
        self.world.registry_requests.append(seen)
        answer = self._answer(request, seen)
        answer.headers.setdefault("Docker-Distribution-Api-Version", "registry/2.0")
        seen["status"] = answer.status
        return answer

    def _answer(self, request, seen):
        host = request.header("Host").split(":")[0]
        public = host in PUBLIC_HOSTS
        account, region = (ACCOUNT, REGION) if public else (host.split(".")[0], host.split(".")[3])
        token, refused = self._login(request, seen, public)
        if refused:
            return refused
        if request.path.rstrip("/") == "/v2":
            return Answer(200, b"{}", {"Content-Type": "application/json"})
        if request.method not in ("GET", "HEAD"):
            return _error(405, "UNSUPPORTED", "The operation is unsupported.")
        repo, _, what = request.path.removeprefix("/v2/").rpartition("/")
        repo, _, kind = repo.rpartition("/")
        action = "ecr:BatchGetImage" if kind == "manifests" else "ecr:GetDownloadUrlForLayer"
        resource = f"arn:aws:ecr:{region}:{account}:repository/{repo}"
        if token and not public:
            if account != ACCOUNT or not self.world.may(token["who"], action, [resource]):
                return _error(403, "DENIED", not_allowed(token["who"], action, region, account, repo))
        if not self.images.has_repository(repo, region, account):
            return _error(404, "NAME_UNKNOWN",
                          f"The repository with name '{repo}' does not exist in the registry with id '{account}'")
        if kind == "blobs" and token and token["blobs"] is not None:
            with self.world.lock:
                token["blobs"] -= 1
                if token["blobs"] < 0:
                    token["expires"] = 1.0
            if token["expires"] <= self.world.now():
                return _error(403, "DENIED", EXPIRED)
        return self._pass_on(request, kind)

    def _login(self, request, seen, public):
        """(token's entry or None, Answer that refuses or None)"""
        kind, _, basic = request.header("Authorization").partition(" ")
        realm = {"Www-Authenticate": f'Basic realm="https://{request.header("Host")}/",service="ecr.amazonaws.com"'}
        if not kind:
            return None, None if public else Answer(401, b"Not Authorized\n", realm)
        try:
            seen["user"], _, seen["token"] = base64.b64decode(basic).decode().partition(":")
        except ValueError:
            pass
        token = self.world.registry_tokens.get(seen["token"])
        if kind.lower() != "basic" or seen["user"] != "AWS" or not token:
            return None, Answer(400, b"")
        if token["expires"] <= self.world.now():
            return None, _error(403, "DENIED", EXPIRED)
        if (token["service"] == "ecr-public") != public:
            return None, Answer(401, b"Not Authorized\n", realm)
        return token, None

    def _pass_on(self, request, kind):
        headers = {"Accept": request.header("Accept") or MANIFESTS}
        if request.header("Range"):
            headers["Range"] = request.header("Range")
        answer = self.images.fetch(request.method, request.target, headers)
        if kind == "manifests" and answer.status == 404:
            answer.read()
            return _error(404, "MANIFEST_UNKNOWN", "Requested image not found")
        keep = ("Content-Type", "Content-Length", "Docker-Content-Digest", "Content-Range", "Accept-Ranges", "Etag")
        out = {k: answer.headers[k] for k in keep if answer.headers[k]}
        return Answer(answer.status, b"", out, stream=answer)


def _error(status, code, message):
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8"})


