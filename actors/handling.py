"""What a conversation actor needs for the handling: facts about customers, and who is there."""

from collections.abc import Container

import msgspec

from actors.ports import ConversationStore, Publisher
from domain import handling as rules
from domain.business import Business
from domain.commands import Done, Handle, Send, Speaker, Tend
from domain.conversation import Conversation, SentKey
from domain.events import HandlingChanged, MessageSent
from domain.refusal import Refusal
from domain.roles import Role
from domain.routing import CustomerFacts, Trigger, route
from domain.tending import decide_tend, is_displaced, is_nowhere

SAID_MAX = 64


class HandlingDesk:
    """Of one conversation. A customer's facts are looked up once, until they change."""

    def __init__(
        self, business: Business, store: ConversationStore, publisher: Publisher, members: int
    ) -> None:
        """``members``: how many may be in it, and of how many customers facts are kept at hand."""
        self._business = business
        self._store = store
        self._publisher = publisher
        self._members = members
        self.said: dict[SentKey, None] = {}  # bound: SAID_MAX
        """What the business said by itself of late: should it be stored already, that must show."""
        self._facts: dict[str, tuple[CustomerFacts, int, int]] = {}  # bound: `trim`, a batch
        self.crowded = False
        """Whether more is at hand than is to be kept: for `trim`, before the next batch."""

    def forget(self) -> None:
        """The conversation is loaded again."""
        self._facts.clear()

    def trim(self) -> None:
        """A batch begins: the oldest facts go. None do within a batch, which may need them all."""
        while len(self._facts) > self._members:
            del self._facts[next(iter(self._facts))]
        self.crowded = False

    async def learn(self, speaker: Speaker, state: Conversation | None, now: int) -> None:
        """By what a customer's message is routed, unless that is known and still holds.

        Of what is placed nowhere it is looked up each time: where they wrote last may decide.
        """
        if speaker.role is not Role.CUSTOMER or (state is not None and state.kind == "direct"):
            return
        customer = speaker.person
        stamp = self._business.stamp(customer)
        known = self._facts.get(customer)
        placed = state is None or bool(state.handling.locations)
        if known is not None and known[1] == stamp and now < known[2] and placed:
            return
        facts, until = await self._store.customer_facts(self._business, customer, now)
        self._facts[customer] = facts, stamp, until
        self.crowded = len(self._facts) > self._members

    async def informed(self, command: Tend, state: Conversation | None, now: int) -> Tend:
        """With the facts by which it is placed, if its location has gone, or if it has none.

        They are those of the first customer in it of whom one knows where they belong.
        """
        if state is None or not (is_displaced(state, self._business) or is_nowhere(state)):
            return command
        for customer in [id_ for id_, m in state.members.items() if m.role is Role.CUSTOMER]:
            facts, _ = await self._store.customer_facts(self._business, customer, now)
            if route(Trigger(), facts, (), self._business.standing).locations:
                return msgspec.structs.replace(command, facts=facts)
        return command

    def decide(
        self, state: Conversation, command: Handle | Tend, now: int
    ) -> HandlingChanged | Done | Refusal:
        """What the command makes of the handling."""
        if isinstance(command, Tend):
            return decide_tend(state, self._business, command, now) or Done()
        return rules.decide_handle(state, self._business, command, now) or Done()

    def accompany(
        self,
        state: Conversation,
        command: Send,
        message: MessageSent,
        earlier: Container[SentKey],
    ) -> rules.Accompanied:
        """The message with what it changes, and what is to be recorded before and after it."""
        business = self._business
        if not rules.is_handled(state, business):
            return rules.Accompanied((), message)
        facts = None
        if command.speaker.role is Role.CUSTOMER:
            known = self._facts.get(command.speaker.person)
            if known is None:  # the first location came while the batch was looked up
                return rules.Accompanied((), message)
            facts = known[0]
        found = rules.accompany(state, business, command, message, facts, earlier, self._members)
        for reply in found.after:
            self._note_said(reply)
        why = found.message.routed
        if why is None:
            return found
        live = self._publisher.present(business, {*why.recipients, *business.owners})
        why = msgspec.structs.replace(why, live=live)
        routed = why if why != state.routed else None
        message = msgspec.structs.replace(found.message, routed=routed)
        return rules.Accompanied(found.before, message, found.after)

    def _note_said(self, reply: MessageSent) -> None:
        if len(self.said) >= SAID_MAX:
            self.said.pop(next(iter(self.said)))
        self.said[reply.author, reply.device, reply.client_message_id] = None
