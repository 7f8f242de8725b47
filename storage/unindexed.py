"""What has been stored since the full-text index was written, and belongs to an answer, too."""

import json
import sqlite3

from storage.access import Granted, Viewer, readable
from storage.catch_up import FIRST_AFTER, SEEN_CHANGE
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.log import newest_revision
from storage.search_index import position

UNINDEXED = 500
"""So many texts, or conversations that moved, are looked at; not beyond it."""


def unindexed(
    connection: sqlite3.Connection, viewer: Viewer, only: Granted | None
) -> list[int] | None:
    """Keys of what was said or changed since the index was written; ``None``: too much.

    As far as the viewer may read it, or of conversation ``only``. A title has seq 0.
    """
    business_no = viewer.business_no
    after = position(connection, business_no)
    if newest_revision(connection, business_no) <= after:
        return []
    if only is not None:
        moved = [(only.no, only.first_key)]
    else:
        moved = connection.execute(
            f"SELECT r.no, r.first_key FROM head h CROSS JOIN {readable(viewer, one_by_one=True)} r"
            " ON r.no = h.conversation_no WHERE h.business_no = ?1 AND h.revision > ?3 LIMIT ?4",
            (business_no, viewer.person, after, UNINDEXED + 1),
        ).fetchall()
    if len(moved) > UNINDEXED:
        return None
    keys = connection.execute(_SINCE, (json.dumps(moved), after, UNINDEXED + 1)).fetchall()
    return None if len(keys) > UNINDEXED else [key for (key,) in keys]


_SINCE = (
    "WITH l AS (SELECT json_extract(value, '$[0]') AS no, json_extract(value, '$[1]') AS first_key"
    " FROM json_each(?1))"
    f" SELECT l.no << {SEQ_BITS} FROM l JOIN conversation c ON c.no = l.no"
    "  WHERE c.created_revision > ?2"
    f" UNION SELECT m.id FROM l JOIN message m ON m.id BETWEEN {FIRST_AFTER}"
    f"  AND l.no << {SEQ_BITS} | {SEQ_MASK}"
    f" UNION SELECT l.no << {SEQ_BITS} | ch.seq FROM l JOIN change ch {SEEN_CHANGE}"
    " LIMIT ?3"
)
