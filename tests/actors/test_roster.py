from actors.envelope import Envelope
from actors.mailbox import Mailbox
from actors.restart_budget import RestartBudget
from actors.roster import Cell, Roster
from actors.statistics import Load


def cell_of(actor_id: str) -> Cell[str]:
    mailbox: Mailbox[str] = Mailbox(1, ephemeral_size=1, retry_after=1.0)
    return Cell(actor_id, mailbox, RestartBudget(1, 1.0), now=0.0)


def test_the_longest_idle_and_the_longest_at_work_are_found_in_their_order() -> None:
    roster: Roster[str] = Roster()
    a, b, c, d = cells = [cell_of(name) for name in "abcd"]
    for cell in cells:
        roster.add(cell)
        roster.begin(cell, 1.0)
    assert roster.longest_at_work() is a
    roster.end(b, 2.0, idle=True)
    roster.end(a, 3.0, idle=True)
    assert roster.longest_idle() is b
    assert roster.longest_at_work() is c
    roster.wake(b)
    assert roster.longest_idle() is a
    assert roster.longest_at_work() is c
    assert d.since == 1.0


def test_whose_batch_is_stored_is_neither_at_work_nor_idle() -> None:
    roster: Roster[str] = Roster()
    storing, working = cell_of("storing"), cell_of("working")
    for cell in (storing, working):
        roster.add(cell)
        roster.begin(cell, 1.0)
    roster.store(storing)
    assert storing.mailbox.held
    assert roster.longest_at_work() is working
    roster.end(working, 2.0, idle=True)
    assert roster.longest_at_work() is None
    assert roster.longest_idle() is working
    assert not roster.all_idle()
    roster.begin(storing, 3.0)
    assert roster.longest_at_work() is storing
    roster.store(storing)
    roster.end(storing, 4.0, idle=True)
    assert roster.all_idle()


def test_a_removed_cell_is_in_no_order() -> None:
    roster: Roster[str] = Roster()
    idle, working = cell_of("idle"), cell_of("working")
    for cell in (idle, working):
        roster.add(cell)
        roster.begin(cell, 1.0)
    roster.end(idle, 2.0, idle=True)
    roster.remove(idle)
    roster.remove(working)
    assert len(roster) == 0
    assert roster.longest_idle() is None
    assert roster.longest_at_work() is None


def test_removing_a_cell_does_not_touch_its_successor() -> None:
    roster: Roster[str] = Roster()
    old, new = cell_of("a"), cell_of("a")
    roster.add(old)
    roster.add(new)
    roster.remove(old)
    assert roster.get("a") is new


class Unasked(Mailbox[str]):
    """Whoever asks how much waits here looks at an idle actor, of which there are thousands."""

    asked = 0

    def __len__(self) -> int:
        self.asked += 1
        return super().__len__()


def test_the_load_is_counted_without_a_look_at_who_is_idle() -> None:
    roster: Roster[str] = Roster()
    mailboxes = [Unasked(9, ephemeral_size=1, retry_after=1.0) for _ in range(100)]
    for number, mailbox in enumerate(mailboxes):
        cell = Cell(str(number), mailbox, RestartBudget(1, 1.0), now=0.0)
        roster.add(cell)
        roster.end(cell, 1.0, idle=True)
        mailbox.asked = 0
    assert roster.load(3) == Load(live=100, quarantined=3, waiting=0, deepest=0)
    for number, (actor_id, waiting) in enumerate({"7": 2, "8": 5, "9": 0}.items()):
        cell_ = roster.get(actor_id)
        assert cell_ is not None
        roster.wake(cell_)
        for _ in range(waiting):
            cell_.mailbox.put_nowait(Envelope(f"m{number}", None))
    assert roster.load(0) == Load(live=100, quarantined=0, waiting=7, deepest=5)
    assert [mailbox.asked for mailbox in mailboxes] == [0] * 7 + [1] * 3 + [0] * 90
