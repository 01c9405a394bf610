"""Fixtures of the end-to-end tests: one test bed for the session, one empty host for each test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from e2e import fakes, kit  # noqa: E402
from e2e.parallel import pytest_runtestloop  # noqa: E402, F401
from testbed import engine, runner  # noqa: E402
from testbed.artifacts import Service  # noqa: E402
from testbed.aws import Aws  # noqa: E402
from testbed.testbed import Testbed  # noqa: E402


@pytest.fixture(scope="session")
def bed():
    if not engine.has_image(runner.ACTION_IMAGE):
        pytest.fail(f"the image {runner.ACTION_IMAGE} is missing: build it first (make image)", pytrace=False)
    with Testbed() as b:
        yield b


@pytest.fixture
def site(bed):
    """The host as after its first boot, and what a workflow would do with it."""
    bed.host.reset()
    s = kit.Site(bed, bed.host)
    yield s
    s.close()


@pytest.fixture(scope="session")
def aws_server(bed):
    server = Aws(bed)
    yield server
    server.close()


@pytest.fixture
def aws(aws_server, site):
    """AWS as new, and the site's host as one of its instances; see testbed.aws."""
    aws_server.reset()
    aws_server.attach(site.host)
    yield aws_server
    aws_server.detach_all()


@pytest.fixture
def listener(bed):
    """Makes servers on this machine; see fakes.Listener."""
    made = []

    def make(**kwargs):
        made.append(fakes.Listener(bed.gateway(), **kwargs))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def database(listener):
    return listener(answer=True)


@pytest.fixture
def new_service(tmp_path):
    """Makes artifact services; see testbed.artifacts."""
    services = []

    def make(ip="127.0.0.1", **kwargs):
        services.append(Service(tmp_path / f"service-{len(services)}", ip, **kwargs))
        return services[-1]
    yield make
    for s in services:
        s.close()
        for blob in s.folder.iterdir():
            blob.unlink()


@pytest.fixture
def near(new_service, site):
    """A service that containers of the test bed reach."""
    return new_service(site.bed.gateway())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last log as GitHub would."""
    report = (yield).get_result()
    s = item.funcargs.get("site") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and s is not None:
        for result in s.results[-3:]:
            report.sections.append((f"{result.stage} (exit code {result.exit_code})", repr(result)))
