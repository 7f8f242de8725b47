"""What somebody who was away has missed of people, settings and their own rights."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from storage.access import Viewer, sees_person
from storage.missed import Item, OwnPrivacy, Settings, Somebody, Visibility


def people(connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int) -> list[Item]:
    """Of people as others see them; nobody hears of a stranger."""
    parameters = (viewer.business_no, viewer.person, after, limit)
    changed = connection.execute(
        "SELECT p.revision, p.id, p.name, p.role, p.active FROM person p"
        f" WHERE p.business_no = ?1 AND p.revision > ?3 AND {sees_person(viewer)}"
        " ORDER BY p.revision LIMIT ?4",
        parameters,
    ).fetchall()
    hidden = connection.execute(
        "SELECT p.privacy_revision, p.id FROM person p WHERE p.business_no = ?1 AND p.id <> ?2"
        f" AND p.privacy_revision > ?3 AND {sees_person(viewer)}"
        " ORDER BY p.privacy_revision LIMIT ?4",
        parameters,
    ).fetchall()
    items: list[Item] = [
        *(
            (rev, Somebody(id_, name, role, bool(active)))
            for rev, id_, name, role, active in changed
        ),
        *((revision, Visibility(id_)) for revision, id_ in hidden),
    ]
    return sorted(items, key=itemgetter(0))


@dataclass(frozen=True, slots=True)
class Desk:
    """What holds for the viewer in the business, and since when."""

    access_revision: int
    settings: tuple[int, Settings]
    privacy: tuple[int, OwnPrivacy]

    @property
    def shows_reads(self) -> bool:
        """Whether the viewer sees how far those have read who let it be seen."""
        return self.settings[1].read_receipts and self.privacy[1].read_receipts

    def items(self, after: int) -> Iterable[Item]:
        items: tuple[Item, ...] = (self.settings, self.privacy)
        return sorted((item for item in items if item[0] > after), key=itemgetter(0))


def desk(connection: sqlite3.Connection, viewer: Viewer) -> Desk:
    """What holds for the viewer in the business."""
    access, changed, receipts, seen, chosen, own_receipts, own_seen = connection.execute(
        "SELECT max(b.access_revision, p.access_revision), b.revision, b.read_receipts,"
        " b.last_seen, p.privacy_revision, p.read_receipts, p.last_seen"
        " FROM business b JOIN person p ON p.business_no = b.no AND p.id = ? WHERE b.no = ?",
        (viewer.person, viewer.business_no),
    ).fetchone()
    return Desk(
        access,
        (changed, Settings(bool(receipts), bool(seen))),
        (chosen, OwnPrivacy(bool(own_receipts), bool(own_seen))),
    )
