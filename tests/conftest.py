"""What all tests share: how hypothesis searches, who runs alone, artefacts, no skips in CI."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import hypothesis
import pytest
from werkzeug.routing import Rule

from tests.fixtures.collected import COLLECTED

CI: Final = bool(os.environ.get("CI"))

# A busy machine is no finding: no deadline, and slow generation is not an error. CI searches the
# same examples every time, so that a red run is about the change; at a desk each run searches new
# ones.
_ANY_SPEED: Final = (hypothesis.HealthCheck.too_slow,)
hypothesis.settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=_ANY_SPEED
)
hypothesis.settings.register_profile("dev", deadline=None, suppress_health_check=_ANY_SPEED)
hypothesis.settings.load_profile("ci" if CI else "dev")


def _no_url(*_: object, **__: object) -> tuple[str, str]:
    raise AssertionError("no URL is built from a route")


@pytest.fixture(scope="session", autouse=True)
def no_url_builders() -> Iterator[None]:
    """Routes compile no code that builds their URLs, which nobody uses: an app is made faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", lambda *_, **__: _no_url)
        yield


@pytest.fixture
def artefacts(request: pytest.FixtureRequest) -> Path:
    """A folder that outlives the run, ignored by git: screenshots, traces, logs of a failure."""
    folder = request.config.rootpath / ".artefacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser for tests marked `browser`."""
    path = os.environ.get("DESKBELL_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.fail("no chromium: apt-get install chromium, or set DESKBELL_CHROMIUM to its path")
    return path


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what was found, for the test that none is forgotten."""
    config.stash[COLLECTED] = frozenset(item.nodeid.partition("[")[0] for item in items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Outermost, so that waiting for one's turn does not count against a test's timeout."""
    with _turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextmanager
def _turn(*, alone: bool) -> Iterator[None]:
    """Hold the machine, shared with the other workers' tests or alone.

    The gate keeps a test that waits to be alone from being overtaken for ever: while it holds the
    gate, no other test starts.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        yield
        return
    locks = Path(tempfile.gettempdir())
    with (
        (locks / f"deskbell-{run}-gate").open("w") as gate,
        (locks / f"deskbell-{run}-machine").open("w") as machine,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run: nobody reads a skip, so it proves nothing."""
    if CI and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if CI and (skipped := _skipped(config)):
        terminalreporter.write_line(f"{skipped} skipped: CI allows none", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller takes away the lock files of its workers."""
    if run := getattr(config.pluginmanager.get_plugin("dsession"), "nodemanager", None):
        for lock in Path(tempfile.gettempdir()).glob(f"deskbell-{run.testrunuid}-*"):
            lock.unlink(missing_ok=True)


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0
