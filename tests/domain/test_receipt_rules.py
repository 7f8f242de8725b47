"""Cursors only rise, stay within the conversation, and merge to what they did step by step."""

from hypothesis import given
from hypothesis import strategies as st

from domain.conversation import Conversation, evolve
from domain.events import Advance, Cursor, ReceiptsAdvanced
from domain.receipts import START, advance, merged, team_reach

seqs = st.integers(0, 12)
steps = st.lists(st.tuples(seqs, seqs, seqs), max_size=12)
"""(delivered_up_to, read_up_to, how many messages came before it)"""


def walk(
    given_steps: list[tuple[int, int, int]],
) -> list[tuple[Cursor, Advance | None, Cursor, int]]:
    """(before, the step, after, last_seq), the time being the number of the step plus 1."""
    cursor, last_seq, walked = START, 0, []
    for now, (delivered, read, more) in enumerate(given_steps, start=1):
        last_seq += more
        step = advance("carla", cursor, delivered, read, last_seq, now)
        after = cursor if step is None else step.cursor
        walked.append((cursor, step, after, last_seq))
        cursor = after
    return walked


@given(steps)
def test_i5_a_cursor_only_rises_and_stays_within_the_conversation(
    given_steps: list[tuple[int, int, int]],
) -> None:
    for before, _, after, last_seq in walk(given_steps):
        assert before.delivered_up_to <= after.delivered_up_to <= last_seq
        assert before.read_up_to <= after.read_up_to
        assert after.read_up_to <= after.delivered_up_to, "read implies delivered"


@given(steps)
def test_a_step_says_what_moved_when_and_from_where(
    given_steps: list[tuple[int, int, int]],
) -> None:
    for now, (before, step, after, _) in enumerate(walk(given_steps), start=1):
        delivered = after.delivered_up_to > before.delivered_up_to
        read = after.read_up_to > before.read_up_to
        if step is None:
            assert after == before
            continue
        assert (step.delivered, step.read) == (delivered, read)
        assert delivered or read
        assert after.delivered_at == (now if delivered else before.delivered_at)
        assert after.read_at == (now if read else before.read_at)
        came_from = [before.delivered_up_to] * delivered + [before.read_up_to] * read
        assert step.after == min(came_from)


@given(steps)
def test_nothing_moves_only_if_nothing_could(given_steps: list[tuple[int, int, int]]) -> None:
    for (delivered, read, _), (before, step, _, last_seq) in zip(
        given_steps, walk(given_steps), strict=True
    ):
        reach = min(max(delivered, read), last_seq)
        moves = reach > before.delivered_up_to or min(read, last_seq) > before.read_up_to
        assert (step is not None) == moves


@given(st.lists(st.tuples(seqs, seqs)), seqs)
def test_the_order_of_receipts_does_not_matter(
    receipts: list[tuple[int, int]], last_seq: int
) -> None:
    """Nor do repetitions: the highest of each is what counts."""

    def reached(order: list[tuple[int, int]]) -> tuple[int, int]:
        cursor = START
        for delivered, read in order:
            step = advance("carla", cursor, delivered, read, last_seq, 1)
            cursor = cursor if step is None else step.cursor
        return cursor.delivered_up_to, cursor.read_up_to

    read = min(max((r for _, r in receipts), default=0), last_seq)
    delivered = min(max((max(d, r) for d, r in receipts), default=0), last_seq)
    assert reached(receipts) == reached(receipts[::-1]) == reached(receipts * 2)
    assert reached(receipts) == (delivered, read)


@given(steps)
def test_steps_that_are_merged_are_one_step(given_steps: list[tuple[int, int, int]]) -> None:
    walked = walk(given_steps)
    taken = [step for _, step, _, _ in walked if step is not None]
    if not taken:
        return
    whole = taken[0]
    for step in taken[1:]:
        whole = merged(whole, step)
    last = walked[-1][2]
    assert whole.cursor == last
    assert whole.delivered == (last.delivered_up_to > 0)
    assert whole.read == (last.read_up_to > 0)
    assert whole.after == min(step.after for step in taken)
    assert whole.person == "carla"


@given(st.lists(st.tuples(st.sampled_from(["olivia", "sam", "carla"]), seqs, seqs), max_size=12))
def test_ex24_the_team_has_read_as_far_as_anybody_of_it_ever_did(
    read: list[tuple[str, int, int]],
) -> None:
    team, last_seq = {"olivia", "sam"}, 0
    state = Conversation("c1", "group", "", {})
    reached = [0]
    for now, (person, read_up_to, more) in enumerate(read, start=1):
        last_seq += more
        if now % 5 == 0:
            state.cursors.pop("sam", None)  # he goes, and starts over
        cursor = state.cursors.get(person, START)
        step = advance(person, cursor, 0, read_up_to, last_seq, now)
        if step is None:
            continue
        before = state.team_read_up_to
        reach = team_reach(before, (step,), team)
        assert reach == 0 or before < reach <= last_seq
        evolve(state, ReceiptsAdvanced("c1", now, (step,), reach))
        if person in team:
            reached.append(step.cursor.read_up_to)
        assert state.team_read_up_to == max(reached)


def test_ex24_delivery_and_customers_move_no_cursor_of_the_team() -> None:
    delivered = advance("sam", Cursor(2, 1, 2, 1), 5, 0, 9, 2)
    customers = advance("carla", START, 5, 5, 9, 2)
    both = advance("sam", START, 5, 3, 9, 2)
    assert delivered is not None
    assert customers is not None
    assert both is not None
    assert team_reach(0, (delivered, customers), {"sam"}) == 0
    assert team_reach(2, (delivered, customers, both), {"sam"}) == 3
