"""Guessing takes longer and longer, and what is known of those who guess is bounded."""

from dataclasses import dataclass

import pytest

from domain.refusal import Code
from server import guesses
from server.guesses import FORGOTTEN_AFTER, LONGEST_WAIT, Guesses, network_of


@dataclass
class Time:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def wait(guesses: Guesses, key: str = "sam") -> float:
    refusal = guesses.refusal(key)
    if refusal is None:
        return 0.0
    assert refusal.code is Code.RATE_LIMITED
    return refusal.retry_after


def test_the_first_failures_are_free_then_each_doubles_the_wait(time: Time) -> None:
    tried = Guesses(5, time)
    for _ in range(5):
        assert wait(tried) == 0
        tried.attempt("sam")
    waits = []
    for _ in range(14):
        tried.attempt("sam")
        waits.append(wait(tried))
        assert wait(tried, "olivia") == 0
        time.now += waits[-1]
        assert wait(tried) == 0
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST_WAIT


def test_many_who_try_at_once_are_counted_before_they_fail(time: Time) -> None:
    tried = Guesses(2, time)
    for _ in range(3):
        tried.attempt("sam")
    assert wait(tried) == 1


def test_who_succeeds_begins_anew_and_an_address_gets_its_attempt_back(time: Time) -> None:
    tried = Guesses(2, time)
    for _ in range(3):
        tried.attempt("sam")
    tried.forgive("sam")
    assert wait(tried) == 0
    for _ in range(20):
        tried.attempt("office")
        tried.take_back("office")
    assert wait(tried, "office") == 0
    tried.take_back("nobody")


def test_after_an_hour_all_is_forgotten(time: Time) -> None:
    tried = Guesses(2, time)
    for _ in range(12):
        tried.attempt("sam")
    time.now += FORGOTTEN_AFTER + 1
    tried.attempt("sam")
    assert wait(tried) == 0


def test_bounds_of_what_is_remembered(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "REMEMBERED", 10)
    tried = Guesses(0, time)
    for number in range(100):
        tried.attempt(str(number))
    assert len(tried) == 10
    assert wait(tried, "0") == 0
    assert wait(tried, "99") == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("<local>", "<local>"),
        ("", ""),
    ],
)
def test_a_household_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network
