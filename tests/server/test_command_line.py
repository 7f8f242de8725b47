"""The command line as a person meets it: exit statuses, and one line that says what to do."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
import trio
import typer
from typer.testing import CliRunner

from domain.roles import Role
from server import cli
from server.config import ConfigurationError
from storage.journal import JournalBroken
from storage.migrations import UnusableDatabase, migrations
from tests.fixtures.node import running_node

ROOT = Path(__file__).parents[2]
PATIENCE = 50
UNAVAILABLE = 69
CONFIG = 78
COMMANDS_OF_A_FOLDER = ["account", "actors", "dead-letters", "backup", "check", "load", "token"]
OPTIONS = {
    "account": ["--business", "pawsome", "--person", "sam"],
    "token": ["carla", "--business", "pawsome"],
}
COMMANDS = sorted(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
del sys.argv[1]
import server.cli
server.cli.main()
"""


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """What was said of the failure: one line, and no traceback."""
        assert "Traceback" not in self.err, self.err
        lines = [line for line in self.err.splitlines() if line.startswith("deskbell: ")]
        assert len(lines) == 1, self.err
        assert lines[0].endswith(".")
        return lines[0]


def environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DESKBELL_")}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | more


def started(*arguments: str, limit: int | None = None, **more: str) -> subprocess.Popen[str]:
    """`deskbell ...` as a process; ``limit``: no file may grow beyond so many bytes."""
    program = ["-m", "server.cli"] if limit is None else ["-c", LIMITED, str(limit)]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(**more),
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(process.returncode, out, err)


def run(*arguments: str, limit: int | None = None, **more: str) -> Ended:
    return ended(started(*arguments, limit=limit, **more))


def called(*arguments: str, **more: str) -> Ended:
    """The same in this process, for what neither serves nor logs."""
    runner = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "100"} | more)
    result = runner.invoke(cli.app, list(arguments))
    return Ended(result.exit_code, result.stdout, result.stderr)


# --- Help and version -----------------------------------------------------------------------------


def test_the_commands_are_those_that_are_documented() -> None:
    documented = "account actors backup check dead-letters demo load release serve token version"
    assert documented.split() == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_explains_each_option(command: str) -> None:
    told = called(command, "--help")
    assert told.status == 0
    click = typer.main.get_command(cli.app).commands[command]  # type: ignore[attr-defined]
    assert click.help
    for parameter in click.params:
        assert getattr(parameter, "help", None), f"{command} {parameter.name}"
        name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.name.upper()
        assert name in told.out or name.lower() in told.out


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_help_shows_what_holds_without_an_option(command: str) -> None:
    told = " ".join(called(command, "--help").out.replace("│", " ").split())
    assert all(f"[default: ({text})]" in told for text in ("./data", "127.0.0.1", "8000"))


def test_help_lists_all_commands_and_nothing_else_is_one() -> None:
    told = called("--help")
    assert told.status == 0
    assert all(command in told.out for command in COMMANDS)
    wrong = called("frobnicate")
    assert wrong.status == 2
    assert "frobnicate" in wrong.err


def test_version_names_this_version_and_sqlites() -> None:
    told = run("version")
    assert (told.status, told.err) == (0, "")
    version = metadata.version("deskbell")
    assert told.out == f"deskbell {version}, SQLite {sqlite3.sqlite_version}\n"
    assert called("--version") == told


# --- A start that cannot be -----------------------------------------------------------------------


def _below_a_file(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("I am a file.")


def _locked_away(folder: Path) -> None:
    (folder / "lock").mkdir(parents=True)


def _a_folder_for_a_database(folder: Path) -> None:
    (folder / "deskbell.db").mkdir(parents=True)


def _a_folder_for_a_key(folder: Path) -> None:
    (folder / "operator.key").mkdir(parents=True)


def _no_database(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "deskbell.db").write_bytes(b"This is no database. " * 100)


def _of_another_program(folder: Path) -> None:
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "deskbell.db")) as connection:
        connection.execute("CREATE TABLE recipes (name)")


def _newer(folder: Path) -> None:
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "deskbell.db")) as connection:
        for _, sql in migrations():
            connection.executescript(sql)
        connection.execute(f"PRAGMA application_id={0x4445534B}")
        connection.execute(f"PRAGMA user_version={migrations()[-1][0] + 1}")
        connection.commit()


UNUSABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "the folder is a file": (_below_a_file, "is a file, not a folder"),
    "the folder cannot be written": (_locked_away, "cannot be written"),
    "the database is a folder": (_a_folder_for_a_database, "cannot be opened"),
    "the key is a folder": (_a_folder_for_a_key, "operator.key"),
    "the database is none": (_no_database, "damaged or not a database"),
    "the database is another's": (_of_another_program, "another program"),
    "the database is newer": (_newer, "newer program"),
}


def test_a_folder_that_cannot_be_used_is_left_as_it_is(tmp_path: Path) -> None:
    starts = []
    for number, (spoil, words) in enumerate(UNUSABLE.values()):
        folder = tmp_path / str(number) / "data"
        spoil(folder)
        database = folder / "deskbell.db"
        before = database.read_bytes() if database.is_file() else None
        starts.append((started("serve", "--data", str(folder), "--port", "0"), words, before))
    for number, (process, words, before) in enumerate(starts):
        told = ended(process)
        assert told.status == UNAVAILABLE, words
        assert words in told.line
        if before is not None:
            assert (tmp_path / str(number) / "data" / "deskbell.db").read_bytes() == before


@pytest.mark.requirement("R22")
def test_a_disk_that_fails_at_the_start_is_told_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """No file may grow beyond a size, tried at many sizes: wherever it hits, it is one line."""
    folder = tmp_path / "data"
    for size in (4096, 34_816, 40_000):
        told = run("demo", "--data", str(folder), "--port", "0", limit=size)
        assert told.status == UNAVAILABLE, (size, told)
        assert told.line
    with serving("demo", "--data", str(folder)) as (port, _):
        assert port
    checked = called("check", str(folder / "deskbell.db"))
    assert checked.status == 0, checked.err


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = run("serve", "--data", str(tmp_path), "--port", port)
    assert told.status == UNAVAILABLE
    assert f"cannot listen on 127.0.0.1:{port}" in told.line
    assert "--port" in told.line


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1", "a..b"])
def test_an_address_that_is_not_this_machines_is_named(host: str, tmp_path: Path) -> None:
    told = run("serve", "--data", str(tmp_path), "--port", "0", "--host", host)
    assert told.status == UNAVAILABLE
    assert f"cannot listen on {host}:0" in told.line
    assert "--host" in told.line
    assert "another port" not in told.line


CONFIGURATIONS: dict[str, tuple[list[str], dict[str, str], str]] = {
    "a file that is not there": (["--config", "missing.toml"], {}, "missing.toml"),
    "a port beyond all ports": (["--port", "65536"], {}, "port"),
    "a wrong variable": ([], {"DESKBELL_LOG_FORMAT": "xml"}, "log_format"),
    "an unknown variable": ([], {"DESKBELL_PROT": "8000"}, "DESKBELL_PROT"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_wrong_configuration_stops_the_start_with_78(name: str, tmp_path: Path) -> None:
    arguments, variables, word = CONFIGURATIONS[name]
    told = called("serve", "--data", str(tmp_path / "data"), *arguments, **variables)
    assert told.status == CONFIG
    assert word in told.line
    assert not (tmp_path / "data").exists()


FAILURES: dict[str, tuple[list[Exception], int, str]] = {
    "one without a text": ([UnusableDatabase("")], UNAVAILABLE, ""),
    "the disk, and what it brought down": (
        [OSError("refused"), JournalBroken("the disk failed"), OSError("reset")],
        UNAVAILABLE,
        "the disk failed. Check the disk",
    ),
    "a group in a group": (
        [ExceptionGroup("", [ConfigurationError("no such port."), OSError("refused")])],
        CONFIG,
        "no such port",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_of_several_failures_the_one_that_explains_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors, status, words = FAILURES[name]

    def fail(_: object) -> None:
        raise ExceptionGroup("", errors)

    monkeypatch.setattr(cli, "configure_logging", lambda *_: None)
    monkeypatch.setattr(cli.trio, "run", fail)
    told = called("serve", "--data", str(tmp_path / "data"))
    assert told.status == status
    assert told.err.startswith(f"deskbell: {words}")
    assert "cannot listen" not in told.err


def test_a_demo_opens_to_others_only_when_told_so(tmp_path: Path) -> None:
    told = called("demo", "--data", str(tmp_path / "data"), "--host", "0.0.0.0")
    assert told.status == CONFIG
    assert "--anyone-may-sign-in" in told.line


async def _found_pawsome(folder: Path) -> None:
    async with running_node(folder) as stage:
        await stage.add_business("pawsome", {"rita": Role.OWNER, "tom": Role.CUSTOMER})


def test_a_demo_leaves_a_real_business_of_its_name_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving("serve", "--data", str(folder)):
        pass
    trio.run(_found_pawsome, folder)
    before = _dump(folder)
    told = run("demo", "--data", str(folder), "--port", "0")
    assert told.status == CONFIG
    assert f"{folder} holds a business pawsome" in told.line
    assert "--data" in told.line
    assert "deskbell serve" in told.line
    assert _dump(folder) == before


def _dump(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "deskbell.db")) as connection:
        return list(connection.iterdump())


# --- A server -------------------------------------------------------------------------------------


def test_what_serves_says_its_address(tmp_path: Path) -> None:
    process = started("serve", "--data", str(tmp_path), "--port", "0")
    assert process.stdout is not None
    line = next(line for line in process.stdout if "listens" in line)
    process.send_signal(signal.SIGTERM)
    assert ended(process).status == 0
    assert re.search(r"http://127\.0\.0\.1:\d+", line)


HOSTS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]", "10.1.2.3": "10.1.2.3"}


@pytest.mark.parametrize("host", HOSTS)
def test_an_address_is_one_that_a_browser_takes(host: str) -> None:
    assert cli.address_of(host, 8000) == f"http://{HOSTS[host]}:8000"


class serving:
    """`deskbell serve` or `demo` for as long as the block lasts: its port and the process."""

    def __init__(self, *arguments: str) -> None:
        self._process = started(*arguments, "--port", "0")

    def __enter__(self) -> tuple[int, subprocess.Popen[str]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(r"listens on port (\d+)|http://[^/]*:(\d+)/", line)
            if found:
                return int(found[1] or found[2]), self._process
        pytest.fail(f"it did not start: {self._process.communicate()[1]}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        told = ended(self._process)
        assert told.status == 0, told.err
        assert "Traceback" not in told.err


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A demo that runs: its folder and its address."""
    folder = tmp_path_factory.mktemp("house") / "data"
    with serving("demo", "--data", str(folder)) as (port, _):
        yield folder, f"http://127.0.0.1:{port}"


def test_a_second_server_on_the_same_folder_refuses(house: tuple[Path, str]) -> None:
    folder, _ = house
    told = run("serve", "--data", str(folder), "--port", "0")
    assert told.status == UNAVAILABLE
    assert f"another Deskbell server is using {folder}" in told.line


def test_the_folder_is_for_its_user_alone(house: tuple[Path, str]) -> None:
    folder, _ = house
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_operators_ask_a_running_server(house: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = house
    at = ["--data", str(folder), "--url", url]
    token = called("token", "carla", "--business", "pawsome", *at)
    assert (token.status, token.err) == (0, "")
    assert re.fullmatch(r"[\w.=-]+\n", token.out)
    for command in ("actors", "dead-letters"):
        assert called(command, *at).status == 0
    copy = tmp_path / "copy.db"
    assert called("backup", str(copy), "--data", str(folder)).status == 0
    assert called("check", str(copy)).status == 0
    again = called("backup", str(copy), "--data", str(folder))
    assert again.status == 1, "a backup overwrites nothing"
    assert str(copy) in again.line
    nowhere = tmp_path / "nowhere" / "copy.db"
    no_folder = called("backup", str(nowhere), "--data", str(folder))
    assert no_folder.status == 1
    assert f"there is no folder {nowhere.parent}" in no_folder.line


NOT_FOUND: dict[str, tuple[list[str], list[str]]] = {
    "a person": (["token", "nobody", "--business", "pawsome"], ["person nobody", "pawsome"]),
    "a business": (["token", "carla", "--business", "nowhere"], ["person carla", "nowhere"]),
    "an account": (["account", "--business", "pawsome", "--person", "max"], ["person max"]),
    "an actor": (["release", "pawsome", "desk", "nothing"], ["desk nothing", "pawsome"]),
    "an actor's business": (["release", "nowhere", "desk", "business"], ["nowhere"]),
}


@pytest.mark.parametrize("name", NOT_FOUND)
def test_operators_are_told_what_was_not_found(name: str, house: tuple[Path, str]) -> None:
    folder, url = house
    arguments, words = NOT_FOUND[name]
    told = called(*arguments, "--data", str(folder), "--url", url)
    assert told.status == 1
    assert all(word in told.line for word in words)
    assert "yours to see" not in told.line


def test_a_kind_that_is_none_is_answered_with_the_kinds(house: tuple[Path, str]) -> None:
    folder, url = house
    told = called("release", "pawsome", "foo", "a", "--data", str(folder), "--url", url)
    assert told.status == 2
    assert all(kind in told.err for kind in ("conversations", "desk", "locations", "presence"))


def test_only_of_another_file_it_is_said_how_to_restore_it(
    house: tuple[Path, str], copy: Path
) -> None:
    folder, _ = house
    for live in (
        called("check", "--data", str(folder)),
        called("check", str(folder / "deskbell.db"), "--data", str(folder)),
    ):
        assert (live.status, live.err) == (0, "")
        assert "no faults" in live.out
        assert "restore" not in live.out
    other = called("check", str(copy), "--data", str(folder))
    assert "To restore, stop the server" in other.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "carla", "--business", "pawsome"],
        ["actors"],
        ["dead-letters"],
        ["release", "pawsome", "desk", "business"],
        ["load", "--seconds", "1"],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_without_a_server_operators_are_told_to_start_one(
    arguments: list[str], house: tuple[Path, str]
) -> None:
    folder, _ = house
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        told = called(*arguments, "--data", str(folder), "--url", url)
    assert told.status == 1
    assert f"no server answers at {url}" in told.line


def test_a_server_that_hangs_up_without_an_answer_is_told(house: tuple[Path, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def hang_up() -> None:
            listening.accept()[0].close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        told = called("actors", "--data", str(house[0]), "--url", url)
        hanging_up.join()
    assert told.status == 1
    assert f"no server answers at {url}" in told.line


@pytest.mark.parametrize("command", COMMANDS_OF_A_FOLDER)
def test_without_a_data_folder_operators_are_told_which(command: str, tmp_path: Path) -> None:
    more = OPTIONS | {"backup": [str(tmp_path / "copy.db")]}
    folder = tmp_path / "nothing"
    told = called(command, *more.get(command, []), "--data", str(folder))
    assert told.status == 1
    assert str(folder) in told.line
    assert not folder.exists()


@pytest.mark.parametrize("command", COMMANDS_OF_A_FOLDER)
def test_a_data_folder_that_is_a_file_is_told(command: str, tmp_path: Path) -> None:
    more = OPTIONS | {"backup": [str(tmp_path / "copy.db")]}
    file = tmp_path / "file"
    file.write_text("I am a file.")
    told = called(command, *more.get(command, []), "--data", str(file))
    assert told.status == 1
    assert f"{file} is a file, not a folder" in told.line


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8000"])
@pytest.mark.parametrize("command", [["token", "carla", "--business", "pawsome"], ["actors"]])
def test_an_address_that_is_none_is_named(
    command: list[str], url: str, house: tuple[Path, str]
) -> None:
    told = called(*command, "--data", str(house[0]), "--url", url)
    assert told.status == 2
    assert told.line.startswith(f"deskbell: --url is {url}; ")


@pytest.mark.parametrize("seconds", ["0", "9", "86401"])
def test_a_wrong_time_of_a_token_names_the_option(seconds: str, house: tuple[Path, str]) -> None:
    folder, url = house
    arguments = ["token", "carla", "--business", "pawsome", "--data", str(folder), "--url", url]
    told = called(*arguments, "--seconds", seconds)
    assert told.status == 2
    assert told.line == f"deskbell: --seconds is {seconds}; it must be 10 to 86400."


# --- Checking files -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copy(house: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("copies") / "whole.db"
    assert called("backup", str(path), "--data", str(house[0])).status == 0
    return path


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(8192))


def _a_hole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("DELETE FROM message WHERE id = (SELECT min(id) + 1 FROM message)")
        connection.commit()


def _replaced(path: Path) -> None:
    path.write_bytes(b"nothing of the kind")


@pytest.mark.parametrize("spoil", [_cut, _overwritten, _a_hole, _replaced])
def test_a_damaged_file_is_found_and_not_touched(
    spoil: Callable[[Path], None], copy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "spoilt.db"
    shutil.copy(copy, path)
    assert called("check", str(path)).status == 0
    spoil(path)
    before = path.read_bytes()
    told = called("check", str(path))
    assert told.status == 1
    assert str(path) in told.line
    assert path.read_bytes() == before


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _a_folder(path: Path) -> None:
    path.mkdir()


def _gone(path: Path) -> None:
    assert not path.exists()


def _of_a_newer_program(path: Path) -> None:
    _newer(path.parent / "newer")
    (path.parent / "newer" / "deskbell.db").rename(path)


NOT_CHECKED: dict[Callable[[Path], None], str] = {
    _emptied: "is empty",
    _replaced: "not a database",
    _a_folder: "is a folder",
    _gone: "there is no file",
    _of_a_newer_program: "newer program",
}


@pytest.mark.parametrize("make", NOT_CHECKED, ids=lambda make: make.__name__)
def test_what_cannot_be_checked_is_told_in_a_sentence(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "deskbell.db"
    make(path)
    for told in (
        called("check", str(path)),
        called("check", "--data", str(tmp_path)),
        called("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path)),
    ):
        assert told.status == 1
        assert (told.out, told.err.count("\n")) == ("", 1)
        assert str(path) in told.line
        assert NOT_CHECKED[make] in told.line
        assert "such table" not in told.line
    assert not (tmp_path / "copy.db").exists()


def test_threads_of_the_process_take_short_turns() -> None:
    """Or whoever asks waits while a reader or the writer goes on (decision 28)."""
    program = """
import sys, server.cli
sys.argv[1:] = ["--version"]
try:
    server.cli.main()
except SystemExit:
    print(sys.getswitchinterval())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(ended.stdout.split()[-1]) == pytest.approx(0.0005)
