"""A conversation's rules: order, membership, repetition; whoever asks, whatever comes first."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain import conversation as rules
from domain import creation
from domain.commands import (
    Accepted,
    AddMember,
    Create,
    Delete,
    Done,
    Edit,
    RemoveMember,
    Send,
    Speaker,
)
from domain.concerned import AUTHORS_BACK, concerned_authors
from domain.conversation import REMEMBERED, Conversation, Entry, Sent
from domain.events import (
    Advance,
    ConversationCreated,
    Cursor,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    Person,
    ReceiptsAdvanced,
)
from domain.ids import OWNER, direct_conversation_id
from domain.limits import Limits
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role

NOW = 1_793_000_000_000
LIMITS = Limits(members=5)
ROLES = {
    "olivia": Role.OWNER,
    "mary": Role.MANAGER,
    "sam": Role.STAFF,
    "zoe": Role.STAFF,
    "carla": Role.CUSTOMER,
    "dave": Role.CUSTOMER,
}
PEOPLE = {id_: Person(id_, id_.title(), role) for id_, role in ROLES.items()}
OWNERS = frozenset({"olivia"})


def speaker(person: str, device: str = "phone") -> Speaker:
    return Speaker(person, person.title(), ROLES[person], device)


def conversation(*members: str) -> Conversation:
    return Conversation("c1", "group", "", {m: PEOPLE[m] for m in members})


def code(decided: object) -> Code | None:
    return decided.code if isinstance(decided, Refusal) else None


names = st.sampled_from(sorted(ROLES))
ids = st.sampled_from(["m1", "m2", "m3", "m4"])
texts = st.sampled_from(["Hello", "Bye", " ", "x" * 40_000])


class Talk(RuleBasedStateMachine):
    """Anybody asks for anything; a model keeps the log and who is in."""

    def __init__(self) -> None:
        super().__init__()
        self.state = conversation("sam", "carla")
        self.inside = {"sam", "carla"}
        self.came: dict[str, int] = {}
        self.log: list[Entry] = []
        self.texts: dict[int, str] = {}
        self.sent: dict[tuple[str, str, str], tuple[str, int, Accepted]] = {}

    def is_in(self, person: str) -> bool:
        return person in self.inside or person == "olivia"

    def sees(self, person: str, seq: int) -> bool:
        """Customers see it from where they came in; the team sees all of it."""
        begins = 0 if ROLES[person] in TEAM else self.came.get(person, 0)
        return self.is_in(person) and seq >= begins

    def take(self, event: object) -> None:
        rules.evolve(self.state, event)  # type: ignore[arg-type]

    @rule(person=names, device=ids, client_id=ids, text=texts, reply_to=st.integers(0, 6))
    def send(self, person: str, device: str, client_id: str, text: str, reply_to: int) -> None:
        command = Send(speaker(person, device), client_id, text, reply_to)
        decided = rules.decide_send(self.state, command, {}, LIMITS, NOW)
        known = self.sent.get((person, device, client_id))
        if known is not None:
            same = known[:2] == (text, reply_to)
            assert decided == (known[2] if same else rules.CONFLICTING_ID)
        elif not self.is_in(person):
            assert decided == NOT_FOUND
        elif text == " ":
            assert code(decided) is Code.BAD_REQUEST
        elif len(text) > LIMITS.text_bytes:
            assert code(decided) is Code.TOO_LARGE
        elif reply_to > len(self.log) or (reply_to and not self.sees(person, reply_to)):
            assert code(decided) is Code.NOT_FOUND
        else:
            assert isinstance(decided, MessageSent)
            assert (decided.seq, decided.text) == (len(self.log) + 1, text)
            self.take(decided)
            revision = 10 * decided.seq
            accepted = rules.confirm(self.state, decided, revision)
            assert accepted == Accepted(decided.seq, revision, NOW)
            self.log.append(Entry(person))
            self.texts[decided.seq] = text
            self.sent[person, device, client_id] = (text, reply_to, accepted)

    @rule(person=names, seq=st.integers(0, 8), text=texts)
    def edit(self, person: str, seq: int, text: str) -> None:
        entry = self.state.recent.get(seq)
        decided = rules.decide_edit(
            self.state, Edit(speaker(person), seq, text), entry, LIMITS, NOW
        )
        if entry is None or not entry.is_message or not self.sees(person, seq):
            assert decided == NOT_FOUND
        elif entry.author != person:
            assert code(decided) is Code.FORBIDDEN
        elif entry.deleted:
            assert code(decided) is Code.DELETED
        elif text != "Hello" and text != "Bye":
            assert isinstance(decided, Refusal)
        else:
            assert decided == MessageEdited("c1", seq, NOW, person, text)
            self.take(decided)

    @rule(person=names, seq=st.integers(0, 8))
    def delete(self, person: str, seq: int) -> None:
        entry = self.state.recent.get(seq)
        decided = rules.decide_delete(self.state, Delete(speaker(person), seq), entry, NOW)
        if entry is None or not entry.is_message or not self.sees(person, seq):
            assert decided == NOT_FOUND
        elif entry.author != person and person != "olivia":
            assert code(decided) is Code.FORBIDDEN
        elif entry.deleted:
            assert decided == Done()
        else:
            assert decided == MessageDeleted("c1", seq, NOW, person)
            self.take(decided)
            self.log[seq - 1] = Entry(entry.author, deleted=True)

    @rule(person=names, joining=names)
    def add(self, person: str, joining: str) -> None:
        command = AddMember(speaker(person), PEOPLE[joining])
        decided = rules.decide_add(self.state, command, LIMITS, NOW)
        if not self.is_in(person):
            assert decided == NOT_FOUND
        elif ROLES[person] not in TEAM:
            assert code(decided) is Code.FORBIDDEN
        elif self.is_in(joining):
            assert decided == Done()
        elif len(self.inside) + 1 >= LIMITS.members:
            assert code(decided) is Code.TOO_LARGE
        else:
            assert decided == MemberAdded("c1", len(self.log) + 1, NOW, person, PEOPLE[joining])
            self.take(decided)
            self.inside.add(joining)
            self.log.append(Entry(person, is_message=False))
            self.came[joining] = len(self.log)

    @rule(person=names, leaving=names)
    def remove(self, person: str, leaving: str) -> None:
        command = RemoveMember(speaker(person), leaving)
        decided = rules.decide_remove(self.state, command, OWNERS, NOW)
        if not self.is_in(person):
            assert decided == NOT_FOUND
        elif leaving == "olivia":
            assert code(decided) is Code.OWNER_REQUIRED
        elif person != leaving and ROLES[person] not in TEAM:
            assert code(decided) is Code.FORBIDDEN
        elif leaving not in self.inside:
            assert decided == Done()
        else:
            assert isinstance(decided, MemberRemoved)
            assert (decided.seq, decided.left) == (len(self.log) + 1, person == leaving)
            self.take(decided)
            self.inside.discard(leaving)
            self.log.append(Entry(person, is_message=False))

    @rule(person=names)
    def read(self, person: str) -> None:
        if self.is_in(person) and self.log:
            cursor = Cursor(len(self.log), NOW, len(self.log), NOW)
            step = Advance(person, cursor, True, True, 0)
            self.take(ReceiptsAdvanced("c1", NOW, (step,)))

    @invariant()
    def seq_counts_without_gaps(self) -> None:
        """I3"""
        assert self.state.last_seq == len(self.log)
        assert list(self.state.recent) == list(range(1, len(self.log) + 1))
        assert list(self.state.recent.values()) == self.log

    @invariant()
    def members_are_who_is_in(self) -> None:
        """I8: the owner is, without being kept."""
        assert self.state.members.keys() == self.inside
        assert set(self.state.audience) == self.inside
        assert self.state.admits(speaker("olivia"))
        assert all(self.state.admits(speaker(p)) == self.is_in(p) for p in ROLES)

    @invariant()
    def only_who_is_in_has_a_cursor(self) -> None:
        assert all(self.is_in(person) for person in self.state.cursors)


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=60, stateful_step_count=40)


# --- creating -------------------------------------------------------------------------------------


def create(
    person: str, *asked: str, kind: str = "group", title: str = "", found: bool = True
) -> Create:
    people = tuple(PEOPLE[a] for a in asked if a in PEOPLE) if found else ()
    return Create(speaker(person), kind, title, asked, people)


everybody = st.sampled_from([*sorted(ROLES), "nobody"])


@pytest.mark.requirement("DT-19", "DT-20", "DT-08")
@given(names, st.lists(everybody, max_size=6, unique=True), st.sampled_from(["direct", "group"]))
def test_i8_whoever_creates_it_the_owner_is_in_and_customers_are_never_alone(
    person: str, asked: list[str], kind: str
) -> None:
    decided = creation.decide_create("c1", create(person, *asked, kind=kind), LIMITS, NOW)
    others = set(asked) - {person}
    if isinstance(decided, Refusal):
        refused = (
            "nobody" in asked
            or not others
            or (kind == "direct" and len(others) != 1)
            or len(({person} | others) - OWNERS) + 1 > LIMITS.members
            or (ROLES[person] is Role.CUSTOMER and any(ROLES[o] not in TEAM for o in others))
        )
        assert refused
        return
    assert "nobody" not in asked
    members = {m.id for m in decided.members}
    assert members == ({person} | others) - OWNERS
    assert len(members) + 1 <= LIMITS.members, "with the owner"
    state = rules.created(decided)
    assert state.admits(speaker("olivia"))
    assert (state.last_seq, state.audience) == (0, tuple(m.id for m in decided.members))
    assert creation.same_creation(state, create(person, *reversed(asked), kind=kind))


def test_who_is_not_active_cannot_be_brought_in() -> None:
    gone = Person("sam", "Sam", Role.STAFF, active=False)
    command = Create(speaker("carla"), "group", "", ("sam",), (gone,))
    assert creation.decide_create("c1", command, LIMITS, NOW) == NOT_FOUND
    added = AddMember(speaker("sam"), Person("dave", "Dave", Role.CUSTOMER, active=False))
    assert rules.decide_add(conversation("sam"), added, LIMITS, NOW) == NOT_FOUND
    assert rules.decide_add(conversation("sam"), AddMember(speaker("sam"), None), LIMITS, NOW) == (
        NOT_FOUND
    )


@pytest.mark.parametrize("title", ["a\nb", " ", "x" * 201, "\x00"])
def test_a_title_is_one_line(title: str) -> None:
    decided = creation.decide_create("c1", create("sam", "carla", title=title), LIMITS, NOW)
    assert isinstance(decided, Refusal)


def created(command: Create) -> Conversation:
    decided = creation.decide_create("c1", command, LIMITS, NOW)
    assert isinstance(decided, ConversationCreated)
    return rules.created(decided)


def test_the_same_again_is_the_same_whoever_has_come_and_gone() -> None:
    command = create("sam", "carla", "olivia", title="Rex")
    state = created(command)
    rules.evolve(state, MemberAdded("c1", 1, NOW, "sam", PEOPLE["dave"]))
    rules.evolve(state, MemberRemoved("c1", 2, NOW, "carla", PEOPLE["carla"]))
    assert creation.same_creation(state, command)
    for other in (
        create("sam", "carla", "olivia", title="Max"),
        create("sam", "carla", title="Rex"),
        create("sam", "carla", "olivia", "zoe", title="Rex"),
        create("zoe", "carla", "olivia", title="Rex"),
        create("sam", "carla", "olivia", title="Rex", kind="direct"),
    ):
        assert not creation.same_creation(state, other)


def test_a_direct_conversation_is_the_same_for_both() -> None:
    state = created(create("sam", "carla", kind="direct"))
    assert creation.same_creation(state, create("carla", "sam", kind="direct"))
    assert not creation.same_creation(state, create("zoe", "sam", kind="direct"))


def test_nobody_chooses_the_id_of_a_direct_conversation() -> None:
    """Who could would sit in the place of two others, and read what they write."""
    taken = direct_conversation_id("sam", "carla")
    decided = creation.decide_create(taken, create("dave", "zoe"), LIMITS, NOW)
    assert code(decided) is Code.BAD_REQUEST
    assert isinstance(
        creation.decide_create(taken, create("sam", "carla", kind="direct"), LIMITS, NOW),
        ConversationCreated,
    )
    assert not creation.same_creation(
        created(create("sam", "carla", kind="direct")), create("sam", "carla", "zoe", kind="direct")
    )


def test_a_direct_conversation_keeps_its_two_people() -> None:
    state = created(create("sam", "carla", kind="direct"))
    assert rules.decide_add(state, AddMember(speaker("sam"), PEOPLE["zoe"]), LIMITS, NOW) == (
        rules.STAYS_DIRECT
    )
    for person in ("sam", "carla"):
        leaves = RemoveMember(speaker(person), person)
        assert rules.decide_remove(state, leaves, OWNERS, NOW) == rules.STAYS_DIRECT
    removed = rules.decide_remove(state, RemoveMember(speaker("sam"), "carla"), OWNERS, NOW)
    assert removed == rules.STAYS_DIRECT


# --- repetition -----------------------------------------------------------------------------------


def test_what_is_confirmed_late_does_not_come_back_beyond_the_bound() -> None:
    state = conversation("sam", "carla")
    events = []
    for number in range(rules.REMEMBERED + 1):
        command = Send(speaker("carla"), f"m{number}", "Hello", 0)
        event = rules.decide_send(state, command, {}, LIMITS, NOW)
        assert isinstance(event, MessageSent)
        rules.evolve(state, event)
        events.append(event)
    for event in events:
        assert rules.confirm(state, event, event.seq) == Accepted(event.seq, event.seq, NOW)
    assert [key[2] for key in state.sent] == [f"m{n}" for n in range(1, rules.REMEMBERED + 1)]


@pytest.mark.requirement("EX-1")
def test_r05_the_answer_is_the_same_whatever_has_happened_since() -> None:
    """Also to who has left since; their message is in the log."""
    state = conversation("sam", "carla")
    command = Send(speaker("carla"), "m1", "Hello", 0)
    sent = rules.decide_send(state, command, {}, LIMITS, NOW)
    assert isinstance(sent, MessageSent)
    rules.evolve(state, sent)
    accepted = rules.confirm(state, sent, 7)
    rules.evolve(state, MessageEdited("c1", 1, NOW, "carla", "Hello!"))
    rules.evolve(state, MessageDeleted("c1", 1, NOW, "carla"))
    rules.evolve(state, MemberRemoved("c1", 2, NOW, "sam", PEOPLE["carla"]))
    assert rules.decide_send(state, command, {}, LIMITS, NOW + 5) == accepted
    other = Send(speaker("carla"), "m1", "Something else", 0)
    assert rules.decide_send(state, other, {}, LIMITS, NOW) == rules.CONFLICTING_ID
    new = Send(speaker("carla"), "m2", "Hello", 0)
    assert rules.decide_send(state, new, {}, LIMITS, NOW) == NOT_FOUND


said = st.tuples(st.sampled_from(["c1", "c2"]), st.text(max_size=8), st.integers(0, 3))


@given(said, said)
def test_two_sends_are_the_same_only_if_all_of_them_is(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    assert (rules.digest(*one) == rules.digest(*other)) == (one == other)


def test_only_the_newest_are_remembered() -> None:
    state = conversation("carla")
    for seq in range(1, REMEMBERED + 11):
        rules.evolve(
            state, MessageSent("c1", seq, NOW, "carla", "x", 0, "phone", f"m{seq}", b"digest")
        )
    assert state.last_seq == REMEMBERED + 10
    assert list(state.recent) == list(range(11, REMEMBERED + 11))
    assert len(state.sent) == REMEMBERED
    assert state.sent["carla", "phone", "m11"] == Sent(b"digest", Accepted(11, 0, NOW))


# --- whom receipts concern ------------------------------------------------------------------------


@given(
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=4),
)
def test_receipts_concern_the_authors_of_what_they_went_over(
    last_seq: int, spans: list[tuple[int, int]]
) -> None:
    state = conversation("sam")
    state.last_seq = last_seq
    state.recent = {seq: Entry(f"author {seq % 4}") for seq in range(1, last_seq + 1)}
    advances = tuple(
        Advance(f"reader {n}", Cursor(up_to, NOW, 0, 0), True, False, after)
        for n, (one, other) in enumerate(spans)
        for after, up_to in [sorted((min(one, last_seq), min(other, last_seq)))]
    )
    authors, unknown = concerned_authors(state, ReceiptsAdvanced("c1", NOW, advances))
    seqs = {s for a in advances for s in range(a.after + 1, a.cursor.delivered_up_to + 1)}
    assert authors == {f"author {seq % 4}" for seq in seqs}
    assert unknown is None


def test_receipts_for_messages_of_long_ago_name_what_is_to_be_looked_up() -> None:
    state = conversation("sam")
    state.last_seq = last = REMEMBERED + 100
    state.recent = {seq: Entry(f"author {seq}") for seq in range(101, last + 1)}

    def concerned(*spans: tuple[int, int]) -> tuple[set[str], tuple[int, int] | None]:
        steps = (Advance("x", Cursor(up_to, NOW, 0, 0), True, False, a) for a, up_to in spans)
        return concerned_authors(state, ReceiptsAdvanced("c1", NOW, tuple(steps)))

    assert concerned((100, 101)) == ({"author 101"}, None)
    assert concerned((99, 102)) == ({"author 101", "author 102"}, (100, 100))
    assert concerned((10, 20)) == (set(), (11, 20))
    assert concerned((10, 20), (40, 60)) == (set(), (11, 60))
    assert concerned((40, 60), (10, 20)) == (set(), (11, 60))
    assert concerned((98, 100), (101, 102)) == ({"author 102"}, (99, 100))


def test_authors_are_looked_up_so_far_back_and_no_further() -> None:
    state = conversation("sam")
    state.last_seq = last = AUTHORS_BACK + 1_000
    state.recent = {seq: Entry("sam") for seq in range(last - REMEMBERED + 1, last + 1)}

    def looked_up(*spans: tuple[int, int]) -> tuple[int, int] | None:
        steps = (Advance("x", Cursor(up_to, NOW, 0, 0), True, False, a) for a, up_to in spans)
        return concerned_authors(state, ReceiptsAdvanced("c1", NOW, tuple(steps)))[1]

    assert looked_up((0, last)) == (1_001, last - REMEMBERED)
    assert looked_up((0, 1_000)) is None
    assert looked_up((0, 1_001)) == (1_001, 1_001)
    assert looked_up((1_005, 1_010)) == (1_006, 1_010)
    assert looked_up((0, 1_000), (1_005, 1_010), (0, 1_002)) == (1_001, 1_010)


def test_what_was_delivered_before_is_not_concerned_by_reading_less() -> None:
    state = conversation("sam")
    state.last_seq, state.recent = 4, {seq: Entry(f"author {seq}") for seq in range(1, 5)}
    read = Advance("x", Cursor(4, NOW, 2, NOW), False, True, 1)
    assert concerned_authors(state, ReceiptsAdvanced("c1", NOW, (read,))) == (
        {"author 2"},
        None,
    )


@pytest.mark.parametrize(("people", "fits"), [(1, True), (5, True), (6, False), (100, False)])
def test_a_conversation_has_a_size_at_most(people: int, fits: bool) -> None:
    refusal = rules.refuse_size(people, LIMITS)
    assert (refusal is None) is fits
    assert fits or (code(refusal) is Code.TOO_LARGE and "at most 5" in str(refusal))


everyone = st.sampled_from([*PEOPLE.values(), Person("oscar", "Oscar", Role.OWNER)])


@pytest.mark.requirement("DT-14", "DT-24")
@given(everyone, everyone)
def test_in_a_direct_conversation_the_owners_place_is_the_ownerships(
    one: Person, other: Person
) -> None:
    def between(asking: Person, asked: Person) -> str:
        return creation.direct_conversation(
            Speaker(asking.id, asking.name, asking.role, "phone"), asked
        )

    assert between(one, other) == between(other, one)
    if one.role is other.role is Role.OWNER:
        assert between(one, other) == direct_conversation_id(one.id, other.id)
    elif one.role is Role.OWNER:
        assert between(one, other) == direct_conversation_id(OWNER, other.id)
    elif other.role is not Role.OWNER:
        assert between(one, other) == direct_conversation_id(one.id, other.id)
