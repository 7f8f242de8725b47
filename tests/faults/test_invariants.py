"""The check of a history finds what it is there to find."""

from collections.abc import Callable

import pytest

from tests.faults.invariants import Acked, Entry, History


def good() -> History:
    """Two devices that talk; one begins later; receipts; a removal."""
    history = History()
    history.loaded("a", "c", 0)
    history.loaded("b", "c", 0)
    log = []
    for seq in range(1, 7):
        author = "ab"[seq % 2]
        other = "ba"[seq % 2]
        id_ = f"{author}{seq}"
        history.invoke(author, "c", id_, f"t{seq}")
        history.ok(id_, Acked(seq, seq * 10, seq * 100))
        entry = Entry(seq, author, f"t{seq}", id_, seq * 10)
        history.shown(other, "c", entry)
        history.cursor(author, "c", other, seq, 0)
        log.append(entry)
    history.loaded("late", "c", 4)
    for entry in log[4:]:
        history.shown("late", "c", entry)
    history.members("c", ["a", "b", "olivia"], ["olivia"])
    history.removed("b", "c", 60)
    history.log("c", log)
    return history


def test_a_good_history_has_no_problems() -> None:
    history = good()
    assert history.check() == []
    assert history.acked == 6
    assert history.unresolved == []


def lost(history: History) -> None:
    history.logs["c"].pop()


def replaced(history: History) -> None:
    history.logs["c"][2] = Entry(3, "b", "another text", "b3")


def stored_twice(history: History) -> None:
    history.logs["c"].append(Entry(7, "a", "t6", "a6"))


def gap(history: History) -> None:
    del history.logs["c"][2]


def answered_differently(history: History) -> None:
    history.ok("a2", Acked(2, 21, 200))


def refused_and_stored(history: History) -> None:
    history.invoke("a", "c", "a9", "t9")
    history.fail("a9", "not_found")
    history.log("c", [*history.logs["c"], Entry(7, "a", "t9", "a9")])


def before_what_was_acked(history: History) -> None:
    for id_, seq in (("x", 8), ("y", 7)):
        history.invoke(id_, "c", id_, id_)
        history.ok(id_, Acked(seq, seq * 10, 0))
        history.logs["c"].insert(6, Entry(seq, id_, id_, id_))


def overtaken(history: History) -> None:
    for id_ in ("x", "y"):
        history.invoke("a", "c", id_, id_)
    history.ok("y", Acked(7, 70, 0))
    history.ok("x", Acked(8, 80, 0))
    history.logs["c"] += [Entry(7, "a", "y", "y"), Entry(8, "a", "x", "x")]


def shown_twice(history: History) -> None:
    history.shown("late", "c", history.logs["c"][5])


def shown_backwards(history: History) -> None:
    entries = history.seen["a", "c"].entries
    entries[0], entries[1] = entries[1], entries[0]


def shown_otherwise(history: History) -> None:
    entries = history.seen["a", "c"].entries
    entries[0] = entries[0]._replace(text="not what was said")


def hole(history: History) -> None:
    del history.seen["a", "c"].entries[1]


def cursor_fell(history: History) -> None:
    history.cursor("a", "c", "b", 2, 0)


def ownerless(history: History) -> None:
    history.members("c", ["a", "b"], ["olivia"])


def told_after_removal(history: History) -> None:
    history.told("b", "c", 61, "receipt")


def shown_after_removal(history: History) -> None:
    history.shown("b", "c", Entry(7, "a", "t7", "a7", 70))
    history.logs["c"].append(Entry(7, "a", "t7", "a7", 70))


FAULTS: dict[Callable[[History], None], str] = {
    lost: "I1",
    replaced: "I1",
    stored_twice: "I2",
    answered_differently: "I2",
    refused_and_stored: "I2",
    gap: "I3",
    before_what_was_acked: "I3",
    overtaken: "I3",
    shown_twice: "I3",
    shown_backwards: "I3",
    shown_otherwise: "I3",
    hole: "I4",
    cursor_fell: "I5",
    ownerless: "I8",
    told_after_removal: "I12",
    shown_after_removal: "I12",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(fault: Callable[[History], None]) -> None:
    history = good()
    fault(history)
    found = history.check()
    assert any(problem.startswith(f"{FAULTS[fault]} ") for problem in found), found


def test_what_a_device_may_not_see_any_more_is_not_missed() -> None:
    history = good()
    history.logs["c"].append(Entry(7, "a", "t7", "a7", 70))
    history.shown("late", "c", history.logs["c"][6])
    history.seen["a", "c"].own.add(7)
    assert history.check() == []
    history.added("b", "c")
    assert any(problem.startswith("I4 b") for problem in history.check())


def test_a_send_without_an_answer_is_unresolved() -> None:
    history = good()
    history.invoke("a", "c", "a9", "t9")
    assert history.unresolved == ["a9"]
    history.fail("a9", "too_large")
    assert history.unresolved == []
