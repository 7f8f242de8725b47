"""A revoked token is remembered for as long as it would be valid, and no longer."""

import sqlite3
from contextlib import closing
from pathlib import Path

from domain.events import AccessRevoked, Person, PersonChanged
from domain.roles import Role
from storage.database import FILE_NAME
from tests.contract.house import House, running_database


async def test_r27_what_has_expired_is_forgotten_with_the_next_revocation(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        start = house.now
        for n in range(100):
            now = start + n * 1_000
            revoked = AccessRevoked(now, "olivia", "carla", f"token-{n}", now + 5_000)
            await house.append([revoked])
        valid = await database.queries.revoked_tokens(start + 99_000)
        assert sorted(valid) == [f"token-{n}" for n in range(95, 100)]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM revoked_token").fetchone()
    assert rows == len(valid)


async def test_r27_tokens_of_an_older_file_are_void_once_their_person_has_been_deactivated(
    tmp_path: Path,
) -> None:
    """There it was the time of the revocation, which is larger than any revision."""
    async with running_database(tmp_path) as database:
        await House.founded(database)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE person SET revoked_revision = 1792000000000 WHERE id = 'carla'")
    async with running_database(tmp_path) as database:
        business = await database.queries.business("pawsome")
        assert business is not None
        carla = Person("carla", "Carla", Role.CUSTOMER, active=False)
        revisions: list[int] = []
        gone = PersonChanged(1_793_000_000_000, "backend", carla, ("main",), access=True)
        await database.journal.append("pawsome", [gone], revisions.append)
        record = await database.queries.person(business, "carla")
        assert record is not None
        assert record.revoked_revision == revisions[0]
