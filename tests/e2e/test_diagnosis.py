"""Each likely cause that the agent names, provoked for real: code, cause and the evidence that matters reach the user.

One row a case: the code of agent/watch/diagnosis.c, what makes it happen, and a pattern that a line of the evidence must match.
"""

import html
import json
import pathlib
import re
import threading

import pytest
from e2e import fakes, kit
from testbed import engine
from testbed.fake_registry import FakeRegistry
from testbed.registry import arm64_exit

QUICK = {"health_retries": 4, "health_interval": "200ms"}
RUNNING = "until [ \"$(docker inspect -f '{{.State.Running}}' shop-next 2>/dev/null)\" = true ]; do sleep 0.03; done; "


class Case:
    """What a case may use: the site, and everything that must be gone afterwards."""

    def __init__(self, site):
        self.site, self.bed, self.host = site, site.bed, site.bed.host
        self.during = None  # a script for the host while the action runs
        self._undo = []

    def later(self, undo):
        self._undo.append(undo)

    def close(self):
        for undo in reversed(self._undo):
            undo()

    # ---- faults on the host ----

    def root(self, script, undo=None):
        self.host.exec(script)
        if undo:
            self.later(lambda: self.host.exec(undo, check=False))

    def perl(self, name, program, user="root"):
        """A Perl program in the background on the host, until the case ends (or a minute later)."""
        self.host.exec(f"cat >/tmp/{name}.pl && rm -f /tmp/{name}.up", stdin=(
            "use IO::Socket::INET; use IO::Socket::UNIX; alarm 60; " + program.replace(
                "READY", f"open F, '>/tmp/{name}.up'; print F $$; close F;")).encode())
        self.host.exec(f"setsid perl /tmp/{name}.pl >/dev/null 2>&1 </dev/null & "
                       f"for i in $(seq 100); do [ -s /tmp/{name}.up ] && exit 0; sleep 0.05; done; exit 1", user=user)
        self.later(lambda: self.host.exec(f"kill $(cat /tmp/{name}.up); rm -f /tmp/{name}.*", check=False))

    def squat(self, port, user):
        self.perl("squatter", f"my $s = IO::Socket::INET->new(LocalPort => {port}, Listen => 5, ReuseAddr => 1) or die; "
                              "READY while (1) { my $c = $s->accept }", user)

    def other_host(self, name, **kwargs):
        """Inputs for a host of its own; made once for all tests."""
        host = self.bed.extra_host(name, **kwargs)
        return {"host": host.name, "host_fingerprint": host.fingerprint()}

    # ---- servers on this machine ----

    def listen(self, **kwargs):
        listener = fakes.Listener(self.bed.gateway(), **kwargs)
        self.later(listener.close)
        return listener

    def registry(self, tls=False, **kwargs):
        registry = FakeRegistry(self.bed.gateway(), tls=self.certificate() if tls else None, **kwargs)
        self.later(registry.close)
        return registry

    def plain_registry(self, **kwargs):
        """Inputs for a registry that a host takes without TLS."""
        over = self.other_host("plain", dockerd_args=f"--insecure-registry {self.bed.gateway()}/16")
        return {**over, "image": self.registry(**kwargs).ref(), "registry_username": None, "registry_password": None}

    def certificate(self):
        """(certificate, key): files with a self-signed one for no name in particular."""
        files = self.bed.folder / "tls.crt", self.bed.folder / "tls.key"
        if not files[0].exists():
            self.host.exec("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=testbed "
                           "-keyout /tmp/tls.key -out /tmp/tls.crt 2>/dev/null")
            for path in reversed(files):
                path.write_text(self.host.exec(f"cat /tmp/{path.name}; rm /tmp/{path.name}"))
        return files

    # ---- images ----

    def of_host(self, *paths):
        """A layer with programs and libraries of the host, as they are there."""
        p = engine.docker("exec", self.host.container, "tar", "-chf", "-", "-C", "/", *paths, check=False)
        assert p.returncode == 0, p.stderr
        return p.stdout

    def libraries(self, program):
        return [line.lstrip("/") for line in
                re.findall(r"(/\S+) \(0x", self.host.exec(f"ldd {program}"))]

    def push(self, tag, layers, **kwargs):
        self.bed.registry.push("odd", tag, layers, **kwargs)
        return {"image": self.bed.registry.ref(tag, repo="odd")}

    def openssl(self, tag, *args, libraries=True):
        crt, key = self.certificate()
        loader = [p for p in self.libraries("/usr/bin/openssl") if "ld-linux" in p]
        paths = self.libraries("/usr/bin/openssl") if libraries else loader
        own = engine.tar_of({"tls.crt": crt.read_bytes(), "tls.key": key.read_bytes()})
        return self.push(tag, [self.of_host("usr/bin/openssl", *paths), own], entrypoint=("/usr/bin/openssl", *args))

    def shell(self, tag, command):
        layer = self.of_host("bin/sh", *self.libraries("/bin/sh"))
        return self.push(tag, [layer, engine.tar_of({"data": b"x"})], entrypoint=("/bin/sh", "-c", command))


def env(text, **over):
    """A case that only needs environment for the sample app, and inputs."""
    return lambda c: {"env": text, **over}


def inputs(**over):
    return lambda c: dict(over)


def needs(make, forever=False, **kwargs):
    """The app needs a server, which make(case) describes as name:port."""
    return lambda c: {"env": f"NEED={make(c)}" + ("\nNEED_FOREVER=1" if forever else ""), **kwargs}


def during(script, text="", **over):
    def make(c):
        c.during = RUNNING + script
        return {"env": text, "warm_up": "4s", **over}
    return make


def blackhole(c):
    """An address whose packets the host drops."""
    target = c.listen()
    rule = f"DOCKER-USER -d {target.ip} -p tcp --dport {target.port} -j DROP"
    c.root(f"iptables -I {rule}", f"iptables -D {rule}")
    return target.address


def engine_of_another_time(c):
    c.perl("old", "my $s = IO::Socket::UNIX->new(Local => '/tmp/old.sock', Listen => 5) or die; chmod 0666, '/tmp/old.sock'; "
                  "READY while (my $c = $s->accept) { sysread $c, my $b, 4096; print $c "
                  "\"HTTP/1.1 200 OK\\r\\nApi-Version: 1.24\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nOK\"; "
                  "close $c }")
    c.later(lambda: c.host.exec("rm -f /tmp/old.sock"))
    c.root("sed -i '1i export DOCKER_HOST=unix:///tmp/old.sock' /home/ec2-user/.bashrc")
    return {}


def own_process(c):
    c.squat(8080, "ec2-user")
    return {}


def foreign_process(c):
    c.squat(8080, "root")
    return {}


def by_hand(name, port, *args):
    def make(c):
        c.host.run_by_hand(name, "v2", port, *args)
        return {}
    return make


def small_tmpfs(c):
    c.root("mkdir -p /srv/small && mount -t tmpfs -o size=64k,mode=777 tmpfs /srv/small", "umount /srv/small")
    return {"volumes": "/srv/small:/data", "env": "WRITE=/data/journal\nWRITE_KB=100"}


def folder_of_root(c):
    c.root("install -d -m 0755 /srv/roots", "rm -rf /srv/roots")
    return {"volumes": "/srv/roots:/data", "container_user": "1000:1000", "env": "WRITE=/data/state"}


def big_image(c):
    c.bed.registry.push_app("big-zeros", filler=320 << 20)
    return {**c.other_host("middisk", tmpfs=["/var/lib/docker:size=300m"]), "image": c.bed.registry.ref("big-zeros")}


def checked_by_image(c):
    c.bed.registry.push_app("checked", extra={"Healthcheck": {"Test": ["CMD", "/app", "fail"], "Interval": 10**8,
                                                              "Timeout": 10**9, "Retries": 1}})
    return {"image": c.bed.registry.ref("checked"), "warm_up": "1s"}


def no_subnets(c):
    over = c.other_host("subnets", dockerd_args="--default-address-pool base=10.201.0.0/24,size=25")
    c.bed.hosts["subnets"].docker("network", "create", "the-last-one", check=False)
    return over


def other_processor(c):
    return c.push("says-amd64", [engine.tar_of({"app": arm64_exit()})])


# id: (code, what makes it happen, pattern of a line of the evidence or None)
CASES = {
    # the engine and the host
    "user outside group docker": ("docker_denied", inputs(user="nodocker"), None),
    "no Docker Engine": ("docker_missing", lambda c: c.other_host("bare1", dockerd=False), None),
    "API of long ago": ("engine_too_old", engine_of_another_time, None),
    "disk that fills up during the pull": ("image_no_space", big_image, None),
    "full disk": ("disk_full", lambda c: c.other_host("smalldisk", tmpfs=["/var/lib/docker:size=100m"]), None),
    "port of a container": ("port_taken_by_container", by_hand("somebody-elses", 8080), r"container 'somebody-elses'"),
    "port of a process": ("port_taken_by_process", own_process, r"process 'perl' \(pid \d+\)"),
    "port of another user's process": ("port_taken_by_process", foreign_process, r"process that this user may not look at"),
    "spare port of a container": ("spare_port_taken", by_hand("somebody-elses", 8081), r"container 'somebody-elses'"),
    "name of a container": ("name_taken", by_hand("shop-next", 9000), None),
    "container that removes itself": ("no_way_back", by_hand("shop-blue", 8080, "--rm"), None),
    # the image and its registry
    "missing tag": ("tag_missing", lambda c: {"image": c.bed.registry.ref("no-such-tag")}, None),
    "missing repository": ("repository_missing", lambda c: c.plain_registry(
        code="NAME_UNKNOWN", message="The repository with name 'app' does not exist in the registry with id '123456789012'"),
                           None),
    "wrong password": ("login_refused", inputs(registry_password="wrong-one"), None),
    "no login": ("login_missing", inputs(registry_username=None, registry_password=None), None),
    "expired token": ("token_expired", lambda c: c.plain_registry(
        status=403, code="DENIED", message="Your authorization token has expired. Reauthenticate and try again."), None),
    "login without the right to pull": ("pull_denied", lambda c: c.plain_registry(
        status=403, code="DENIED", message="User: arn:aws:iam::123456789012:user/ci is not authorized to perform: "
                                           "ecr:BatchGetImage"), None),
    "too many pulls": ("registry_rate_limit", lambda c: c.plain_registry(
        status=429, code="TOOMANYREQUESTS", message="You have reached your pull rate limit."), None),
    "registry that fails": ("registry_failed", lambda c: c.plain_registry(
        status=500, code="UNKNOWN", message="internal server error"), None),
    "registry that does not resolve": ("registry_name", inputs(image="nowhere.invalid:5000/app:v1"), None),
    "registry that refuses": ("registry_refused", inputs(image="web1:5999/app:v1"), None),
    "registry with an unknown CA": ("registry_untrusted", lambda c: {"image": c.registry(tls=True).ref()}, None),
    "registry with plain HTTP": ("registry_plain_http", lambda c: {"image": c.registry().ref()}, None),
    "registry that is silent": ("registry_timeout", lambda c: {"image": f"{c.listen().address}/app:v1"}, None),
    # what the engine cannot start
    "image for another processor": ("wrong_architecture", lambda c: {"image": c.bed.registry.ref("wrong-arch")}, None),
    "program for another processor": ("wrong_architecture", other_processor, r"exec format error"),
    "missing network": ("network_missing", inputs(networks="backend-net"), None),
    "volume that cannot be": ("mount_invalid", inputs(volumes="/proc/no-such-thing:/data"), None),
    "file where a folder is": ("mount_invalid", inputs(volumes="/etc/hostname:/etc"), r"error mounting \"/etc/hostname\""),
    "unknown user": ("no_such_user", inputs(container_user="webmaster"), None),
    "missing program": ("no_such_program", lambda c: c.push("no-program", [engine.tar_of({"data": b"x"})],
                                                            entrypoint=("/app",)), None),
    "program that may not be executed": ("not_executable", lambda c: c.push(
        "no-exec", [engine.tar_of({"data": b"x"})], entrypoint=("/etc/hostname",)), None),
    "more CPUs than there are": ("too_many_cpus", inputs(cpus="64"), None),
    "no address range left": ("no_free_subnet", no_subnets, None),
    # how the app ended
    "out of memory": ("out_of_memory", env("ALLOC_MB=200", memory="24m"), r"exit code 137 \(SIGKILL\), OOMKilled, memory limit 24 MiB"),
    "killed": ("killed", during("docker kill shop-next"), r"exit code 137 \(SIGKILL\)"),
    "asked to end": ("terminated", during("docker kill -s TERM shop-next", "TERM_CODE=143"), r"exit code 143 \(SIGTERM\)"),
    "segmentation fault": ("crashed", env("CRASH=segv"), r"exit code 139 \(SIGSEGV\)"),
    "bus error": ("crashed", env("RAISE=7"), r"exit code 135 \(SIGBUS\)"),
    "illegal instruction": ("illegal_instruction", env("CRASH=ill"), r"exit code 132 \(SIGILL\)"),
    "abort": ("aborted", env("RAISE=6"), r"exit code 134 \(SIGABRT\)"),
    "another signal": ("killed_by_signal", env("RAISE=13"), r"exit code 141 \(SIGPIPE\)"),
    "restart loop": ("restart_loop", during("docker update --restart=always shop-next", "DIE_AFTER_MS=1200"), r"restarts [1-9]"),
    "one-shot program": ("one_shot", env("EXIT_CODE=0\nEXIT_SAY=3 tables migrated"), r"log: 3 tables migrated"),
    "exit with a code": ("exited", env("EXIT_CODE=3\nEXIT_SAY=goodbye"), r"exited, exit code 3,"),
    "shell script without its program": ("no_such_program", lambda c: c.shell("sh-127", "exec serve-it"), r"exit code 127"),
    "shell script with a file that is no program": ("not_executable", lambda c: c.shell("sh-126", "exec /"), r"exit code 126"),
    # what the app says
    "missing variable": ("missing_environment", env("EXIT_CODE=1"), r"what its log says: missing environment variable DATABASE_URL"),
    "no AWS credentials": ("aws_credentials", env(
        "EXIT_CODE=1\nEXIT_SAY=Error: dispatch failure: other: the credentials provider was not enabled"), r"credentials provider"),
    "role without the right": ("aws_denied", env(
        "EXIT_CODE=1\nEXIT_SAY=AccessDeniedException: User is not authorized to perform: dynamodb:DescribeTable"), r"DescribeTable"),
    "missing table": ("store_missing", env(
        "EXIT_CODE=1\nEXIT_SAY=ResourceNotFoundException: Requested resource not found: Table: orders"), r"Table: orders"),
    "dependency that refuses": ("dependency_refused", needs(lambda c: f"{c.bed.gateway()}:1"), r"log says: .*Connection refused"),
    "dependency that refuses an app that waits": ("dependency_refused", needs(lambda c: f"{c.bed.gateway()}:1", forever=True, **QUICK),
                                                  r"waiting for .*Connection refused"),
    "dependency without a name": ("dependency_name", needs(lambda c: "db.nowhere.invalid:5432"), r"db\.nowhere\.invalid"),
    "dependency behind a firewall": ("dependency_timeout", needs(blackhole, health_retries=40), r"timed out"),
    "login at the database refused": ("dependency_login", needs(lambda c: c.listen(
        greeting=b'FATAL:  password authentication failed for user "shop"\n').address), r"password authentication failed"),
    "certificate of a service": ("tls_certificate", lambda c: c.openssl(
        "client", "s_client", "-verify_return_error", "-connect", c.registry(tls=True).ref().split("/")[0]), r"self-signed certificate|verify failed"),
    "port taken inside": ("address_in_use", env("LISTEN_TWICE=1"), r"Address (already )?in use"),
    "missing library": ("library_missing", lambda c: c.openssl("bare", "version", libraries=False), r"libssl"),
    "memory limit of its own": ("app_out_of_memory", env("LIMIT_MB=16\nALLOC_MB=64"), r"malloc: "),
    "disk full inside": ("no_space_inside", small_tmpfs, r"No space left on device"),
    "read-only file system": ("read_only", env("WRITE=/state", read_only="true"), r"Read-only file system"),
    "folder of another user": ("permission_denied", folder_of_root, r"Permission denied"),
    "missing file": ("file_missing", env("READ=/etc/shop/config.yml"), r"config\.yml: No such file"),
    # what the health check saw
    "image's own HEALTHCHECK": ("image_healthcheck", checked_by_image, None),
    "redirect": ("health_redirect", env("HEALTH_STATUS=302", **QUICK), r"attempts? in \d+\.\d s: .*\d+ x HTTP status 302"),
    "login wanted": ("health_login", env("HEALTH_STATUS=401", **QUICK), r"HTTP status 401"),
    "wrong path": ("health_path", env("HEALTH_STATUS=404", **QUICK), r"HTTP status 404"),
    "method refused": ("health_refused", env("HEALTH_STATUS=405", **QUICK), r"HTTP status 405"),
    "host name refused": ("health_refused", env("HEALTH_STATUS=400", **QUICK), r"HTTP status 400"),
    "failure of its own": ("app_reports_failure", env("HEALTH_STATUS=503", **QUICK), r"its last answer: bad v1"),
    "status nobody wants": ("health_status", env("HEALTH_STATUS=429", **QUICK), r"HTTP status 429"),
    "wrong text": ("health_body", env("", health_body="ready", **QUICK), r"its last answer: ok v1"),
    "slow answers": ("slow_answers", env("ANSWER_MS=5000", health_timeout="300ms", **QUICK), r"no answer in time"),
    "TLS on the port": ("speaks_tls", lambda c: {**c.openssl("server", "s_server", "-accept", "8080", "-cert", "/tls.crt",
                                                             "-key", "/tls.key", "-www"), **QUICK}, r"which speaks TLS"),
    "only on loopback": ("only_loopback", env("LISTEN=127.0.0.1", **QUICK), r"listening inside the container: 127\.0\.0\.1:8080;"),
    "another port": ("other_port", env("PORT=3000", **QUICK), r"listening inside the container: .*:3000; asked is port 8080"),
    "no HTTP": ("health_not_http", env("GARBAGE=1", **QUICK), r"not HTTP"),
    "slow start": ("not_listening", env("BOOT_MS=60000", **QUICK), r"listening inside the container: no TCP port"),
    "healthy and then not": ("flapping", env("SICK_AFTER=3", warm_up="4s"), r"as wanted, \d+ x HTTP status 503"),
}


def diagnoses(result, site):
    return [e for e in kit.events(result, site) if e["kind"] == "diagnosis"]


def plain(markdown):
    return html.unescape(re.sub(r"\\(.)", r"\1", markdown))


def run(case, over):
    over = {"tag": None if "image" in over else "v1", **over}  # an image of its own goes without a tag
    stage = case.site.step(**over).start_main()
    if case.during:
        helper = threading.Thread(target=lambda: case.host.exec(case.during, check=False, timeout=30))
        helper.start()
    result = case.site.finish(stage)
    if case.during:
        helper.join()
    return result


@pytest.fixture
def case(site):
    c = Case(site)
    yield c
    c.close()


@pytest.mark.parametrize("name", CASES)
def test_cause_is_named(case, name):
    code, make, evidence = CASES[name]
    result = run(case, make(case))
    assert result.exit_code != 0, result
    found = diagnoses(result, case.site)
    assert [d["code"] for d in found] == [code], found
    d = found[0]
    assert d["cause"] in kit.error_text(result), kit.error_text(result)
    assert d["cause"] in plain(result.summary), result.summary
    assert d["next"] in kit.error_text(result) and d["next"] in plain(result.summary)
    assert d["cause"] in result.shown() and d["next"] in result.shown()
    assert "{" not in d["cause"] + d["next"], "a placeholder was left"
    if evidence:
        assert any(re.search(evidence, line) for line in d["evidence"]), d["evidence"]
        assert re.search(evidence, result.shown()), "the evidence belongs in the log"
    assert len(d["evidence"]) <= 15 and all(len(line) <= 240 for line in d["evidence"])


@pytest.mark.parametrize("strategy", ["handover", "recreate"])
def test_new_version_is_looked_at_wherever_it_is_checked(case, strategy):
    """On the spare port beside the old version, or on the production port: the same cause, and the old one serves."""
    case.site.deploy("v1", strategy=strategy)
    result = run(case, {"tag": "v2", "env": "LISTEN=127.0.0.1", "strategy": strategy, **QUICK})
    found = diagnoses(result, case.site)
    assert [d["code"] for d in found] == ["only_loopback"]
    assert any("container shop-next: running" in line for line in found[0]["evidence"]), found[0]["evidence"]
    case.site.check_serves("v1")


def test_port_that_the_app_really_has_is_named_in_the_cause(case):
    result = run(case, {"env": "PORT=3000", **QUICK})
    assert "the app listens on port 3000, but is asked on port 8080" in kit.error_text(result)


@pytest.mark.parametrize("text,code", [("HEALTH_STATUS=404", "health_path"), ("HEALTH_STATUS=503\nLOG_MB=1", "app_reports_failure")],
                         ids=["an app that answers in its own words", "words of long ago"])
def test_complaint_in_the_log_that_explains_nothing_does_not_count(case, text, code):
    result = run(case, {"env": f"SAY=metrics: connect: Connection refused\n{text}", **QUICK})
    assert [d["code"] for d in diagnoses(result, case.site)] == [code]


def test_last_complaint_in_the_log_counts(case):
    result = run(case, {"env": "SAY=warning: LOG_LEVEL is not set\nREAD=/etc/shop.yml"})
    assert [d["code"] for d in diagnoses(result, case.site)] == ["file_missing"]


def test_a_healthy_app_with_a_complaint_in_its_log_is_not_blamed_for_a_taken_port(case):
    case.site.deploy("v1", env=f"DB={case.bed.gateway()}:1\nHEALTH_STATUS=200", health_status="200,503")
    case.host.run_by_hand("somebody-elses", "v2", 8081)
    result = run(case, {"env": "A=b"})
    assert [d["code"] for d in diagnoses(result, case.site)] == ["spare_port_taken"]


def test_secret_in_a_log_line_is_not_in_the_evidence(case):
    secret = kit.canary("evidence")
    result = run(case, {"env": "EXIT_CODE=3\nEXIT_SAY=" + "x" * 225 + " " + secret, "secret_env": f"TOKEN={secret}"})
    text = json.dumps(diagnoses(result, case.site))
    assert "xxx" in text
    assert secret[:12] not in text and secret[:12] not in result.summary and secret[:12] not in result.shown()


# ---- the page for people lists what the code knows ----

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = "docs/troubleshooting.md"
TEXT = r'"(?:[^"\\]|\\.)*"'


def strings(text, macros):
    """The value of adjacent C string literals, or of a macro that stands for some."""
    text = macros.get(text.strip().rstrip(","), text)
    return "".join(json.loads(literal) for literal in re.findall(TEXT, text))


def rows_of_the_table():
    """code -> (cause, next): of its first row in agent/watch/diagnosis.c, which is the general one where there are several."""
    source = (ROOT / "agent/watch/diagnosis.c").read_text(encoding="utf-8")
    macros = dict(re.findall(rf"^#define (\w+)\s+((?:{TEXT}\s*)+)$", source.replace("\\\n", "\n"), re.M))
    rows = {}
    for block in re.split(r"\{ (?=\.code = )", source)[1:]:
        code = re.match(r'\.code = "(\w+)"', block)[1]
        cause, what = (re.search(rf"\.{name} = ((?:{TEXT}\s*)+|\w+)", block)[1] for name in ("cause", "next"))
        rows.setdefault(code, (strings(cause, macros), strings(what, macros)))
    return rows


def page_rows():
    """The lines that the page must have, in the order of the table."""
    named = {"{port}": "8080", "{found}": "3000", "{status}": "…", "{exit}": "…", "{signal}": "…", "{owner}": "…"}
    out = []
    for code, texts in rows_of_the_table().items():
        cause, what = (re.sub(r"\{\w+\}", lambda m: named[m[0]], t).replace("|", "\\|") for t in texts)
        assert cause and what, code
        out.append(f"| `{code}` | {cause} | {what} |")
    return out


def codes_of_the_table():
    return list(rows_of_the_table())


def test_page_says_what_the_table_of_the_code_says():
    page = (ROOT / PAGE).read_text(encoding="utf-8").split("\n## What status recommends\n")[0]
    there = re.findall(r"^\| `\w+` \|.*$", page, re.M)
    for row in page_rows():
        assert row in there, f"{PAGE} needs this row:\n{row}"
    assert there == page_rows(), "rows that the code does not have, or another order"


def test_page_names_no_code_that_does_not_exist():
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert len(page_rows()) >= 28
    assert set(re.findall(r"\[`(\w+)`\]\(#likely-causes\)", page)) <= set(codes_of_the_table())


# Codes that no row of CASES provokes, each with the reason.
NOT_PROVOKED = {
    "port_taken": "the port would have to be taken between the preflight and the start",
    "image_missing": "what the three registries tested say is always more precise",
    "memory_limit_too_small": "the input's smallest value is one that this engine starts with",
    "privileged_port": "this engine lets every user have ports below 1024",
    "slow_start": "the answers seen always say more",
    "host_clock": "the words are those that tests/e2e/test_aws_calls.py provokes on the runner",
    **dict.fromkeys(["host_role_missing", "host_role_denied", "image_archived", "image_findings"],
                    "needs AWS: tests/e2e/test_aws_ecr.py provokes it"),
}


def test_every_code_is_provoked_or_says_why_not():
    provoked = {code for code, _, _ in CASES.values()}
    assert provoked | set(NOT_PROVOKED) == set(codes_of_the_table())
    assert not provoked & set(NOT_PROVOKED)
    assert len(provoked) >= 25
