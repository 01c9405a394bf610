"""`command: logs` and `command: bundle`: what an app writes, what a deployment did, and an earlier deployment's bundle."""

from e2e import kit


def logs(site, **over):
    return site.run(command="logs", **over)


def app_lines(result):
    return [line.partition("|")[2].strip() for line in result.log.shown if line.startswith("app |")]


def test_both_versions_logs(site):
    site.deploy("v1")
    site.deploy("v2")
    result = logs(site)
    assert result.exit_code == 0, result
    assert app_lines(result) == ["app v2 starting", "app v2 listening"]
    assert app_lines(logs(site, of="green"))[:2] == ["app v1 starting", "app v1 listening"]
    assert app_lines(logs(site, lines="1")) == ["app v2 listening"]
    assert app_lines(logs(site, since="2099-01-01T00:00:00Z")) == []


def test_the_log_of_a_deployment(site):
    site.deploy("v1")
    failed = site.run("exits").outputs["deployment-id"]
    result = logs(site, of=failed)
    assert result.exit_code == 0, result
    assert "missing environment variable" in result.shown()
    assert any("warm_up" in line or "Boot and check" in line for line in app_lines(result))


def test_secrets_in_a_log_are_hidden_by_the_host_itself(site):
    secret = kit.canary("said")
    site.deploy("v1", secret_env=f"SAY={secret}")
    result = logs(site, secret_env=None)
    assert result.exit_code == 0, result
    assert "***" in app_lines(result) and secret not in result.text


def test_what_a_container_prints_is_no_command(site):
    site.deploy("v1", env="SAY=::error::hello\x1b[2J##[add-mask]x")
    result = logs(site)  # kit looks for commands that got through
    assert result.exit_code == 0 and "\x1b" not in result.text, result


def test_what_is_not_there_has_its_own_exit_code(site):
    site.deploy("v1")
    before = site.host.snapshot()
    for of in ("green", "20200101-000000-abcdef"):
        result = logs(site, of=of)
        assert result.exit_code == kit.EXIT["not_found"], result
    assert site.host.snapshot() == before


def test_on_a_host_that_knows_nothing_of_the_app(site):
    assert logs(site).exit_code == kit.EXIT["not_found"]


def test_the_bundle_of_an_earlier_deployment(site):
    first = site.deploy("v1").outputs["deployment-id"]
    site.deploy("v2")
    result = site.run(command="bundle", of=first)
    assert (result.exit_code, result.outputs["outcome"]) == (0, "reported"), result
    files = kit.bundle(result, site)
    assert first in result.outputs["bundle-path"]
    assert f'"deployment":"{first}"'.encode() in b"".join(files.values()).replace(b'": "', b'":"') or any(
        b"v1" in data for name, data in files.items() if "metrics" in name)
    assert kit.metrics(result, site)["deployment_id"] == first


def test_the_bundle_of_a_deployment_that_nobody_knows_fails(site):
    site.deploy("v1")
    result = site.run(command="bundle", of="20200101-000000-abcdef")
    assert result.exit_code == kit.EXIT["not_found"], result


def test_bundle_wants_an_id(site):
    assert site.run(command="bundle").exit_code == kit.EXIT["input"]
