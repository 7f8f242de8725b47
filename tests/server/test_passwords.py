"""Hashing: bounded, alike for everybody, and of whatever people type."""

import threading
from types import SimpleNamespace

import pytest
import trio
from argon2 import PasswordHasher

from domain.refusal import Code, Refusal
from server import passwords
from server.passwords import HASHER, NOBODYS_HASH, THREADS, WAITING, Passwords
from server.user_agent import UNKNOWN, device_name

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_password_fits_its_hash_and_no_other() -> None:
    checked = Passwords(CHEAP)
    hashed = await checked.hash("a walk in the rain")
    assert isinstance(hashed, str)
    assert hashed.startswith("$argon2id$")
    assert await checked.matches("a walk in the rain", hashed) is True
    assert await checked.matches("A walk in the rain", hashed) is False
    assert await checked.matches("a walk in the rain", "") is False
    assert await checked.matches("", "") is False
    assert await checked.matches("a walk in the rain", "rubbish") is False


@pytest.mark.parametrize("password", ["null\x00one", "x" * 200, "🐕" * 50, " " * 10])
async def test_every_character_counts(password: str) -> None:
    checked = Passwords(CHEAP)
    hashed = await checked.hash(password)
    assert isinstance(hashed, str)
    assert await checked.matches(password, hashed) is True
    assert await checked.matches(password[:-1], hashed) is False
    assert await checked.matches(password + "x", hashed) is False


async def test_a_password_is_the_same_however_it_is_encoded() -> None:
    checked = Passwords(CHEAP)
    hashed = await checked.hash("caf\u00e9 und kuchen")
    assert isinstance(hashed, str)
    assert await checked.matches("cafe\u0301 und kuchen", hashed) is True


def test_the_hash_of_nobody_costs_what_any_costs() -> None:
    assert not HASHER.check_needs_rehash(NOBODYS_HASH)
    assert (HASHER.memory_cost, HASHER.time_cost, HASHER.parallelism) == (19_456, 2, 1)


async def test_an_old_hash_is_known_by_its_parameters() -> None:
    hashed = await Passwords(CHEAP).hash("a walk in the rain")
    assert isinstance(hashed, str)
    assert Passwords().is_old(hashed)
    assert not Passwords(CHEAP).is_old(hashed)


async def test_bounds_of_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many at a time, so many wait, and the rest is refused at once."""
    monkeypatch.setattr(passwords, "WAITING", 3)
    go, working, most = threading.Event(), [0], [0]

    def slow(_: str) -> str:
        working[0] += 1
        most[0] = max(most[0], working[0])
        go.wait(10)
        working[0] -= 1
        return "hash"

    crowded = Passwords(SimpleNamespace(hash=slow))  # type: ignore[arg-type]
    answers: list[str | Refusal] = []

    async def one() -> None:
        answers.append(await crowded.hash("x" * 10))

    async with trio.open_nursery() as nursery:
        for _ in range(THREADS + 3):
            nursery.start_soon(one)
        with trio.fail_after(10):
            while crowded._threads.statistics().tasks_waiting < 3 or working[0] < THREADS:
                await trio.lowlevel.checkpoint()
            await one()
        assert isinstance(answers[0], Refusal)
        assert answers[0].code is Code.OVERLOADED
        go.set()
    assert most[0] == THREADS
    assert [each for each in answers if each == "hash"] == ["hash"] * (THREADS + 3)
    assert WAITING == 32


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, name: str) -> None:
    assert device_name(agent) == name
