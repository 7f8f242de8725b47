"""Whatever is asked, as described or not: an answer that is described, and never a failure."""

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import hypothesis
import pytest
import schemathesis
import trio
from schemathesis import Case, GenerationMode

from domain.roles import Role
from tests.access.policy import HTTP
from tests.fixtures.api import ApiStage, Reply, running_api

EXAMPLES = 6


@dataclass
class Asking:
    """The API, in a thread of its own: hypothesis does not run on trio."""

    api: ApiStage
    token: trio.lowlevel.TrioToken
    stop: trio.Event
    operations: dict[str, Any]

    def key(self, name: str) -> str:
        """A key that may ask for the operation; an owner's, where people ask."""
        may = HTTP[name][0].may
        if "operator" in may:
            return self.api.stage.operator_key
        return self.api.key() if "business" in may else self.api.token("olivia")

    def ask(self, name: str, case: Case) -> Reply:
        """What the API answers to ``case``; it is held to the description on the way."""
        path = case.formatted_path
        if isinstance(case.query, dict) and case.query:
            path += "?" + urlencode(case.query, doseq=True, errors="surrogatepass")
        raw = None
        if isinstance(case.body, bytes):
            raw = case.body
        elif case.media_type:
            raw = json.dumps(case.body).encode()
        key = case.headers.get("Idempotency-Key", "")
        headers = {"Idempotency_Key": key} if key and key.isascii() and key.isprintable() else {}
        return trio.from_thread.run(self._ask, name, path, raw, headers, trio_token=self.token)

    async def _ask(self, name: str, path: str, raw: bytes | None, headers: dict[str, str]) -> Reply:
        method = name.split(maxsplit=1)[0]
        return await self.api.ask(method, path, self.key(name), raw=raw, **headers)


async def serve(folder: Path, started: "queue.SimpleQueue[Asking]") -> None:
    async with running_api(folder) as api:
        await api.stage.add_business("barkley", {"olivia": Role.OWNER})
        document = (await api.ask("GET", "/v1/openapi.json")).json
        schema = schemathesis.openapi.from_dict(document)
        operations = {found.ok().label: found.ok() for found in schema.get_all_operations()}
        stop = trio.Event()
        started.put(Asking(api, trio.lowlevel.current_trio_token(), stop, operations))
        await stop.wait()


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    started: queue.SimpleQueue[Asking] = queue.SimpleQueue()
    folder = tmp_path_factory.mktemp("fuzz")
    thread = threading.Thread(target=trio.run, args=(serve, folder, started))
    thread.start()
    running = started.get(timeout=30)
    yield running
    trio.from_thread.run_sync(running.stop.set, trio_token=running.token)
    thread.join(30)


WRITES_FILES = "POST /v1/operator/backup"
"""Not asked at random: it does as it is told, wherever that is."""
FINE = [(name, GenerationMode.POSITIVE) for name in HTTP if name != WRITES_FILES]
WRONG = [
    (name, GenerationMode.NEGATIVE)
    for name, (ask, *_) in HTTP.items()
    if name not in (WRITES_FILES, "GET /page/{file}")  # of which nothing is malformed
    and ("{" in name or ask.body is not None)
]


@pytest.mark.slow
@pytest.mark.requirement("R29")
@pytest.mark.parametrize(("name", "mode"), FINE + WRONG)
def test_every_answer_is_as_described(asking: Asking, name: str, mode: GenerationMode) -> None:
    statuses = set()

    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=asking.operations[name].as_strategy(generation_mode=mode))
    def try_it(case: Case) -> None:
        reply = asking.ask(name, case)
        assert reply.status < 500
        statuses.add(reply.status)

    try_it()
    assert statuses
