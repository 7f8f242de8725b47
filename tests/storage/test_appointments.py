"""What the queries about appointments find is what the rules say of the same appointments."""

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.appointments import Appointment, AppointmentStatus, assigned, last_of, next_of
from domain.roles import Role
from storage import appointments
from storage.access import Viewer
from storage.appointments import Filter, Reader
from storage.migrations import migrate

TEAM = {"sam": True, "ann": True, "gone": False}

some = st.builds(
    Appointment,
    id=st.sampled_from([f"a{n}" for n in range(8)]),
    customer=st.sampled_from(["carla", "mia"]),
    staff=st.sampled_from(["", *TEAM]),
    location=st.sampled_from(["main", "north"]),
    start=st.integers(0, 12),
    end=st.integers(12, 20),
    status=st.sampled_from(AppointmentStatus),
)
whose = st.sampled_from(["", "carla", "mia"])
stored = st.lists(some, max_size=8, unique_by=lambda a: a.id)


def filled(found: list[Appointment]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    connection.execute("INSERT INTO business (id, name, created_at) VALUES ('p', 'P', 1)")
    for person, active in TEAM.items():
        connection.execute(
            "INSERT INTO person (business_no, id, name, folded_name, role, active)"
            " VALUES (1, ?, ?, ?, 'staff', ?)",
            (person, person, person, active),
        )
    connection.executemany(
        "INSERT INTO appointment VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(a.id, a.customer, a.staff, a.location, a.start, a.end, a.status, a.title) for a in found],
    )
    return connection


@settings(max_examples=60, deadline=None)
@given(stored, st.integers(0, 22))
def test_queries_find_what_the_rules_say(found: list[Appointment], now: int) -> None:
    with closing(filled(found)) as connection:
        for customer in ("carla", "mia"):
            own = [a for a in found if a.customer == customer]
            last, coming = last_of(own, now), next_of(own, now)
            at = appointments.last_location(connection, 1, customer, now)
            assert at == (None if last is None else last.location)
            assert appointments.next_of(connection, 1, customer, now) == coming
            staff = appointments.assigned_staff(connection, 1, customer, now)
            assert staff == assigned(own, ("sam", "ann"), now)


@settings(max_examples=60, deadline=None)
@given(
    stored, st.sampled_from(["", "carla", "mia"]), st.sampled_from(["", "main"]), st.integers(1, 3)
)
def test_pages_are_whole_and_in_order_and_hold_only_what_may_be_seen(
    found: list[Appointment], customer: str, location: str, limit: int
) -> None:
    readers = {
        Reader(Viewer(1, "olivia", Role.OWNER)): lambda a: True,
        Reader(Viewer(1, "carla", Role.CUSTOMER)): lambda a: a.customer == "carla",
        Reader(Viewer(1, "sam", Role.STAFF)): lambda a: a.staff == "sam",
        Reader(Viewer(1, "sam", Role.STAFF), ("north",)): (
            lambda a: a.staff == "sam" or a.location == "north"
        ),
        Reader(Viewer(2, "sam", Role.OWNER)): lambda a: False,
    }
    wanted = Filter(customer=customer, location=location, start=2, until=9)
    with closing(filled(found)) as connection:
        for reader, sees in readers.items():
            expected = sorted(
                (
                    a
                    for a in found
                    if sees(a)
                    and customer in ("", a.customer)
                    and location in ("", a.location)
                    and 2 <= a.start < 9
                ),
                key=lambda a: (a.start, a.id),
            )
            pages: list[Appointment] = []
            after = (0, "")
            while page := appointments.page(connection, reader, wanted, after, limit):
                pages += page
                after = (page[-1].start, page[-1].id)
            assert pages == expected
            for one in found:
                shown = appointments.seen(connection, reader, one.id)
                assert shown == (one if sees(one) else None)
