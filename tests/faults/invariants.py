"""What must hold whatever breaks: a history of what clients did and saw, and its check.

Every test client notes each send as `invoke`, then `ok` (acked), `fail` (refused: it did not
happen) or `info` (nobody knows), as Jepsen does; and what it shows, what it holds of receipts and
members, and when it was told to begin afresh. A fresh reader's complete log is the truth. `check`
walks it all once. Numbers as in the list of promises: I1 durable ack, I2 no duplicate, I3 order,
I4 complete resume, I5 receipts only rise, I8 the owner is in every conversation, I12 nothing after
a removal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Entry(NamedTuple):
    """A place of a conversation as somebody was shown it."""

    seq: int
    author: str
    text: str
    client_message_id: str = ""
    revision: int = 0


class Acked(NamedTuple):
    """The one answer to a send."""

    seq: int
    revision: int
    at: int


@dataclass
class Send:
    """A logical send: one client_message_id over all its tries."""

    device: str
    conversation: str
    client_message_id: str
    text: str
    invoked: int
    answers: list[Acked] = field(default_factory=list)
    completed: int = 0
    failed: str = ""


@dataclass
class Seen:
    """What one device was shown of one conversation since it last began there."""

    entries: list[Entry] = field(default_factory=list)
    start: int = 0
    """Everything up to this seq was loaded, or lies before what it may see."""
    own: set[int] = field(default_factory=set)
    """Places that it knows by its own acks."""


@dataclass
class History:
    """What happened, in the order in which it was noted: that order is the clock."""

    sends: dict[str, Send] = field(default_factory=dict)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    redelivered: int = 0
    _ticks: int = 0
    _cursors: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    _removed: dict[tuple[str, str], int] = field(default_factory=dict)

    # --- Sends ------------------------------------------------------------------------------------

    def invoke(self, device: str, conversation: str, client_message_id: str, text: str) -> None:
        """A device begins to say something."""
        send = Send(device, conversation, client_message_id, text, self._tick())
        self.sends[client_message_id] = send

    def ok(self, client_message_id: str, acked: Acked) -> None:
        """It was acked; later answers must be the same (I2)."""
        send = self.sends[client_message_id]
        send.completed = send.completed or self._tick()
        send.answers.append(acked)
        self._seen(send.device, send.conversation).own.add(acked.seq)

    def fail(self, client_message_id: str, code: str) -> None:
        """It was refused for good."""
        self.sends[client_message_id].failed = code

    @property
    def unresolved(self) -> list[str]:
        """Sends that have neither an ack nor a refusal (`info`)."""
        return [i for i, send in self.sends.items() if not send.answers and not send.failed]

    @property
    def acked(self) -> int:
        return sum(bool(send.answers) for send in self.sends.values())

    # --- What devices see -------------------------------------------------------------------------

    def loaded(self, device: str, conversation: str, last_seq: int) -> None:
        """The device begins (again): it holds everything up to ``last_seq`` from a snapshot."""
        own = self._seen(device, conversation).own
        self.seen[device, conversation] = Seen(start=last_seq, own=own)

    def shown(self, device: str, conversation: str, entry: Entry) -> None:
        """An entry that was new to the device."""
        removed = self._removed.get((device, conversation))
        if removed is not None and entry.revision > removed:
            self._wrong(f"I12 {device} was shown {conversation}:{entry.seq} after its removal")
        self._seen(device, conversation).entries.append(entry)

    def again(self) -> None:
        """An entry came that the device knew: harmless, and counted."""
        self.redelivered += 1

    def cursor(
        self, device: str, conversation: str, person: str, delivered: int, read: int
    ) -> None:
        """The device was told how far ``person`` got; a field at 0 did not move (I5)."""
        key = device, conversation, person
        had_delivered, had_read = self._cursors.get(key, (0, 0))
        if (delivered and delivered < had_delivered) or (read and read < had_read):
            self._wrong(f"I5 {key}: {had_delivered}/{had_read} fell to {delivered}/{read}")
        self._cursors[key] = max(had_delivered, delivered), max(had_read, read)

    def members(self, conversation: str, people: Iterable[str], owners: Iterable[str]) -> None:
        """A picture of who is in a conversation (I8)."""
        if missing := set(owners) - set(people):
            self._wrong(f"I8 {conversation} without its owner {sorted(missing)}")

    def removed(self, device: str, conversation: str, revision: int) -> None:
        """The device may see nothing of it after ``revision`` (I12)."""
        self._removed[device, conversation] = revision

    def added(self, device: str, conversation: str) -> None:
        """The device may see it again."""
        self._removed.pop((device, conversation), None)

    def told(self, device: str, conversation: str, revision: int, what: str) -> None:
        """Any other stored event of a conversation came (I12)."""
        removed = self._removed.get((device, conversation))
        if removed is not None and revision > removed:
            self._wrong(f"I12 {device} was told a {what} of {conversation} after its removal")

    # --- The truth --------------------------------------------------------------------------------

    def log(self, conversation: str, entries: Sequence[Entry]) -> None:
        """What a fresh reader who may see everything finds at the end."""
        self.logs[conversation] = list(entries)

    def check(self, *, complete: bool = True, fifo: bool = True) -> list[str]:
        """Everything that is wrong. O(n): values are unique and each conversation is one order.

        ``complete``: every device has caught up, so that nothing may be missing (I4). ``fifo``:
        each device had at most one send of a conversation in flight, or was never turned away.
        """
        return [
            *self.problems,
            *self._check_logs(),
            *self._check_acks(),
            *self._check_order(fifo=fifo),
            *self._check_seen(complete=complete),
        ]

    def _check_logs(self) -> Iterator[str]:
        """I2, I3: seqs are 1, 2, 3 …; a client_message_id stands in the log once; none is alien."""
        times: dict[str, int] = {}
        for conversation, entries in self.logs.items():
            for place, entry in enumerate(entries, 1):
                if entry.seq != place:
                    yield f"I3 {conversation} has {entry.seq} at place {place}"
                    break
                if entry.client_message_id:
                    times[entry.client_message_id] = times.get(entry.client_message_id, 0) + 1
        yield from (f"I2 {i} is stored {count} times" for i, count in times.items() if count > 1)
        for id_, send in self.sends.items():
            if send.failed and not send.answers and times.get(id_):
                yield f"I2 {id_} was refused ({send.failed}) and is stored"

    def _check_acks(self) -> Iterator[str]:
        """I1, I2: what was acked is at the place that the ack named, and every ack was the same."""
        for id_, send in self.sends.items():
            if len(set(send.answers)) > 1:
                yield f"I2 {id_} was answered differently: {sorted(set(send.answers))}"
            if send.answers and send.conversation in self.logs:
                log, seq = self.logs[send.conversation], send.answers[0].seq
                found = log[seq - 1] if seq <= len(log) else None
                if found is None or (found.client_message_id, found.text) != (id_, send.text):
                    yield f"I1 {id_} was acked at {send.conversation}:{seq}, there is {found}"

    def _check_order(self, *, fifo: bool) -> Iterator[str]:
        """I3: who began after an ack comes after it; each device's sends in its own order."""
        marks: dict[str, list[tuple[int, int, int, str]]] = {}
        for send in self.sends.values():
            if send.answers:
                line = marks.setdefault(send.conversation, [])
                line.append((send.completed, 0, send.answers[0].seq, ""))
                line.append((send.invoked, 1, send.answers[0].seq, send.device))
        for conversation, line in marks.items():
            highest, latest = 0, dict[str, int]()
            for _, begins, seq, device in sorted(line):
                if not begins:
                    highest = max(highest, seq)
                    continue
                if seq < highest:
                    yield f"I3 {conversation}:{seq} began after {highest} had been acked"
                if fifo and seq < latest.get(device, 0):
                    yield f"I3 {conversation}:{seq} of {device} overtook {latest[device]}"
                latest[device] = seq

    def _check_seen(self, *, complete: bool) -> Iterator[str]:
        """I3, I4: shown in order, once, as it is stored; own and shown together leave no hole."""
        for (device, conversation), seen in self.seen.items():
            log = self.logs.get(conversation)
            last = seen.start
            known = set(seen.own)
            for entry in seen.entries:
                if entry.seq <= last:
                    yield f"I3 {device} was shown {conversation}:{entry.seq} after {last}"
                last = entry.seq
                known.add(entry.seq)
                stored = log[entry.seq - 1] if log and entry.seq <= len(log) else None
                if stored is not None and entry[:3] != stored[:3]:
                    yield f"I3 {device} was shown {entry}, stored is {stored}"
            if complete and log is not None and (device, conversation) not in self._removed:
                missing = set(range(seen.start + 1, len(log) + 1)) - known
                if missing:
                    yield f"I4 {device} misses {sorted(missing)[:5]} of {conversation}"

    def _seen(self, device: str, conversation: str) -> Seen:
        return self.seen.setdefault((device, conversation), Seen())

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks

    def _wrong(self, problem: str) -> None:
        self.problems.append(problem)


def entry_of(frame: Mapping[str, object]) -> Entry:
    """The entry in a `message` event or in a message of a page, as a map of the wire."""
    return Entry(
        int(str(frame["seq"])),
        str(frame["author"]),
        str(frame.get("text", "")),
        str(frame.get("client_message_id", "")),
        int(str(frame["revision"])),
    )
