"""Notes, as rules: who may do what, and what a note never does (EX-25)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.business import Business, Colleague
from domain.commands import AddNote, ChangeNote, DeleteNote, Done, EditNote, Speaker
from domain.conversation import Conversation, evolve
from domain.events import Handling, Person
from domain.limits import Limits
from domain.note_events import Note, NoteChanged
from domain.notes import decide_note
from domain.permissions import granted
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role

pytestmark = [pytest.mark.requirement("EX-25")]

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "max": Role.MANAGER,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "mia": Role.CUSTOMER,
}
SEES = {"olivia", "sam", "max"}
"""Of the team: sam is in it, max works where it is placed, zoe elsewhere."""
NOW = 50

people = st.sampled_from([*PEOPLE, "nobody"])
speakers = st.sampled_from(list(PEOPLE)).map(lambda p: Speaker(p, p.title(), PEOPLE[p], "d1"))
texts = st.sampled_from(["He bites", "He barks", " ", "a\0b"])
mentions = st.lists(people, max_size=3).map(tuple)
changes = st.one_of(
    st.builds(AddNote, speakers, st.sampled_from("ab"), texts, mentions),
    st.builds(EditNote, speakers, st.sampled_from("ab"), st.none() | texts, st.none() | mentions),
    st.builds(DeleteNote, speakers, st.sampled_from("ab")),
)


def business() -> Business:
    state = Business("b", 1, "B", owners=frozenset({"olivia"}))
    for person, place in (("olivia", "x"), ("sam", "x"), ("max", "main"), ("zoe", "x")):
        role = PEOPLE[person]
        state.note_colleague(person, Colleague(role, frozenset({place}), granted(role, None)))
    return state


def conversation(world: Business) -> Conversation:
    members = {p: Person(p, p.title(), PEOPLE[p]) for p in ("sam", "carla")}
    return Conversation(
        "c1",
        "group",
        "",
        members,
        last_seq=7,
        waiting_since=3,
        handling=Handling(("main",)),
        business=world,
    )


@given(st.lists(changes, max_size=12))
def test_whatever_is_asked_for_in_whatever_order(commands: list[ChangeNote]) -> None:
    """Against a model: a dictionary of notes, changed by whoever may."""
    world = business()
    state = conversation(world)
    before = msgspec.structs.asdict(state.handling), state.last_seq, state.waiting_since
    notes: dict[str, Note] = {}
    for command in commands:
        known = notes.get(command.note)
        decided = decide_note(state, world, command, known, Limits(), NOW)
        me = command.speaker
        if me.person not in SEES:
            allowed = me.role in TEAM or me.person == "mia"
            assert isinstance(decided, Refusal)
            assert decided.code is (Code.NOT_FOUND if allowed else Code.FORBIDDEN)
            continue
        if known is None and not isinstance(command, AddNote):
            assert decided == NOT_FOUND
        if isinstance(decided, NoteChanged):
            note = notes[command.note] = decided.note
            assert known is None or me.person == known.author or me.role is Role.OWNER
            assert known is None or (known.author, known.at, known.seq, known.digest) == (
                note.author,
                note.at,
                note.seq,
                note.digest,
            )
            assert bool(note.deleted_at) == isinstance(command, DeleteNote)
            assert not note.deleted_at or (note.text, note.mentions) == ("", ())
            assert set(note.mentions) <= SEES
            assert (decided.author, decided.at) == (me.person, NOW)
            evolve(state, decided)
        elif isinstance(decided, Done):
            assert known is not None
    after = msgspec.structs.asdict(state.handling), state.last_seq, state.waiting_since
    assert after == before


@given(st.builds(AddNote, speakers.filter(lambda s: s.person in SEES), st.just("a"), texts))
def test_adding_again_comes_to_the_same(command: AddNote) -> None:
    world = business()
    state = conversation(world)
    first = decide_note(state, world, command, None, Limits(), NOW)
    if isinstance(first, NoteChanged):
        again = decide_note(state, world, command, first.note, Limits(), NOW + 1)
        assert again == Done()
        other = msgspec.structs.replace(command, text="other")
        taken = decide_note(state, world, other, first.note, Limits(), NOW + 1)
        assert isinstance(taken, Refusal)
        assert taken.code is Code.CONFLICT
