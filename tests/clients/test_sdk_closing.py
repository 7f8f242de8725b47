"""What follows the end of a connection: the page's table, and jitter."""

import random
import re
from pathlib import Path

import pytest

from deskbell_client import closing
from deskbell_client.closing import Next

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def page_table() -> dict[int, str]:
    """Code and what the client does, from the table of the page's section 10."""
    section = PAGE.split("## 10. Close codes", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (\d{4}) \|.*\| ([^|]+) \|$", section, re.MULTILINE)
    return {int(code): what for code, what in rows}


def test_the_table_is_that_of_the_page() -> None:
    words = {Next.STOP: "stops", Next.RECONNECT: "reconnects", Next.NEW_TOKEN: "gets a new token"}
    page = page_table()

    assert list(closing.CLOSE_CODES) == list(page)
    for code, after in closing.CLOSE_CODES.items():
        assert page[code].startswith(words[after]), code


@pytest.mark.parametrize(
    ("code", "after"),
    [
        (4499, Next.RECONNECT),
        (4526, Next.STOP),
        (4999, Next.STOP),
        (1012, Next.RECONNECT),
        (1013, Next.RECONNECT),
        (3000, Next.RECONNECT),
    ],
)
def test_a_code_that_the_page_does_not_name(code: int, after: Next) -> None:
    assert closing.after(code) is after


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (400, Next.STOP),
        (403, Next.STOP),
        (404, Next.STOP),
        (408, Next.RECONNECT),
        (429, Next.RECONNECT),
        (500, Next.RECONNECT),
        (502, Next.RECONNECT),
        (503, Next.RECONNECT),
        (200, Next.RECONNECT),
        (302, Next.RECONNECT),
    ],
)
def test_an_http_answer_in_place_of_an_upgrade(status: int, after: Next) -> None:
    assert closing.after(status) is after


@pytest.mark.requirement("R08")
@pytest.mark.parametrize("tries", range(12))
def test_full_jitter_lies_between_nothing_and_a_doubling_bound(tries: int) -> None:
    bound = min(60.0, 1.0 * 2**tries)
    source = random.Random(tries)
    waits = [closing.patience(tries, None, source.random) for _ in range(500)]

    assert all(0 <= wait < bound for wait in waits)
    assert min(waits) < bound * 0.05
    assert max(waits) > bound * 0.95


def test_the_bound_stays_a_minute_for_ever() -> None:
    assert closing.patience(10**6, None, lambda: 1.0) == 60.0


def test_what_the_server_asked_for_goes_before_jitter() -> None:
    assert closing.patience(3, 2.5, lambda: 0.9) == 2.5
    assert closing.patience(3, 0.0, lambda: 0.9) == 0.0
    assert closing.patience(0, 1e9, lambda: 0.9) == closing.RETRY_AFTER_CAP


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        ("retry_after=7", 7.0),
        ("restart retry_after=0.25", 0.25),
        ("too many; retry_after=30.", 30.0),
        ("restart", None),
        ("", None),
        ("retry_after=soon", None),
        ("no_retry_after=5", None),
        ("retry_after=-5", None),
    ],
)
def test_seconds_in_a_close_reason(reason: str, seconds: float | None) -> None:
    assert closing.asked_by_reason(reason) == seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), (" 3 ", 3.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)],
)
def test_seconds_in_a_header(header: str, seconds: float | None) -> None:
    assert closing.asked_by_header(header) == seconds
