"""Load: puts people into a business of their own and checks what they receive while they talk.

Everything goes through the public doors: HTTP to set up, the Python SDK to talk. Each receiver
checks the seqs it is shown: order, duplicates, and at the end that none is missing.
"""

import math
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import trio
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import deskbell_client
from deskbell_client import Desk, Message, Options, Refused
from deskbell_client.events import Connected
from server.operating import OperatingError, operator_key, request

SETTLE_SECONDS = 15.0
"""After the last send, deliveries may take this long to arrive before they count as missing."""


@dataclass(frozen=True)
class LoadPlan:
    """What to do: counts, messages a second in all (0: no limit), seconds, sends under way."""

    conversations: int
    members: int
    rate: float
    seconds: float
    window: int
    pid: int | None
    as_json: bool


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Latencies are milliseconds; ``us_per_message``: server CPU, if known."""

    seconds: float
    acks: int
    deliveries: int
    acks_per_second: float
    deliveries_per_second: float
    ack_p50_ms: float
    ack_p95_ms: float
    ack_p99_ms: float
    delivery_p50_ms: float
    delivery_p95_ms: float
    delivery_p99_ms: float
    errors: int
    missing: int
    gaps: int
    duplicates: int
    out_of_order: int
    us_per_message: float | None


@dataclass
class _Room:
    """One conversation: its members' names and connections, and what has been acknowledged."""

    id: str
    people: list[str]
    desks: list[Desk] = field(default_factory=list)
    seqs: list[set[int]] = field(default_factory=list)  # what each desk knows of
    acknowledged: int = 0

    def gaps(self) -> int:
        """Seqs that one of the desks should know of and does not."""
        known = [seqs for seqs in self.seqs if seqs]
        return sum(max(seqs) - min(seqs) + 1 - len(seqs) for seqs in known)


@dataclass
class _Tally:
    """What happens while the load runs."""

    sent_at: dict[str, float] = field(default_factory=dict)
    ack_seconds: list[float] = field(default_factory=list)
    delivery_seconds: list[float] = field(default_factory=list)
    errors: int = 0
    duplicates: int = 0
    out_of_order: int = 0


def run_load(url: str, data_dir: Path, plan: LoadPlan) -> None:
    """Run ``plan`` against the server at ``url``; exits with 1 if the server broke a promise."""
    if plan.members < 2 or plan.conversations < 1 or plan.window < 1:
        raise OperatingError("a conversation needs two members, and a window of at least 1.")
    result = trio.run(partial(_run, url, operator_key(str(data_dir)), plan))
    if plan.as_json:
        typer.echo(msgspec.json.encode(result))
    else:
        _show(result)
    broken = result.missing + result.gaps + result.duplicates + result.out_of_order
    if result.errors or broken:
        sys.exit(1)


async def _run(url: str, operator: str, plan: LoadPlan) -> LoadResult:
    rooms, tokens = await trio.to_thread.run_sync(_prepare, url, operator, plan)
    tally = _Tally()
    address = url.replace("http", "ws", 1) + "/v1/ws"
    async with trio.open_nursery() as nursery:
        for room in rooms:
            for person in room.people:
                await nursery.start(_member, room, person, address, tokens[person], plan, tally)
        before, began = _cpu_seconds(plan.pid), trio.current_time()
        await _talk(rooms, plan, tally)
        seconds = trio.current_time() - began
        await _settle(rooms, tally)
        after = _cpu_seconds(plan.pid)
        nursery.cancel_scope.cancel()
    cpu = None if before is None or after is None else after - before
    return _result(rooms, tally, seconds, cpu)


def _prepare(url: str, operator: str, plan: LoadPlan) -> tuple[list[_Room], dict[str, str]]:
    """A business with people, conversations and tokens, made through the HTTP API."""
    business = f"load-{secrets.token_hex(4)}"
    made = request("POST", f"{url}/v1/businesses", operator, {"id": business, "name": "Load"})
    key = str(made["api_key"])
    call = partial(_call, url, key)
    call("people", {"id": "owner", "name": "Owner", "role": "owner"})
    rooms, tokens = [], {}
    for number in range(plan.conversations):
        people = [f"p{number}-{member}" for member in range(plan.members)]
        for index, person in enumerate(people):
            role = "staff" if index == 0 else "customer"
            call("people", {"id": person, "name": person, "role": role})
            tokens[person] = str(call("tokens", {"person": person})["token"])
        room = _Room(f"room-{number}", people)
        body = {"id": room.id, "kind": "group", "people": people[1:]}
        call("conversations", body, people[0])
        rooms.append(room)
    return rooms, tokens


def _call(url: str, key: str, resource: str, body: object, person: str = "") -> dict[str, object]:
    return request("POST", f"{url}/v1/{resource}", key, body, person)


async def _talk(rooms: list[_Room], plan: LoadPlan, tally: _Tally) -> None:
    """Send round and round until time is up; every member is an author in turn."""
    ends = trio.current_time() + plan.seconds
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    task = progress.add_task("talking", total=plan.seconds)
    pace = 1 / plan.rate * len(rooms) if plan.rate else 0.0
    with progress:
        async with trio.open_nursery() as nursery:
            for room in rooms:
                for author in range(min(plan.window, len(room.desks))):
                    lanes = min(plan.window, len(room.desks))
                    nursery.start_soon(_author, room, author, lanes, pace * lanes, ends, tally)
            while (left := ends - trio.current_time()) > 0:
                progress.update(
                    task,
                    completed=plan.seconds - left,
                    description=f"{len(tally.ack_seconds)} stored",
                )
                await trio.sleep(min(0.2, left))
        progress.update(task, completed=plan.seconds)


async def _author(
    room: _Room, lane: int, lanes: int, pace: float, ends: float, tally: _Tally
) -> None:
    """One lane of a conversation: sends, waits for the ack, keeps the pace."""
    due = trio.current_time() + pace * lane / lanes
    turn = lane
    while trio.current_time() < ends:
        if pace:
            await trio.sleep_until(due)
            due = max(due + pace, trio.current_time() - pace)
        index = turn % len(room.desks)
        turn += lanes
        text = f"load {room.id} {secrets.token_hex(8)}"
        tally.sent_at[text] = began = time.perf_counter()
        try:
            ack = await room.desks[index].send(room.id, text)
        except Refused:
            tally.errors += 1
            del tally.sent_at[text]
            continue
        tally.ack_seconds.append(time.perf_counter() - began)
        room.seqs[index].add(ack.seq)
        room.acknowledged += 1


async def _member(
    room: _Room,
    person: str,
    address: str,
    token: str,
    plan: LoadPlan,
    tally: _Tally,
    task_status: trio.TaskStatus[None],
) -> None:
    """Connect one member and check what they are shown, until cancelled."""
    options = Options(window=plan.window, window_per_conversation=plan.window)
    device = f"load-{person}"
    async with deskbell_client.connect(
        address, token=token, device=device, options=options
    ) as desk:
        seqs: set[int] = set()
        room.desks.append(desk)
        room.seqs.append(seqs)
        async for event in desk.events():
            if isinstance(event, Connected):
                break
        task_status.started()
        await _receive(desk, seqs, tally)


async def _receive(desk: Desk, seqs: set[int], tally: _Tally) -> None:
    """Check what one member is shown: one conversation, rising seqs, nothing twice."""
    newest = 0
    async for event in desk.events():
        if not isinstance(event, Message):
            continue
        if event.seq <= newest:
            tally.duplicates += event.seq == newest
            tally.out_of_order += event.seq < newest
            continue
        newest = event.seq
        seqs.add(event.seq)
        sent_at = tally.sent_at.get(event.text)
        if sent_at is not None:
            tally.delivery_seconds.append(time.perf_counter() - sent_at)


async def _settle(rooms: list[_Room], tally: _Tally) -> None:
    """Wait for what is still on its way."""
    expected = _expected(rooms)
    with trio.move_on_after(SETTLE_SECONDS):
        while len(tally.delivery_seconds) < expected:  # noqa: ASYNC110 - receivers move it
            await trio.sleep(0.05)


def _expected(rooms: list[_Room]) -> int:
    return sum(room.acknowledged * (len(room.desks) - 1) for room in rooms)


def _result(rooms: list[_Room], tally: _Tally, seconds: float, cpu: float | None) -> LoadResult:
    acks, deliveries = len(tally.ack_seconds), len(tally.delivery_seconds)
    of_acks = partial(_percentile, sorted(tally.ack_seconds))
    of_deliveries: Callable[[float], float] = partial(_percentile, sorted(tally.delivery_seconds))
    return LoadResult(
        seconds=round(seconds, 2),
        acks=acks,
        deliveries=deliveries,
        acks_per_second=round(acks / seconds, 1),
        deliveries_per_second=round(deliveries / seconds, 1),
        ack_p50_ms=of_acks(0.5),
        ack_p95_ms=of_acks(0.95),
        ack_p99_ms=of_acks(0.99),
        delivery_p50_ms=of_deliveries(0.5),
        delivery_p95_ms=of_deliveries(0.95),
        delivery_p99_ms=of_deliveries(0.99),
        errors=tally.errors,
        missing=max(0, _expected(rooms) - deliveries),
        gaps=sum(room.gaps() for room in rooms),
        duplicates=tally.duplicates,
        out_of_order=tally.out_of_order,
        us_per_message=round(cpu * 1e6 / acks, 1) if cpu is not None and acks else None,
    )


def _percentile(ascending: list[float], share: float) -> float:
    """Milliseconds at ``share`` of the values (nearest rank), 0 if there are none."""
    if not ascending:
        return 0.0
    return round(ascending[max(0, math.ceil(share * len(ascending)) - 1)] * 1000, 2)


def _cpu_seconds(pid: int | None) -> float | None:
    """User and system time of a process so far; ``None`` where it cannot be known."""
    if pid is None:
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError as error:
        raise OperatingError(f"there is no process {pid} to measure ({error.strerror}).") from error
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(result: LoadResult) -> None:
    table = Table("", "per second", "p50 ms", "p95 ms", "p99 ms", box=None)
    table.add_row(
        f"{result.acks} stored",
        f"{result.acks_per_second:.0f}",
        f"{result.ack_p50_ms:.1f}",
        f"{result.ack_p95_ms:.1f}",
        f"{result.ack_p99_ms:.1f}",
    )
    table.add_row(
        f"{result.deliveries} delivered",
        f"{result.deliveries_per_second:.0f}",
        f"{result.delivery_p50_ms:.1f}",
        f"{result.delivery_p95_ms:.1f}",
        f"{result.delivery_p99_ms:.1f}",
    )
    console = Console()
    console.print(table)
    if result.us_per_message is not None:
        console.print(f"server CPU: {result.us_per_message:.0f} µs a message")
    console.print(
        f"errors {result.errors}, missing {result.missing}, gaps {result.gaps}, "
        f"duplicates {result.duplicates}, "
        f"out of order {result.out_of_order}"
    )
