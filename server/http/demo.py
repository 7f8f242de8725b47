"""The demo: whoever reaches it may be one of its people. Elsewhere these routes do not exist."""

from domain.refusal import NOT_FOUND, Code, Refusal
from domain.views import PersonName
from server.http.caller import STOPPING
from server.http.fields import Id, Input, Nothing, Output
from server.http.route import ANYBODY, Call, Route
from server.http.site import Demo as Demo
from server.http.tokens import EXAMPLE, Token, issue


class DemoPeople(Output, frozen=True, kw_only=True):
    """Who can be signed in as, and the id of what they talk in."""

    people: tuple[PersonName, ...]
    conversation: str


class DemoToken(Input, frozen=True, kw_only=True):
    person: Id


async def people(call: Call[Nothing, Nothing]) -> DemoPeople | Refusal:
    """The demo's people."""
    demo = call.site.demo
    if demo is None:
        return NOT_FOUND
    return DemoPeople(people=demo.people, conversation=demo.conversation)


async def token(call: Call[Nothing, DemoToken]) -> Token | Refusal:
    """A token for one of the demo's people."""
    demo, person = call.site.demo, call.body.person
    if demo is None or person not in {known.id for known in demo.people}:
        return NOT_FOUND
    live = await call.node.live(demo.business)
    return STOPPING if live is None else await issue(call.node, live, person)


ROUTES = (
    Route(
        method="GET",
        path="/v1/demo",
        summary="The people of the demo",
        handler=people,
        callers=ANYBODY,
        parameters=Nothing,
        body=Nothing,
        answer=DemoPeople,
        refusals=(Code.NOT_FOUND,),
        shows=DemoPeople(
            people=(PersonName(id="carla", name="Carla Vega", role="customer"),),
            conversation="rex-grooming",
        ),
    ),
    Route(
        method="POST",
        path="/v1/demo/tokens",
        summary="A token for one of the demo's people",
        handler=token,
        callers=ANYBODY,
        parameters=Nothing,
        body=DemoToken,
        answer=Token,
        status=201,
        refusals=(Code.NOT_FOUND, Code.UNAVAILABLE),
        asks=DemoToken(person="carla"),
        shows=EXAMPLE,
    ),
)
