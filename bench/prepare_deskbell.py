"""Fills a running Deskbell for the workloads through its own HTTP API and its Python SDK.

    python prepare_deskbell.py fill URL DATA_FOLDER     business, people, conversations, messages
    python prepare_deskbell.py tokens URL DATA_FOLDER   a token for everybody, valid for a day

`fill` keeps the business's API key in bench.key, `tokens` writes bench-tokens.json: a map of person
to token; both into the data folder. Needs the SDK (clients/python) and its libraries.
"""

import http.client
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trio
from servers.roster import ARCHIVED, IDLE, MEMBERS, PAIRS, TEXT

import deskbell_client

BUSINESS = "bench"
ROOM = "room"
ARCHIVE = "archive"
READER = "author0"
KEY_FILE = "bench.key"
TOKENS_FILE = "bench-tokens.json"
DAY_SECONDS = 86_400
SENDERS = 500  # as many sends in flight as servers/deskbell.py allows while it prepares


def pair_id(pair: int) -> str:
    """The conversation of a pair."""
    return f"pair-{pair}"


def people() -> Iterator[tuple[str, str]]:
    """(id, role) of everybody: an owner, who is never connected while something is measured."""
    yield "owner", "owner"
    for pair in range(PAIRS):
        yield f"author{pair}", "staff"
        yield f"recipient{pair}", "customer"
    yield from ((f"member{n}", "customer") for n in range(1, MEMBERS))
    yield from ((f"idle{n}", "customer") for n in range(IDLE))


class Api:
    """The HTTP API over one kept connection."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, path: str, body: dict[str, object]) -> dict[str, str]:
        """One request; its answer. Raises RuntimeError when the server refuses."""
        return self._ask("POST", path, json.dumps(body), {})

    def is_indexed(self) -> bool:
        """Whether the index of words has everything, but for a few of the last."""
        path = f"/v1/search?q={TEXT[:1]}"
        return not self._ask("GET", path, None, {"Deskbell-Person": "owner"})["behind"]

    def _ask(self, method: str, path: str, body: str | None, more: dict[str, str]) -> Any:
        self._connection.request(method, path, body, self._headers | more)
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer}")
        return answer


def fill(url: str, folder: Path) -> None:
    """Make everything that lasts."""
    operator = Api(url, (folder / "operator.key").read_text().strip())
    key = operator.post("/v1/businesses", {"id": BUSINESS, "name": "Bench"})["api_key"]
    (folder / KEY_FILE).write_text(key)
    api = Api(url, key)
    for person, role in people():
        api.post("/v1/people", {"id": person, "name": person, "role": role, "locations": ["main"]})
    trio.run(_talk, url, _token(api, "owner"), _token(api, READER))
    while not api.is_indexed():  # it would be done while something is measured
        time.sleep(1)


async def _talk(url: str, owner: str, reader: str) -> None:
    address = url.replace("http", "ws", 1)
    async with deskbell_client.connect(address, token=owner, device="bench") as desk:
        for pair in range(PAIRS):
            names = (f"author{pair}", f"recipient{pair}")
            await desk.create_group(names, conversation=pair_id(pair))
        room = [READER, *(f"member{n}" for n in range(1, MEMBERS))]
        await desk.create_group(room, conversation=ROOM)
        await desk.create_group([READER, "recipient0"], conversation=ARCHIVE)
    options = deskbell_client.Options(window=SENDERS, window_per_conversation=SENDERS)
    async with (
        deskbell_client.connect(address, token=reader, device="bench", options=options) as desk,
        trio.open_nursery() as nursery,
    ):
        for _ in range(SENDERS):
            nursery.start_soon(_say, desk, ARCHIVED // SENDERS)


async def _say(desk: deskbell_client.Desk, count: int) -> None:
    for _ in range(count):
        await desk.send(ARCHIVE, TEXT)


def make_tokens(url: str, folder: Path) -> None:
    """Write a token for everybody."""
    api = Api(url, (folder / KEY_FILE).read_text())
    tokens = {person: _token(api, person) for person, _ in people()}
    (folder / TOKENS_FILE).write_text(json.dumps(tokens))


def _token(api: Api, person: str) -> str:
    return api.post("/v1/tokens", {"person": person, "ttl_seconds": DAY_SECONDS})["token"]


def main() -> None:
    """The command line."""
    step, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    {"fill": fill, "tokens": make_tokens}[step](url, folder)


if __name__ == "__main__":
    main()
