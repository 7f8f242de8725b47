"""`deskbell load`: it ends whatever the server does, and refuses what it cannot do."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import trio

from server import load
from tests.server.test_command_line import Ended, called, ended, serving, started

USAGE = 2


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A server that runs: its folder and its address."""
    folder = tmp_path_factory.mktemp("house") / "data"
    with serving("serve", "--data", str(folder)) as (port, _):
        yield folder, f"http://127.0.0.1:{port}"


def loaded(house: tuple[Path, str], *arguments: str, **more: str) -> Ended:
    folder, url = house
    return called("load", "--data", str(folder), "--url", url, *arguments, **more)


def businesses(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "deskbell.db")) as connection:
        return [name for (name,) in connection.execute("SELECT id FROM business")]


def test_a_load_tells_what_was_stored_and_delivered_and_shows_its_preparation(
    house: tuple[Path, str],
) -> None:
    told = loaded(house, "--seconds", "0.5", "--json", "--pid", str(os.getpid()), FORCE_COLOR="1")
    assert told.status == 0, told.err
    result = msgspec.json.decode(told.out, type=load.LoadResult)
    assert result.acks > 0
    assert result.deliveries == 2 * result.acks
    assert (result.errors, result.unanswered, result.missing) == (0, 0, 0)
    assert result.us_per_message is not None
    for stage in ("preparing", "connecting"):
        assert stage in told.err
    assert any(name.startswith("load-") for name in businesses(house[0]))


def test_a_slow_rate_does_not_outlast_the_seconds(house: tuple[Path, str]) -> None:
    told = loaded(house, "--seconds", "0.2", "--rate", "0.01", "--conversations", "2", "--json")
    assert told.status == 0, told.err
    assert msgspec.json.decode(told.out, type=load.LoadResult).seconds < 5


def test_rate_0_is_as_many_as_are_answered(house: tuple[Path, str]) -> None:
    told = loaded(house, "--seconds", "1", "--rate", "0", "--conversations", "1", "--json")
    assert told.status == 0, told.err
    assert msgspec.json.decode(told.out, type=load.LoadResult).acks > 10


# --- A server that dies ---------------------------------------------------------------------------


def test_a_server_that_dies_under_load_is_told_as_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started("serve", "--data", str(tmp_path / "data"), "--port", "0")
    assert server.stdout is not None
    port = server.stdout.readline().partition("port ")[2].partition(".")[0]
    talk = load._talk

    async def talk_until_it_dies(rooms: object, plan: object, tally: load._Tally) -> None:
        async def kill() -> None:
            while len(tally.ack_seconds) < 5:  # noqa: ASYNC110 - the authors move it
                await trio.sleep(0.01)
            server.kill()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(kill)
            await talk(rooms, plan, tally)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "_talk", talk_until_it_dies)
    monkeypatch.setattr(load, "SILENCE_SECONDS", 1.0)
    house = tmp_path / "data", f"http://127.0.0.1:{port}"
    told = loaded(house, "--seconds", "1", "--pid", str(server.pid))
    ended(server)
    assert told.status == 1
    assert "stored" in told.out
    assert "sends had no answer" in told.out
    assert "errors 0" not in told.out
    assert "Traceback" not in told.err


class Silent:
    """The desk of a server that has died: what is asked of it is never answered."""

    async def send(self, conversation: str, text: str) -> None:
        await trio.sleep_forever()


def plan(**changed: float) -> load.LoadPlan:
    return load.LoadPlan(1, 2, 100.0, 6.0, 8, None, True, **changed)  # type: ignore[arg-type]


async def test_the_wait_for_answers_ends_ten_seconds_after_the_end(autojump_clock: object) -> None:
    room = load._Room("room", ["a", "b"], [Silent(), Silent()])  # type: ignore[list-item]
    tally = load._Tally()
    began = trio.current_time()
    await load._talk([room], plan(), tally)
    assert 16 <= trio.current_time() - began < 17
    assert tally.unanswered == 2
    result = load._result([room], tally, 6.0, None)
    assert (result.errors, result.unanswered) == (2, 2)


async def test_a_sign_of_life_prolongs_the_wait(autojump_clock: object) -> None:
    room = load._Room("room", ["a", "b"], [Silent(), Silent()])  # type: ignore[list-item]
    tally = load._Tally()
    began = trio.current_time()

    async def live() -> None:
        await trio.sleep(12)
        tally.heard_at = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live)
        await load._talk([room], plan(), tally)
    assert 22 <= trio.current_time() - began < 23


def test_a_member_who_cannot_connect_ends_the_load_with_a_sentence(
    house: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CONNECT_SECONDS", 0.0)
    told = loaded(house, "--seconds", "1", "--conversations", "1")
    assert told.status == 1
    assert "p0-0 cannot connect" in told.line


# --- What is refused ------------------------------------------------------------------------------

REFUSED = {
    "--pid": ("999999999",),
    "--rate": ("nan", "inf", "-1"),
    "--seconds": ("nan", "inf", "0", "-1"),
    "--conversations": ("0", "-1", "100001"),
    "--members": ("1", "129"),
    "--window": ("0",),
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in REFUSED.items() for value in values]
)
def test_what_cannot_be_done_is_refused_before_anything_is_created(
    option: str, value: str, house: tuple[Path, str]
) -> None:
    before = businesses(house[0])
    told = loaded(house, option, value)
    assert told.status == USAGE
    assert option in told.line
    assert value.lstrip("-") in told.line
    assert businesses(house[0]) == before


def test_the_help_says_that_a_business_stays() -> None:
    told = called("load", "--help")
    assert "load-" in told.out
    assert "scratch" in told.out
