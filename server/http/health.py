"""Signs of life: for load balancers, containers and people who wonder."""

from domain.refusal import Code, Refusal
from server.http.fields import Nothing, Output
from server.http.route import ANYBODY, Call, Route


class Health(Output, frozen=True, kw_only=True):
    status: str
    version: str


NOT_READY = Refusal(Code.UNAVAILABLE, "The server is not ready. Try again in a moment.", 1.0)


async def health(call: Call[Nothing, Nothing]) -> Health:
    """The process answers."""
    return Health(status="ok", version=call.site.version)


async def ready(call: Call[Nothing, Nothing]) -> Health | Refusal:
    """It serves: what is sent will be stored."""
    return Health(status="ready", version=call.site.version) if call.site.ready() else NOT_READY


ROUTES = (
    Route(
        method="GET",
        path="/v1/health",
        summary="Whether the process answers",
        handler=health,
        callers=ANYBODY,
        parameters=Nothing,
        body=Nothing,
        answer=Health,
        shows=Health(status="ok", version="0.1.0"),
    ),
    Route(
        method="GET",
        path="/v1/ready",
        summary="Whether it serves; 503 while it starts or stops",
        handler=ready,
        callers=ANYBODY,
        parameters=Nothing,
        body=Nothing,
        answer=Health,
        refusals=(Code.UNAVAILABLE,),
        shows=Health(status="ready", version="0.1.0"),
    ),
)
