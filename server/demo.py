"""The demo: a pet-care business with two locations, and three people who talk, made on the first
start."""

from domain import commands
from domain.business import Business
from domain.commands import Speaker
from domain.events import Person
from domain.roles import Role
from domain.views import PersonName
from server import creating
from server.asking import ask_conversation
from server.config import ConfigurationError
from server.demo_world import make_world, raise_refused, records_of, talks_of
from server.http.demo import Demo
from server.live import LiveBusiness
from server.node import Node
from server.tokens import hash_key, make_key
from storage.access import Viewer

BUSINESS_ID = "pawsome"
CONVERSATION_ID = "rex-grooming"
MARK = "demo"
"""The setting that says which business the demo has made: a real one must not be taken for it."""
BEGAN = "demo_began"
"""The setting that says when: whoever goes on after an interruption makes the same world."""
PEOPLE = (
    Person("olivia", "Olivia Marsh", Role.OWNER),
    Person("sam", "Sam Rivers", Role.STAFF),
    Person("carla", "Carla Vega", Role.CUSTOMER),
)
"""Whom a newcomer can be."""
TALK = (
    ("carla", "Hi! Rex is booked for a wash and trim on Thursday. Can he stay until five?"),
    ("sam", "Hello Carla, of course. I'll give him his *long* walk at four, then."),
    ("olivia", "Lovely. Five it is, and the **blueberry facial** is on the house."),
    ("carla", "You two are the best. See you Thursday!"),
)


async def prepare_demo(node: Node) -> Demo:
    """Make the demo's business unless it is there, and say what the page needs to know.

    A start that was interrupted is completed by the next one. Raises `StorageFailed`, and
    `ConfigurationError`: there is a business of that id which no demo has made.
    """
    database = node.database
    state = await node.queries.business(BUSINESS_ID)
    if state is None:
        key = hash_key(make_key("business"))
        await database.create_business(
            BUSINESS_ID, "Pawsome Pet Care", key, node.clock(), setting=MARK
        )
        state = await node.queries.business(BUSINESS_ID)
        assert state is not None
    elif await node.queries.setting(MARK) != BUSINESS_ID:
        raise ConfigurationError(
            f"{node.settings.data_dir} holds a business {BUSINESS_ID} that is not the demo's. "
            "Give the demo another folder with --data, or serve this one with `deskbell serve`."
        )
    owner = Viewer(state.no, PEOPLE[0].id, PEOPLE[0].role)
    talk = await node.queries.view(owner, CONVERSATION_ID)
    if talk is None or talk.last_seq < len(TALK):
        await _populate(node, state)
        live = await node.live(BUSINESS_ID)
        assert live is not None
        await _talk(live, node)
    return Demo(
        BUSINESS_ID,
        tuple(PersonName(id=p.id, name=p.name, role=p.role) for p in PEOPLE),
        CONVERSATION_ID,
    )


async def _populate(node: Node, state: Business) -> None:
    """What is there before anybody talks: two writes, each of which is stored whole or not."""
    began = int(await node.database.setting(BEGAN, lambda: str(node.clock())))
    world = make_world(began)
    if await node.queries.person(state, world.people[-1].person.id) is None:
        records = records_of(world, state, began)
        await node.database.journal.append(BUSINESS_ID, records, _released)
    if await node.queries.conversation(state, world.talks[-1].conversation) is None:
        talks = talks_of(world, state, node.limits, began)
        await node.database.journal.append(BUSINESS_ID, talks, _released)


def _released(_: int) -> None:
    """Nobody is there yet who could be shown it."""


async def _talk(live: LiveBusiness, node: Node) -> None:
    """The conversation that is seen first: it is the newest."""
    speakers = {p.id: Speaker(p.id, p.name, p.role, "demo") for p in PEOPLE}
    _, created = await creating.create(
        node.queries,
        live,
        speakers["carla"],
        "group",
        ("sam",),
        "Rex's grooming",
        CONVERSATION_ID,
    )
    raise_refused(created)
    for number, (author, text) in enumerate(TALK, 1):
        said = commands.Send(speakers[author], f"demo-{number}", text)
        raise_refused(await ask_conversation(live, CONVERSATION_ID, said))
    for speaker in speakers.values():
        seen = commands.AdvanceReceipt(speaker, len(TALK), len(TALK) - 1)
        raise_refused(await ask_conversation(live, CONVERSATION_ID, seen))
