"""How a business wants things to be: the settings that rules ask for."""

import re
from enum import StrEnum

import msgspec

from domain.refusal import Code, Refusal


class UnreadBy(StrEnum):
    """Whose reading makes a message read for the team."""

    PERSONAL = "personal"
    TEAM = "team"


ATTRIBUTION_HOURS_MOST = 24 * 90
POST_VISIT_MINUTES_MOST = 24 * 60


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """``staff_to_staff``: the team may talk among themselves. ``customers_see_presence``: who of
    the team is there. ``attribution_hours``: within them a reply belongs to the latest message
    that went out. ``post_visit_minutes``: after a visit nobody is told that it is closed.
    ``region``: the country of phone numbers that are written without one, or ``""``.
    ``unread``: whether the team shares one count where a customer is.
    """

    staff_to_staff: bool = True  # DT-23
    unread: UnreadBy = UnreadBy.PERSONAL  # EX-24
    customers_see_presence: bool = True  # C-26
    attribution_hours: int = 72  # C-29
    post_visit_minutes: int = 120  # EX-29
    region: str = ""


def shows_otherwise(policies: Policies, before: Policies) -> bool:
    """Whether what people hold was shown them by rules that hold no more: they load it afresh."""
    return (
        policies.customers_see_presence != before.customers_see_presence
        or policies.unread is not before.unread
    )


_region = re.compile(r"[A-Z]{2}").fullmatch


def refuse_policies(policies: Policies) -> Refusal | None:
    """Why a business cannot have these, or ``None``."""
    if not 1 <= policies.attribution_hours <= ATTRIBUTION_HOURS_MOST:
        return _bad("attribution_hours", f"it is 1 to {ATTRIBUTION_HOURS_MOST} hours.")
    if not 0 <= policies.post_visit_minutes <= POST_VISIT_MINUTES_MOST:
        return _bad("post_visit_minutes", f"it is 0 to {POST_VISIT_MINUTES_MOST} minutes.")
    if policies.region and not _region(policies.region):
        return _bad("region", "write a country as two capital letters, like US.")
    return None


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"'{field}': {message}")
