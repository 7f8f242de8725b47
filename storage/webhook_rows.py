"""The rows of changes of webhooks and of the send hook; each leaves one in the audit."""

import json
import sqlite3

from domain.audit import AuditDetail, AuditKind
from domain.events import SendHookChanged, WebhookChanged, WebhookRemoved
from storage.audit import AuditEntry, add_entry
from storage.rows import Statements

_OF_A_WEBHOOK = "webhook_no = (SELECT no FROM webhook WHERE business_no = ? AND id = ?)"


class WebhookRows:
    """One method per event."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def webhook_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: WebhookChanged
    ) -> None:
        webhook = event.webhook
        self._statements.add(
            "INSERT INTO webhook (business_no, id, url, events, secret, former_secret,"
            " former_until, created_at, active, reason, position)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (business_no, id)"
            " DO UPDATE SET url = excluded.url, events = excluded.events,"
            " secret = excluded.secret, former_secret = excluded.former_secret,"
            " former_until = excluded.former_until, active = excluded.active,"
            " reason = excluded.reason,"
            " dead_in_row = iif(active = excluded.active, dead_in_row, 0)",
            business_no,
            webhook.id,
            webhook.url,
            json.dumps(webhook.events),
            webhook.secrets.present,
            webhook.secrets.former,
            webhook.secrets.former_until,
            webhook.created_at,
            webhook.active,
            webhook.reason,
            revision,
        )
        self._audit(business_no, revision, event, AuditKind.WEBHOOK_CHANGED, webhook.id)

    def webhook_removed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: WebhookRemoved
    ) -> None:
        of_it = (business_no, event.webhook)
        for table in ("webhook_attempt", "webhook_dead_letter", "webhook_lane"):
            self._statements.add(f"DELETE FROM {table} WHERE {_OF_A_WEBHOOK}", *of_it)
        self._statements.add("DELETE FROM webhook WHERE business_no = ? AND id = ?", *of_it)
        self._audit(business_no, revision, event, AuditKind.WEBHOOK_REMOVED, event.webhook)

    def send_hook_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: SendHookChanged
    ) -> None:
        hook = event.hook
        if hook is None:
            self._statements.add("DELETE FROM send_hook WHERE business_no = ?", business_no)
        else:
            self._statements.add(
                "INSERT OR REPLACE INTO send_hook VALUES (?, ?, ?, ?, ?, ?, ?)",
                business_no,
                hook.url,
                hook.secrets.present,
                hook.secrets.former,
                hook.secrets.former_until,
                hook.deadline_ms,
                hook.on_failure,
            )
        self._audit(business_no, revision, event, AuditKind.SEND_HOOK_CHANGED, "")

    def _audit(
        self,
        business_no: int,
        revision: int,
        event: WebhookChanged | WebhookRemoved | SendHookChanged,
        kind: AuditKind,
        webhook: str,
    ) -> None:
        detail: AuditDetail = {"webhook": webhook} if webhook else {}
        entry = AuditEntry(revision, event.at, event.author, kind, "", detail)
        add_entry(self._statements, business_no, entry)
