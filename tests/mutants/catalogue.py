"""The bugs: each a small change of one file, and the tests that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """``old`` stands once in ``file``; ``tests`` are pytest's arguments, and fast."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    # --- What is acknowledged is stored -----------------------------------------------------------
    Mutant(
        "the journal releases before COMMIT",
        "storage/journal.py",
        """\
            await self._writer.run(self._group_commit.store, group)
            self._commits += 1
            self._release(group)
""",
        """\
            ends = dict(self._released)
            for entry in group:
                entry.first = ends[entry.business] + 1
                ends[entry.business] += len(entry.events)
            self._release(group)
            await self._writer.run(self._group_commit.store, group)
            self._commits += 1
""",
        ("tests/storage/test_journal.py", "tests/contract/test_journal_contract.py"),
    ),
    Mutant(
        "a commit is not synced",
        "storage/connection.py",
        '"PRAGMA synchronous=FULL"',
        '"PRAGMA synchronous=NORMAL"',
        ("tests/storage/test_power_loss.py",),
    ),
    Mutant(
        "after an I/O error it goes on writing",
        "storage/writer.py",
        "    return code & 0xFF in _FATAL and code not in _HARMLESS",
        "    return False",
        ("tests/storage/test_disk_errors.py",),
    ),
    Mutant(
        "what could not be stored is answered as done",
        "actors/conversation.py",
        "            envelope.answer(decision.answer)\n        self._publisher",
        "            envelope.answer(Done())\n        self._publisher",
        ("tests/server/test_bad_input.py", "-k", "full_disk"),
    ),
    # --- Once, in order, without holes ------------------------------------------------------------
    Mutant(
        "a client_message_id is not unique on disk",
        "storage/migrations/0001_people_talk.sql",
        "CREATE UNIQUE INDEX message_by_client_id",
        "CREATE INDEX message_by_client_id",
        ("tests/contract/test_journal_contract.py", "-k", "r05"),
    ),
    Mutant(
        "a client_message_id may be used for another text",
        "domain/conversation.py",
        "    return sent.accepted if same else CONFLICTING_ID",
        "    return sent.accepted",
        ("tests/faults/test_r05_idempotent_sends.py", "-k", "conflict"),
    ),
    Mutant(
        "a resume begins one too late",
        "server/handshake.py",
        "hello.cursor.revision if complete",
        "hello.cursor.revision + 1 if complete",
        ("tests/clients/test_against_server.py", "-k", "resumes or worked_example"),
    ),
    Mutant(
        "a page of the log reaches one too far",
        "storage/catch_up.py",
        "ascending[kept - 1][0]",
        "ascending[min(kept, len(ascending) - 1)][0]",
        ("tests/contract/test_catch_up_contract.py",),
    ),
    Mutant(
        "who is behind is shown new events before the old ones",
        "server/showing.py",
        """\
                    connection.behind
                    or connection.revision >= revision
""",
        """\
                    connection.revision >= revision
""",
        ("tests/faults/test_r09_slow_reader.py", "-k", "burst"),
    ),
    Mutant(
        "receipts move backwards",
        "domain/receipts.py",
        "    moved_read = read > cursor.read_up_to",
        "    moved_read = read != cursor.read_up_to",
        ("tests/domain/test_receipt_rules.py",),
    ),
    Mutant(
        "who becomes a member by answering has read nothing",
        "domain/handling.py",
        "    return Accompanied(tuple(before), message, joined=joined)",
        "    return Accompanied(tuple(before), message)",
        ("tests/actors/test_answering.py", "-k", "unread_is_nothing"),
    ),
    # --- Who may see and say what -----------------------------------------------------------------
    Mutant(
        "anybody may speak anywhere",
        "domain/conversation.py",
        """\
        return repeated(state.id, command, known)
    if not state.admits(speaker):
        return NOT_FOUND
    said = command.text""",
        """\
        return repeated(state.id, command, known)
    said = command.text""",
        ("tests/server/test_bad_input.py", "-k", "told_apart"),
    ),
    Mutant(
        "the owner can be removed",
        "domain/conversation.py",
        "    if command.person in owners:",
        "    if command.person in owners and speaker.role is Role.CUSTOMER:",
        ("tests/access", "tests/server/http/test_http_conversations.py"),
    ),
    Mutant(
        "who may not see the inbox sees what is placed where they work",
        "storage/access.py",
        " WHERE w.business_no = ?1 AND w.id = ?2 AND w.inbox AND w.active)",
        " WHERE w.business_no = ?1 AND w.id = ?2 AND w.active)",
        ("tests/server/http/test_http_inbox.py",),
    ),
    Mutant(
        "a filter lists what one may not read",
        "storage/lists.py",
        'yield is_the_teams(no) if few else f"{no} IN {THE_TEAMS}"',
        'yield "1" if few else f"{no} IN {THE_TEAMS}"',
        ("tests/server/http/test_http_list_filters.py",),
    ),
    Mutant(
        "a resume brings the conversations of others",
        "storage/catch_up.py",
        "h.conversation_no = r.no AND h.revision > ?3",
        "h.revision > ?3",
        ("tests/contract/test_catch_up_contract.py",),
    ),
    Mutant(
        "a conversation is found in any business",
        "storage/access.py",
        " WHERE c.business_no = ?1 AND c.id = ?2",
        " WHERE ?1 AND c.id = ?2",
        ("tests/contract/test_reading_contract.py", "-k", "i7"),
    ),
    Mutant(
        "customers read what was said before they came",
        "storage/access.py",
        "1 if sees_all_history(viewer.role) else since_seq",
        "1",
        ("tests/contract/test_reading_contract.py", "-k", "customer"),
    ),
    Mutant(
        "hidden read receipts are shown",
        "domain/business.py",
        "self.read_receipts and person not in self.hidden_read and viewer not in self.hidden_read",
        "self.read_receipts",
        ("tests/domain/test_business_rules.py",),
    ),
    Mutant(
        "pages of any origin open websockets",
        "server/edge/handshake.py",
        "    if not _origin_allowed(head, policy):",
        "    if not policy.path:",
        ("tests/server/edge/test_handshake.py", "tests/server/edge/test_websocket.py"),
    ),
    Mutant(
        "tokens do not expire",
        "server/tokens.py",
        "        if claims.expires_at <= now or self.is_revoked(claims.id):",
        "        if self.is_revoked(claims.id):",
        ("tests/server/test_bad_input.py", "-k", "expired or session_token"),
    ),
    Mutant(
        "a token is good on any device",
        "server/handshake.py",
        """claims.device not in ("", hello.device)""",
        """claims.device is None""",
        ("tests/server/test_bad_input.py", "-k", "session_token"),
    ),
    Mutant(
        "a revocation leaves connections open",
        "server/business_fanout.py",
        """                connection.end(CloseCode.UNAUTHENTICATED, "revoked")""",
        """                connection.fall_behind()""",
        ("tests/server/http/test_http_revocation.py", "-k", "revoked"),
    ),
    Mutant(
        "a customer hears of strangers",
        "storage/access.py",
        "    if viewer.role is not Role.CUSTOMER:",
        "    if viewer.role is not None:",
        ("tests/contract/test_catch_up_contract.py", "-k", "customer_hears"),
    ),
    # --- What a client holds stays true -----------------------------------------------------------
    Mutant(
        "who met somebody during the look-up is forgotten",
        "server/business_fanout.py",
        "                or connection.revision > seers.revision",
        "                or connection.revision < 0",
        ("tests/faults/test_r42_hybrid_state.py", "-k", "looks_who"),
    ),
    Mutant(
        "another owner changes nothing for those who are away",
        "storage/business_rows.py",
        "        if event.ownership:",
        "        if event.access:",
        ("tests/contract/test_catch_up_contract.py", "-k", "beyond_a_change"),
    ),
    Mutant(
        "the log is read beyond a change of access",
        "storage/catch_up.py",
        "        reach = head if desk.access_revision <= after else desk.access_revision - 1",
        "        reach = head",
        ("tests/contract/test_catch_up_contract.py", "-k", "beyond_a_change"),
    ),
    # --- Bounds and failures ----------------------------------------------------------------------
    Mutant(
        "what waits for a connection has no bound",
        "server/edge/outbound.py",
        "        if self.pending_bytes + len(data) > self._limit:",
        "        if self._limit < 0:",
        ("tests/server/edge/test_websocket.py", "-k", "full_buffer"),
    ),
    Mutant(
        "a mailbox has no bound",
        "actors/mailbox.py",
        "            if len(self._queue) >= self._size:",
        "            if self._closed:",
        ("tests/actors/test_mailbox.py",),
    ),
    Mutant(
        "a message that crashes its actor gets no answer",
        "actors/supervisor.py",
        "        self._refuse(dead + dropped, Unavailable(",
        "        self._refuse(dropped, Unavailable(",
        ("tests/actors/test_supervisor_crashes.py",),
    ),
    Mutant(
        "a reconnect is shown as gone and back",
        "domain/presence.py",
        "GRACE_MS = 10_000",
        "GRACE_MS = 0",
        ("tests/domain/test_presence_rules.py",),
    ),
    Mutant(
        "a stop does not say goodbye",
        "server/session.py",
        "        self.end(CloseCode.RESTART, self._node.restart_reason())",
        "        self.behind = True",
        ("tests/faults/test_r40_graceful_stop.py", "-k", "4012"),
    ),
    # --- Keys, and the same request again ---------------------------------------------------------
    Mutant(
        "a key that speaks for a person is not bound by its scopes",
        "server/http/dispatch.py",
        "    if isinstance(identity, Backend | Somebody) and route.scope is not None:",
        "    if isinstance(identity, Backend) and route.scope is not None:",
        ("tests/access/test_scopes.py",),
    ),
    Mutant(
        "a key gives more than it has",
        "domain/keys.py",
        "        refusal = refuse_scopes(held, new.scopes)",
        "        refusal = None",
        ("tests/domain/test_key_rules.py",),
    ),
    Mutant(
        "a key that is revoked while a body comes goes on",
        "server/business_fanout.py",
        "                live.revoked_keys.add(event.key)",
        "                pass",
        ("tests/server/http/test_http_keys.py", "-k", "body_came"),
    ),
    Mutant(
        "what is made after a crash has another id",
        "server/http/repeats.py",
        "await respond(replace(call, ids=request.ids()))",
        "await respond(replace(call, ids=None))",
        ("tests/server/http/test_http_repeats.py", "-k", "crash"),
    ),
    Mutant(
        "an idempotency key answers to anything",
        "server/http/repeats.py",
        "    if known.asked != request.asked:",
        "    if not known.asked:",
        ("tests/server/http/test_http_repeats.py",),
    ),
    Mutant(
        "a secret that is shown once is kept",
        "server/http/repeats.py",
        "        kept = None if route.repeat is Repeat.NOTHING else body",
        "        kept = body",
        ("tests/server/http/test_http_repeats.py", "-k", "once"),
    ),
    # --- Erasing ----------------------------------------------------------------------------------
    Mutant(
        "an erasure says that it is done before the file is written anew",
        "server/erasing.py",
        "            await self.wash(business)",
        "            pass",
        ("tests/faults/test_r38_killed.py",),
    ),
    Mutant(
        "the log still holds what was erased",
        "storage/erasure_store.py",
        "            if await self._writer.truncate_log():",
        "            if await self._writer.truncate_log() or True:",
        ("tests/storage/test_wash.py",),
    ),
    Mutant(
        "a file whose row went before a kill stays",
        "server/erasing.py",
        "            await self.keeper.walk()",
        "            pass",
        ("tests/faults/test_r38_killed.py",),
    ),
    Mutant(
        "what expired before a kill stays in the file",
        "storage/retention.py",
        "INSERT INTO setting VALUES (?1, json_array(?2, ?3)) ON",
        "INSERT INTO setting SELECT ?1, json_array(?2, ?3) WHERE 0 ON",
        ("tests/server/http/test_http_retention.py",),
    ),
    Mutant(
        "a hold on who noted something keeps nothing",
        "storage/retention.py",
        "authors += [who for _, who in noted]",
        "authors += [id_ for id_, _ in noted]",
        ("tests/server/http/test_http_retention_notes.py",),
    ),
)
