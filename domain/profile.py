"""What a business knows of somebody beside name, role and locations.

Rules
1. A phone number may be shared. Those of one household are one party; any other two who share one
   make it ambiguous, and so does somebody of the team who shares one with a customer (EX-31, C-28).
2. The contact of a customer is shown to themselves, to the business's backend, and to who has the
   permission `contacts`; that of one of the team to themselves, the backend and who leads.
3. A customer says themselves whether the app is installed (only the app knows), what they consent
   to, and their language. Numbers and addresses are the business's to change.
4. Only a customer is enrolled or not, blocked or not. Who becomes one of the team is neither any
   more; who of the team is to have no access is deactivated.
"""

from collections.abc import Collection

import msgspec

from domain.contact import Consents, Contact, refuse_contact
from domain.limits import NAME_BYTES
from domain.permissions import Permission, Permissions, granted
from domain.refusal import Code, Refusal
from domain.roles import LEADERS, TEAM, Role
from domain.text import refuse_label


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """``permissions`` ``None``: those that are usual for the role.

    ``enrolled``: a customer of the centre, not deleted there (TI-01). ``blocked``: what they send
    is nobody's work (EX-32). ``household``: an id that those of one household share.
    ``reference``: what another system calls them.
    """

    permissions: Permissions | None = None
    contact: Contact = Contact()
    enrolled: bool = True
    blocked: bool = False
    household: str = ""
    reference: str = ""


class Holder(msgspec.Struct, frozen=True):
    """Somebody who was found by a number or an address."""

    person: str
    role: Role
    household: str = ""


def refuse_profile(profile: Profile) -> Refusal | None:
    """Why this cannot be what is known of somebody, or ``None``."""
    refusal = refuse_contact(profile.contact)
    if refusal is None and profile.reference:
        refusal = refuse_label(profile.reference, NAME_BYTES, "reference")
    return refusal


def with_standing(
    profile: Profile, role: Role, enrolled: bool | None, blocked: bool | None
) -> Profile | Refusal:
    """``profile`` of who is ``role``, once that is said of them (rule 4); ``None`` is as it is."""
    if role is Role.CUSTOMER:
        return msgspec.structs.replace(
            profile,
            enrolled=profile.enrolled if enrolled is None else enrolled,
            blocked=profile.blocked if blocked is None else blocked,
        )
    for field, said in (("enrolled", enrolled), ("blocked", blocked)):
        if said is not None:
            text = f"'{field}': this is said of customers alone. Leave it out; 'active' is for all."
            return Refusal(Code.BAD_REQUEST, text)
    return msgspec.structs.replace(profile, enrolled=True, blocked=False)


def is_ambiguous(holders: Collection[Holder]) -> bool:
    """Whether a number or an address that ``holders`` share says not who it is (rule 1)."""
    if len(holders) < 2:
        return False
    households = {holder.household for holder in holders}
    sides = {holder.role in TEAM for holder in holders}
    return len(households) > 1 or "" in households or len(sides) > 1


def sees_contact(
    viewer: str, role: Role | None, own: Permissions | None, person: str, of_role: Role
) -> bool:
    """Whether ``viewer`` is shown how ``person`` is reached (rule 2); ``role`` `None`: backend."""
    if role is None or viewer == person or role in LEADERS:
        return True
    return of_role is Role.CUSTOMER and Permission.CONTACTS in granted(role, own)


def own_contact(
    contact: Contact,
    app_installed: bool | None,
    language: str | None,
    consents: Consents | None,
) -> Contact:
    """``contact`` after its person has said what is theirs to say; ``None`` is as it is."""
    return msgspec.structs.replace(
        contact,
        app_installed=contact.app_installed if app_installed is None else app_installed,
        language=contact.language if language is None else language,
        consents=contact.consents if consents is None else consents,
    )
