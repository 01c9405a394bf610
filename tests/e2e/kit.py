"""What the end-to-end tests share: a Site runs the action against a host and knows what must hold afterwards."""

import io
import json
import re
import secrets
import tarfile
import time

from testbed import site
from testbed.engine import wait_for

APP = site.APP

# Exit codes: a contract of the action (README "Exit codes"), written down here a second time on purpose.
EXIT = {
    "ok": 0, "input": 2, "no_pin": 3, "host_key": 4, "unreachable": 5, "timeout": 6, "auth": 7, "key": 8, "install": 9,
    "rolled_back": 10, "failed_untouched": 11, "rollback_failed": 12, "unknown": 13, "locked": 14, "net": 15, "proto": 16,
    "cancel": 19, "docker_missing": 20, "docker_denied": 21, "docker": 22, "disk_full": 23, "image_missing": 24,
    "registry_auth": 25, "registry": 26, "port_taken": 27, "platform": 28, "app_exited": 29, "unhealthy": 30, "verify": 31,
    "no_previous": 32, "kpi": 33, "artifact": 35, "aws": 36, "aws_credentials": 37, "aws_denied": 38, "instance": 39,
    "image_findings": 40, "registry_expired": 41, "audit": 42, "not_found": 43,
}

OUTPUTS = {"outcome", "deployment-id", "image-digest", "previous-image", "cutover-seconds", "outage-seconds",
           "total-seconds", "rolled-back", "report-path", "bundle-path", "summary-path", "artifact-id", "artifact-url", "artifact-digest"}


class Site(site.Site):
    """A site whose every run is checked for what any run promises, and which knows what must hold afterwards."""

    def finish(self, stage, **kwargs):
        result = super().finish(stage, **kwargs)
        check_any_run(result)
        return result

    def deploy(self, tag, **over):
        """A deployment that must end well."""
        result = self.run(tag, **over)
        assert result.exit_code == 0, result
        assert result.outputs["outcome"] == "deployed", result
        return result

    # ---- what must hold on the host ----

    def check_serves(self, version, app=APP, port=8080):
        """This version answers, healthy, as APP-blue, and nothing is half done."""
        assert self.host.version(port) == version
        containers = self.host.versions()
        assert set(containers) <= {n for n in containers if not n.startswith(f"{app}-")} | {f"{app}-blue", f"{app}-green"}
        blue = containers.get(f"{app}-blue")
        assert blue and blue["State"]["Running"], sorted(containers)
        assert blue["Config"]["Image"].endswith(f":{version}") or f"APP_VERSION={version}" in blue["Config"]["Env"]
        assert blue["HostConfig"]["RestartPolicy"]["Name"] not in ("", "no"), "what serves must come back after a reboot"
        assert f"{app}-next" not in containers
        green = containers.get(f"{app}-green")
        if green:
            assert not green["State"]["Running"]
            assert green["HostConfig"]["RestartPolicy"]["Name"] == "no", "a stopped green must not fight for the port"
        self.check_nothing_left_over(app)
        return containers

    def check_nothing_left_over(self, app=APP):
        """No agent, no held lock, no half-written file; only files that the design keeps, none for others to read."""
        wait_for("end of the agents", lambda: not self.host.agent_pids(), 10)
        lock = f"/home/ec2-user/.bluegreen/apps/{app}/lock"
        self.host.exec(f"[ ! -e {lock} ] || flock -n {lock} true")
        known = re.compile(
            r"(|bin|apps|apps/[^/]+|apps/[^/]+/(lock|audit(\.1)?\.ndjson|audit\.head)|apps/[^/]+/deployments|apps/[^/]+/deployments/[0-9a-z-]+"
            r"|bin/bluegreen-agent(-(x86_64|aarch64)-[0-9a-f]{64})?"
            r"|apps/[^/]+/deployments/[0-9a-z-]+/(journal|events|request\.json|outcome\.json|engine\.json"
            r"|app-(blue|green|candidate)\.log|inspect-(blue|green|candidate)\.json"
            r"|deployment-\d{8}-\d{6}\.log|deployment-metrics-\d{8}-\d{6}\.json))")
        for line in filter(None, self.host.state_files()):
            path, kind, mode = line.rsplit(" ", 2)
            expected = known.fullmatch(path)
            assert expected, f"unexpected file {path}"
            assert (kind == "l") == (path == "bin/bluegreen-agent"), f"{path} is of kind {kind}"
            assert kind == "l" or int(mode, 8) & 0o077 == 0, f"{path} is open to others: {mode}"

    def deployments(self, app=APP):
        """Ids of the deployments the host remembers, oldest first."""
        out = self.host.exec(f"ls -1 /home/ec2-user/.bluegreen/apps/{app}/deployments 2>/dev/null || true")
        return sorted(out.split())

    def read_state(self, path, app=APP, deployment=None):
        deployment = deployment or self.deployments(app)[-1]
        return self.host.exec(f"cat /home/ec2-user/.bluegreen/apps/{app}/deployments/{deployment}/{path}")


def check_any_run(result):
    """Holds for every run, good or bad."""
    assert not result.log.forbidden, f"workflow commands got through: {result.log.forbidden}"
    assert not result.bad_files, result.bad_files
    assert all(line.stream == "stdout" for line in result.lines if line.text.startswith("::")), "commands on one stream"
    assert result.exit_code >= 0
    if result.exit_code != 0 and result.stage == "main":
        assert result.errors, f"exit code {result.exit_code} without an ::error\n{result}"
    assert set(result.outputs) <= OUTPUTS, set(result.outputs) - OUTPUTS


def error_text(result):
    return "\n".join(f"{a.title}: {a.message}" for a in result.errors)


def bundle(result, of):
    """{name: bytes} of the bundle that a result of this site's last step names."""
    with tarfile.open(fileobj=io.BytesIO(of.outside(result.outputs["bundle-path"]).read_bytes()), mode="r:gz") as t:
        members = t.getmembers()
        assert all(m.isreg() for m in members), [m.name for m in members if not m.isreg()]
        return {m.name: t.extractfile(m).read() for m in members}


def named(files, pattern):
    """The one file of a bundle whose name matches."""
    hits = [n for n in files if re.fullmatch(pattern, n.rsplit("/", 1)[-1])]
    assert len(hits) == 1, f"{pattern}: {hits} of {sorted(files)}"
    return files[hits[0]]


def metrics(result, of):
    return json.loads(named(bundle(result, of), r"deployment-metrics-\d{8}-\d{6}\.json"))


def events(result, of):
    return [json.loads(line) for line in named(bundle(result, of), r"events\.ndjson").decode().splitlines()]


def connected_after(results, ms):
    """When one of these runs first said, after that moment, that it connects. Both in ms of the monotonic clock."""
    return min((line.at * 1000 for r in results for line in r.lines
                if line.text.startswith("::group::Connect to") and line.at * 1000 > ms), default=None)


def canary(what):
    return f"canary-{what}-{secrets.token_hex(8)}"


SICK_AFTER = "200"  # good answers of an app that a test makes sick: more than any deployment asks for


def make_sick(site):
    """Ask an app with SICK_AFTER until it is."""
    for _ in range(2 * int(SICK_AFTER)):
        if site.host.http("/health")[0] == 503:
            return
    raise AssertionError("the app did not fall sick")


def eventually(condition, timeout=10.0):
    return wait_for("condition", condition, timeout)


def pause(seconds):
    """For tests that need time to go by on purpose, such as load before and after a deployment."""
    time.sleep(seconds)
