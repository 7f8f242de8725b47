"""What writes where conversations and their people stand: rows of `head` and `cursor`."""

from storage.rows import Insert

AS_BEFORE = -1
"""As ``waiting_since``: whoever waited, waits."""


def heads() -> Insert:
    """Conversations: ``activity`` and how far the team has read only rise."""
    return Insert(
        "INSERT INTO head (business_no, conversation_no, revision, activity, waiting_since,"
        " heard_at, team_read_up_to, team_read_revision)",
        8,
        "ON CONFLICT (business_no, conversation_no) DO UPDATE SET revision = excluded.revision,"
        " activity = max(activity, excluded.activity), waiting_since ="
        f" iif(excluded.waiting_since = {AS_BEFORE}, waiting_since, excluded.waiting_since),"
        " heard_at = max(heard_at, excluded.heard_at),"
        " team_read_up_to = max(team_read_up_to, excluded.team_read_up_to),"
        " team_read_revision = max(team_read_revision, excluded.team_read_revision)",
    )


def cursors() -> Insert:
    """People in conversations, each as they stand now."""
    return Insert(
        "INSERT INTO cursor (conversation_no, person, delivered_up_to, delivered_at,"
        " read_up_to, read_at, revision, delivered_revision)",
        8,
        "ON CONFLICT (conversation_no, person) DO UPDATE SET"
        " delivered_up_to = excluded.delivered_up_to, delivered_at = excluded.delivered_at,"
        " read_up_to = excluded.read_up_to, read_at = excluded.read_at,"
        " revision = excluded.revision,"
        " delivered_revision = max(delivered_revision, excluded.delivered_revision)",
    )
