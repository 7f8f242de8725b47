"""What the desk is asked about erasing people, and about legal holds."""

import msgspec

from actors.ports import DeskStore
from domain.business import Business
from domain.erasure import decide_erasure, decide_hold
from domain.erasure_events import PersonErased
from domain.record_events import HoldChanged, HoldKind
from domain.refusal import Refusal
from domain.roles import Role


class ErasePerson(msgspec.Struct, frozen=True):
    """``author_role`` is ``None`` for the business's own backend."""

    author: str
    author_role: Role | None
    person: str


class ChangeHold(msgspec.Struct, frozen=True):
    """Place a hold on a person or a conversation, or lift it."""

    author: str
    kind: HoldKind
    id: str
    placed: bool


ErasureCommand = ErasePerson | ChangeHold


async def decide_about_erasure(
    business: Business, store: DeskStore, command: ErasureCommand, now: int
) -> PersonErased | HoldChanged | Refusal | None:
    """The event, why not, or ``None``: it is so already.

    Whether a hold is placed is asked here, where holds are placed: none can come in between.
    """
    if isinstance(command, ChangeHold):
        exists, held = await store.hold(business, command.kind, command.id)
        return decide_hold(
            command.author,
            command.kind,
            command.id,
            now,
            exists=exists,
            held=held,
            placed=command.placed,
        )
    known = await store.people(business, (command.person,))
    return decide_erasure(
        business,
        command.author,
        command.author_role,
        known[0] if known else None,
        await store.titled(business, command.person),
        now,
        covered=await store.covered(business, command.person),
    )
