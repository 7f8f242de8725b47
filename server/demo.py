"""The demo: a small pet-care business with three people who talk, made on the first start."""

from actors.business import ChangeLocation, ChangePerson
from domain import commands
from domain.commands import Answer, Speaker
from domain.errors import StorageFailed
from domain.events import Person
from domain.refusal import Refusal
from domain.roles import Role
from domain.views import PersonName
from server import creating
from server.asking import ASK_SECONDS, answer_of, ask_conversation
from server.config import ConfigurationError
from server.http.demo import Demo
from server.live import LiveBusiness
from server.node import BUSINESS, Node
from server.reading import viewer_of
from server.tokens import hash_key, make_key

BUSINESS_ID = "pawsome"
CONVERSATION_ID = "rex-grooming"
MARK = "demo"
"""The setting that says which business the demo has made: a real one must not be taken for it."""
PEOPLE = (
    Person("olivia", "Olivia Marsh", Role.OWNER),
    Person("sam", "Sam Rivers", Role.STAFF),
    Person("carla", "Carla Vega", Role.CUSTOMER),
)
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
    live = await node.live(BUSINESS_ID)
    if live is None:
        await node.database.create_business(
            BUSINESS_ID,
            "Pawsome Pet Care",
            hash_key(make_key("business")),
            node.clock(),
            setting=MARK,
        )
        live = await node.live(BUSINESS_ID)
        assert live is not None
    elif await node.queries.setting(MARK) != BUSINESS_ID:
        raise ConfigurationError(
            f"{node.settings.data_dir} holds a business {BUSINESS_ID} that is not the demo's. "
            "Give the demo another folder with --data, or serve this one with `deskbell serve`."
        )
    owner = viewer_of(live, PEOPLE[0].id, PEOPLE[0].role)
    talk = await node.queries.view(owner, CONVERSATION_ID)
    if talk is None or talk.last_seq < len(TALK):
        await _populate(node, live)
    return Demo(
        BUSINESS_ID,
        tuple(PersonName(id=p.id, name=p.name, role=p.role) for p in PEOPLE),
        CONVERSATION_ID,
    )


async def _populate(node: Node, live: LiveBusiness) -> None:
    location = ChangeLocation("demo", "main", "Pawsome Downtown", "America/New_York")
    _stored(answer_of(await live.desk.ask(BUSINESS, location, ASK_SECONDS)))
    for person in PEOPLE:
        change = ChangePerson("demo", None, person, ("main",))
        _stored(answer_of(await live.desk.ask(BUSINESS, change, ASK_SECONDS)))
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
    _stored(created)
    for number, (author, text) in enumerate(TALK, 1):
        said = commands.Send(speakers[author], f"demo-{number}", text)
        _stored(await ask_conversation(live, CONVERSATION_ID, said))
    for person in PEOPLE:
        seen = commands.AdvanceReceipt(speakers[person.id], len(TALK), len(TALK) - 1)
        _stored(await ask_conversation(live, CONVERSATION_ID, seen))


def _stored(answer: Answer) -> None:
    if isinstance(answer, Refusal):
        raise StorageFailed(f"the demo could not be made ({answer.code})")
