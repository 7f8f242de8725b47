"""What live connections are told of the business itself, and which of them it ends."""

from dataclasses import dataclass

from domain.account_events import AccountChanged, AccountRemoved, SignedIn
from domain.business import Business, Seers
from domain.erasure_events import PersonErased
from domain.events import (
    AccessRevoked,
    BusinessChanged,
    BusinessEvent,
    KeyRevoked,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
)
from domain.record_events import ImportFinished, LocationMerged
from protocol import frames
from protocol.close_codes import CloseCode
from server.live import LiveBusiness
from server.showing import Showing


@dataclass(slots=True)
class BusinessFanOut(Showing):
    """Shows changes of settings and people, and ends the connections whose rights they changed."""

    def business_event(
        self, business: Business, revision: int, event: BusinessEvent, seers: Seers | None
    ) -> None:
        """Show a change of the business, and end the connections whose rights it changed.

        ``seers`` may know of the person who changed; ``None``: everybody.
        """
        live = self.businesses.get(business.id)
        if live is None:
            return
        match event:
            case BusinessChanged(access=True):
                # Nobody is shown it: a cursor that had come so far would need no reset.
                self._reset_everybody(live, "other settings")
            case BusinessChanged():
                frame = frames.BusinessChanged(
                    revision=revision,
                    read_receipts=event.read_receipts,
                    last_seen=event.last_seen,
                )
                self._show(live, revision, frame, tuple(live.connections), ())
            case PrivacyChanged():
                own = frames.PrivacyChanged(
                    revision=revision,
                    read_receipts=event.read_receipts,
                    last_seen=event.last_seen,
                )
                self._show(live, revision, own, (event.person,), ())
                self._seen_otherwise(live, seers, but=event.person)
            case PersonChanged():
                self._person_changed(live, event, seers)
            case OwnershipTransferred():
                self._reset_everybody(live, "ownership changed")
            case ImportFinished():
                self._reset_everybody(live, "import finished")
            case _:
                self._rights_changed(live, event)

    def _rights_changed(self, live: LiveBusiness, event: BusinessEvent) -> None:
        """End the connections whose rights are others now, or none; nobody is shown the rest."""
        match event:
            case LocationMerged():
                for person in event.team:
                    self._end(live, person, CloseCode.RESET, "locations changed")
            case AccessRevoked():
                self._revoked(live, event)
            case KeyRevoked():
                live.revoked_keys.add(event.key)
            case AccountRemoved():
                self._end(live, event.person, CloseCode.UNAUTHENTICATED, "revoked")
            case AccountChanged() if event.anew:
                self._end(live, event.person, CloseCode.UNAUTHENTICATED, "revoked")
            case SignedIn() if event.password_hash:
                self._end(live, event.person, CloseCode.UNAUTHENTICATED, "revoked")
            case _:
                pass

    def _person_changed(
        self, live: LiveBusiness, event: PersonChanged, seers: Seers | None
    ) -> None:
        if not event.person.active:
            self._end(live, event.person.id, CloseCode.DEACTIVATED, "deactivated")
        elif event.access:
            self._end(live, event.person.id, CloseCode.RESET, "role changed")
        if event.ownership:
            self._reset_everybody(live, "ownership changed")
        elif isinstance(event, PersonErased) and event.titled:
            self._reset_everybody(live, "titles changed")
        elif event.shown:
            self._seen_otherwise(live, seers)

    def _seen_otherwise(self, live: LiveBusiness, seers: Seers | None, but: str = "") -> None:
        """Whoever may know of it reads on in the log, which says whether they do.

        Who has been told nothing since ``seers`` were looked up has met nobody since.
        """
        for connection in live.everybody():
            if connection.person != but and (
                seers is None
                or connection.person in seers.people
                or connection.revision > seers.revision
            ):
                connection.fall_behind()

    def _reset_everybody(self, live: LiveBusiness, reason: str) -> None:
        """What everybody holds is void: an owner is in every member list, for one."""
        live.access_changes[""] += 1
        for connection in list(live.everybody()):
            connection.end(CloseCode.RESET, reason)

    def _revoked(self, live: LiveBusiness, event: AccessRevoked) -> None:
        live.access_changes["" if event.token else event.person] += 1
        if event.token:
            self.tokens.revoke(event.token)
        # Who holds a token is looked at now: they may have come after its revocation was asked for.
        holders = live.everybody() if event.token else live.connections_of(event.person)
        for connection in list(holders):
            if event.token in ("", connection.token_id):
                connection.end(CloseCode.UNAUTHENTICATED, "revoked")

    def _end(self, live: LiveBusiness, person: str, code: CloseCode, reason: str) -> None:
        live.access_changes[person] += 1
        for connection in list(live.connections_of(person)):
            connection.end(code, reason)
