"""Who is found by a shared number, who sees how somebody is reached, what is theirs to say."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact import Consents, Contact
from domain.permissions import Permission, granted
from domain.profile import (
    Holder,
    Profile,
    is_ambiguous,
    own_contact,
    refuse_profile,
    sees_contact,
)
from domain.roles import LEADERS, Role

roles = st.sampled_from(Role)
sets = st.none() | st.frozensets(st.sampled_from(Permission))
holders = st.lists(
    st.builds(Holder, st.text(max_size=3), roles, st.sampled_from(["", "vega", "fox"])), max_size=4
)


@pytest.mark.requirement("EX-31", "C-28")
@pytest.mark.parametrize(
    ("households", "ambiguous"),
    [
        ([], False),
        ([""], False),
        (["vega"], False),
        (["vega", "vega", "vega"], False),
        (["vega", "fox"], True),
        (["vega", ""], True),
        (["", ""], True),
    ],
)
def test_a_shared_number_is_of_one_household_or_ambiguous(
    households: list[str], ambiguous: bool
) -> None:
    found = [Holder(str(n), Role.CUSTOMER, each) for n, each in enumerate(households)]
    assert is_ambiguous(found) is ambiguous


@pytest.mark.requirement("C-28")
def test_a_number_of_the_team_and_of_a_customer_is_ambiguous() -> None:
    found = [Holder("sam", Role.STAFF, "vega"), Holder("carla", Role.CUSTOMER, "vega")]
    assert is_ambiguous(found)


@given(holders)
def test_who_is_ambiguous_stays_so_with_more_people(found: list[Holder]) -> None:
    if is_ambiguous(found[:-1]):
        assert is_ambiguous(found)


@given(st.none() | roles, sets, roles, st.booleans())
def test_who_sees_how_somebody_is_reached(
    role: Role | None, own: frozenset[Permission] | None, of_role: Role, of_self: bool
) -> None:
    sees = sees_contact("me", role, own, "me" if of_self else "other", of_role)
    permitted = Permission.CONTACTS in granted(role, own)
    leads = role is None or role in LEADERS
    assert sees is (of_self or leads or (permitted and of_role is Role.CUSTOMER))
    if role is Role.CUSTOMER:
        assert sees is of_self


@given(st.none() | st.booleans(), st.none() | st.sampled_from(["it", ""]), st.booleans())
def test_who_says_how_they_want_to_be_reached_changes_no_number(
    installed: bool | None, language: str | None, says_consents: bool
) -> None:
    before = Contact(phones=("+12125550100",), email="c@example.com", email_verified=True)
    consents = Consents(sms_marketing=True) if says_consents else None
    after = own_contact(before, installed, language, consents)
    assert (after.phones, after.email, after.email_verified) == (
        before.phones,
        before.email,
        before.email_verified,
    )
    assert after.app_installed is bool(installed)
    assert after.language == (language or "")
    assert after.consents == (consents or Consents())


@pytest.mark.parametrize(
    "profile",
    [
        Profile(reference="a\nb"),
        Profile(reference="x" * 201),
        Profile(contact=Contact(phones=("212",))),
        Profile(contact=Contact(email="nobody")),
        Profile(contact=Contact(email_verified=True)),
        Profile(contact=Contact(language="no language")),
    ],
)
def test_what_cannot_be_known_of_somebody(profile: Profile) -> None:
    assert refuse_profile(profile) is not None
    assert refuse_profile(msgspec.structs.replace(Profile(), reference="宠物-7")) is None
