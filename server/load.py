"""Load: puts people into a business of their own and checks what they receive while they talk.

Everything goes through the public doors: HTTP to set up, the Python SDK to talk. Each receiver
checks the seqs it is shown: order, duplicates, and at the end that none is missing.
"""

import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import trio
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import deskbell_client
from deskbell_client import Desk, DeskbellError, Message, Options, Stopped
from deskbell_client.events import Connected, Disconnected
from domain.limits import Limits
from server.operating import (
    OperatingError,
    UsageError,
    first_of,
    operator_key,
    request,
    require_within,
)

T = TypeVar("T")

SILENCE_SECONDS = 10.0
"""So long after the end, or after the last sign of life, what is outstanding may take to come."""
CONNECT_SECONDS = 10.0
"""A member's connection may take this long."""
TOKEN_SECONDS = 86_400
"""For the first connection of each: all are made before the first one connects."""
CONVERSATIONS_MOST = 100_000
MEMBERS_MOST = Limits().members


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
    """What came of it. Latencies are milliseconds; ``us_per_message``: server CPU, if known.

    ``errors``: sends that were refused, and the ``unanswered`` ones.
    """

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
    unanswered: int
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
    unanswered: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    acked_at: float = 0.0
    heard_at: float = 0.0  # an ack, a refusal or a delivery: a sign of life


def run_load(url: str, data_dir: Path, plan: LoadPlan) -> None:
    """Run ``plan`` against the server at ``url``; exits with 1 if the server broke a promise.

    Raises `UsageError`, and then nothing has been created; `OperatingError`: it cannot be run.
    """
    _require_possible(plan)
    rooms, tokens = _prepare(url, operator_key(str(data_dir)), plan)
    try:
        result = trio.run(_run, url, plan, rooms, tokens)
    except BaseExceptionGroup as group:
        if group.split(OperatingError)[1] is not None:
            raise
        raise first_of(group) from None  # of members who cannot connect, one says it all
    if plan.as_json:
        typer.echo(msgspec.json.encode(result))
    else:
        _show(result)
    broken = result.missing + result.gaps + result.duplicates + result.out_of_order
    if result.errors or broken:
        sys.exit(1)


def _require_possible(plan: LoadPlan) -> None:
    """Refuse what cannot be done, before anything is created. Raises `UsageError`."""
    require_within("--conversations", plan.conversations, 1, CONVERSATIONS_MOST)
    require_within("--members", plan.members, 2, MEMBERS_MOST)
    if plan.window < 1:
        raise UsageError(f"--window is {plan.window}; it must be at least 1.")
    if not (math.isfinite(plan.rate) and plan.rate >= 0):
        raise UsageError(f"--rate is {plan.rate:g}; it must be a number above 0, or 0: no limit.")
    if not (math.isfinite(plan.seconds) and plan.seconds > 0):
        raise UsageError(f"--seconds is {plan.seconds:g}; it must be a number above 0.")
    if plan.pid is not None and _cpu_seconds(plan.pid) is None:
        raise UsageError(f"--pid is {plan.pid}; there is no such process to measure.")


async def _run(url: str, plan: LoadPlan, rooms: list[_Room], tokens: dict[str, str]) -> LoadResult:
    tally = _Tally()
    address = url.replace("http", "ws", 1) + "/v1/ws"
    people = [(room, person) for room in rooms for person in room.people]
    async with trio.open_nursery() as nursery:
        for room, person in _told("connecting", people):
            await nursery.start(_member, room, person, address, tokens[person], plan, tally)
        before, began = _cpu_seconds(plan.pid), trio.current_time()
        await _talk(rooms, plan, tally)
        seconds = max(plan.seconds, tally.acked_at - began)
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
    for number in _told("preparing", range(plan.conversations)):
        people = [f"p{number}-{member}" for member in range(plan.members)]
        for index, person in enumerate(people):
            role = "staff" if index == 0 else "customer"
            call("people", {"id": person, "name": person, "role": role})
            asked = {"person": person, "ttl_seconds": TOKEN_SECONDS}
            tokens[person] = str(call("tokens", asked)["token"])
        room = _Room(f"room-{number}", people)
        body = {"id": room.id, "kind": "group", "people": people[1:]}
        call("conversations", body, people[0])
        rooms.append(room)
    return rooms, tokens


def _call(url: str, key: str, resource: str, body: object, person: str = "") -> dict[str, object]:
    return request("POST", f"{url}/v1/{resource}", key, body, person)


async def _talk(rooms: list[_Room], plan: LoadPlan, tally: _Tally) -> None:
    """Send round and round until time is up, and wait for what is outstanding then."""
    ends = trio.current_time() + plan.seconds
    pace = len(rooms) / plan.rate if plan.rate else 0.0
    with _progress() as progress:
        task = progress.add_task("talking", total=plan.seconds)
        async with trio.open_nursery() as nursery:
            for room in rooms:
                lanes = min(plan.window, len(room.desks))
                for lane in range(lanes):
                    nursery.start_soon(_author, room, lane, lanes, pace * lanes, ends, tally)
            while (left := ends - trio.current_time()) > 0:
                told = f"{len(tally.ack_seconds)} stored"
                progress.update(task, completed=plan.seconds - left, description=told)
                await trio.sleep(min(0.2, left))
            progress.update(task, completed=plan.seconds)
            await _settle(rooms, ends, tally)
            nursery.cancel_scope.cancel()


async def _author(
    room: _Room, lane: int, lanes: int, pace: float, ends: float, tally: _Tally
) -> None:
    """One lane of a conversation: sends, waits for the ack, keeps the pace; authors take turns."""
    due = trio.current_time() + pace * lane / lanes
    turn = lane
    while due < ends:
        await trio.sleep_until(due)
        if trio.current_time() >= ends:  # the answer before came late
            return
        due = max(due + pace, trio.current_time() - pace)
        await _send(room, turn % len(room.desks), tally)
        turn += lanes


async def _send(room: _Room, index: int, tally: _Tally) -> None:
    """Say something new as the member ``index``; it counts as unanswered until there is an ack."""
    text = f"load {room.id} {secrets.token_hex(8)}"
    tally.sent_at[text] = began = time.perf_counter()
    tally.unanswered += 1
    try:
        ack = await room.desks[index].send(room.id, text)
    except DeskbellError:
        tally.unanswered -= 1
        tally.errors += 1
        tally.heard_at = trio.current_time()
        del tally.sent_at[text]
        return
    tally.unanswered -= 1
    tally.ack_seconds.append(time.perf_counter() - began)
    tally.acked_at = tally.heard_at = trio.current_time()
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
        await _connected(desk, person)
        task_status.started()
        with suppress(Stopped):  # whoever sends with it hears of it
            await _receive(desk, seqs, tally)


async def _connected(desk: Desk, person: str) -> None:
    """Wait until the connection is up. Raises `OperatingError`: it does not come."""
    why = "no answer"
    with trio.move_on_after(CONNECT_SECONDS):
        try:
            async for event in desk.events():
                if isinstance(event, Connected):
                    return
                if isinstance(event, Disconnected):
                    why = event.reason
        except Stopped as stopped:
            why = str(stopped)
    raise OperatingError(
        f"{person} cannot connect ({why}). See that the server runs, and that it and this process "
        "may have so many connections."
    )


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
        tally.heard_at = trio.current_time()
        sent_at = tally.sent_at.get(event.text)
        if sent_at is not None:
            tally.delivery_seconds.append(time.perf_counter() - sent_at)


async def _settle(rooms: list[_Room], ends: float, tally: _Tally) -> None:
    """Wait for what is still on its way, until there has been silence for too long."""
    while tally.unanswered or len(tally.delivery_seconds) < _expected(rooms):
        if trio.current_time() >= max(ends, tally.heard_at) + SILENCE_SECONDS:
            return
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
        errors=tally.errors + tally.unanswered,
        unanswered=tally.unanswered,
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
    except OSError:  # it has ended
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _told(what: str, things: Sequence[T]) -> Iterator[T]:
    """``things`` one by one, with a bar that shows how far it is."""
    with _progress() as progress:
        yield from progress.track(things, description=what)


def _show(of: LoadResult) -> None:
    table = Table("", "per second", "p50 ms", "p95 ms", "p99 ms", box=None)
    stored = of.acks_per_second, of.ack_p50_ms, of.ack_p95_ms, of.ack_p99_ms
    delivered = of.deliveries_per_second, of.delivery_p50_ms, of.delivery_p95_ms, of.delivery_p99_ms
    for what, numbers in ((f"{of.acks} stored", stored), (f"{of.deliveries} delivered", delivered)):
        table.add_row(what, *(f"{number:.1f}" for number in numbers))
    console = Console()
    console.print(table)
    if of.us_per_message is not None:
        console.print(f"server CPU: {of.us_per_message:.0f} µs a message")
    console.print(
        f"errors {of.errors}, missing {of.missing}, gaps {of.gaps}, "
        f"duplicates {of.duplicates}, out of order {of.out_of_order}"
    )
    if of.unanswered:
        console.print(
            f"{of.unanswered} sends had no answer {SILENCE_SECONDS:.0f} s after the end "
            "and after the last sign of life: does the server still run?"
        )
