"""What operators see and do: actors, dead letters, quarantine, backups, metrics."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from actors.conversation import ConversationActor
from actors.envelope import Envelope
from actors.roster import Roster
from actors.supervisor import Supervisor
from domain.commands import Command
from server.edge.limits import EdgeStatistics
from server.http.metrics import PREFIX
from server.live import LiveBusiness
from server.settings import Settings
from tests.fixtures.api import ApiStage, Reply, running_api

REX = {"kind": "group", "people": ["sam"], "title": "Rex", "id": "rex"}


async def ask(api: ApiStage, method: str, path: str, body: object = None) -> Reply:
    return await api.ask(method, path, api.stage.operator_key, body)


async def send(api: ApiStage, number: int) -> Reply:
    body = {"client_message_id": f"m{number}", "text": "Hi"}
    return await api.ask("POST", "/v1/conversations/rex/messages", api.token("carla"), body)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every conversation crashes on every message."""

    async def crash(_: ConversationActor, __: Sequence[Envelope[Command]]) -> None:
        raise ZeroDivisionError("what Carla wrote")

    monkeypatch.setattr(ConversationActor, "receive", crash)


async def test_live_actors_are_listed(api: ApiStage) -> None:
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    await send(api, 1)
    (business,) = (await ask(api, "GET", "/v1/operator/actors")).json["businesses"]
    assert business["business"] == "pawsome"
    supervisors = {each["kind"]: each for each in business["supervisors"]}
    assert list(supervisors) == ["conversations", "desk", "locations", "presence"]
    (rex,) = supervisors["conversations"]["actors"]
    assert (rex["id"], rex["state"], rex["mailbox_depth"]) == ("rex", "idle", 0)
    assert 0 <= rex["since_seconds"] < 60
    assert "released_in_seconds" not in rex
    assert supervisors["conversations"]["totals"]["messages"] == 2
    assert [actor["id"] for actor in supervisors["desk"]["actors"]] == ["business"]


@pytest.mark.requirement("R20", "I14")
@pytest.mark.usefixtures("poison")
async def test_a_message_that_crashes_its_actor_twice_is_a_dead_letter(api: ApiStage) -> None:
    refused = await send(api, 1)
    assert (refused.status, refused.code) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    (letter,) = (await ask(api, "GET", "/v1/operator/dead-letters")).json["dead_letters"]
    assert letter.pop("seconds_ago") < 60
    assert letter == {
        "business": "pawsome",
        "kind": "conversations",
        "id": "rex",
        "message_type": "Send",
        "error": "ZeroDivisionError",
    }


@pytest.mark.requirement("R20")
async def test_an_actor_in_quarantine_can_be_released(
    api: ApiStage, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    request.getfixturevalue("poison")
    body = {"business": "pawsome", "kind": "conversations", "id": "rex"}
    assert (await ask(api, "POST", "/v1/operator/actors/release", body)).status == 404
    live = await api.stage.node.live("pawsome")
    assert live is not None
    for number in range(10):
        await send(api, number)
        if live.conversations.totals().quarantines:
            break
    (business,) = (await ask(api, "GET", "/v1/operator/actors")).json["businesses"]
    (rex,) = business["supervisors"][0]["actors"]
    assert rex["state"] == "quarantined"
    assert 0 < rex["released_in_seconds"] <= 60
    monkeypatch.undo()
    assert (await send(api, 20)).status == 503
    released = await ask(api, "POST", "/v1/operator/actors/release", body)
    assert (released.status, released.json) == (200, body)
    assert (await send(api, 20)).status == 201
    assert (await ask(api, "POST", "/v1/operator/actors/release", body)).status == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"business": "nowhere"}, 404),
        ({"id": "nothing"}, 404),
        ({"kind": "outbox"}, 400),
        ({"business": "a b"}, 400),
        ({"id": None}, 400),
    ],
)
async def test_what_cannot_be_released(
    api: ApiStage, change: dict[str, object], status: int
) -> None:
    body = {"business": "pawsome", "kind": "conversations", "id": "rex", **change}
    assert (await ask(api, "POST", "/v1/operator/actors/release", body)).status == status


@pytest.mark.requirement("R24")
async def test_a_backup_is_a_whole_database(api: ApiStage, tmp_path: Path) -> None:
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    await send(api, 1)
    path = tmp_path / "copy.db"
    made = await ask(api, "POST", "/v1/operator/backup", {"path": str(path)})
    assert made.json == {"path": str(path), "bytes": path.stat().st_size}
    copy = sqlite3.connect(path)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert copy.execute("SELECT text FROM message WHERE kind = 'text'").fetchall() == [("Hi",)]
    copy.close()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("{folder}/deskbell.db", 409, "conflict"),
        ("{folder}/missing/copy.db", 400, "bad_request"),
        ("copy.db", 400, "bad_request"),
        ("", 400, "bad_request"),
        ("{folder}/a\u0000b", 400, "bad_request"),
        ("{folder}/" + "x" * 300, 400, "bad_request"),
        ("/proc/copy.db", None, None),
    ],
)
async def test_a_backup_that_cannot_be(
    api: ApiStage, tmp_path: Path, path: str, status: int | None, code: str | None
) -> None:
    before = listed(tmp_path)
    body = {"path": path.format(folder=tmp_path)}
    refused = await ask(api, "POST", "/v1/operator/backup", body)
    assert refused.status in ((status,) if status else (400, 507))
    assert refused.code in ((code,) if code else ("bad_request", "storage_failed"))
    assert listed(tmp_path) == before


def listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def figures(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_are_figures_of_the_parts(api: ApiStage) -> None:
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    for number in range(3):
        await send(api, number)
    reply = await ask(api, "GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    shown = figures(reply.body.decode())
    journal = api.stage.node.database.journal.statistics()
    assert shown[f"{PREFIX}journal_events_total"] == journal.events
    assert shown[f"{PREFIX}journal_commits_total"] == journal.commits
    assert shown[f"{PREFIX}journal_queue"] == 0
    assert shown[f"{PREFIX}live_actors[conversations]"] == 1
    assert shown[f"{PREFIX}actor_messages_total[conversations]"] == 4
    assert shown[f"{PREFIX}mailbox_depth[conversations]"] == 0
    assert shown[f"{PREFIX}quarantined_actors[conversations]"] == 0
    assert shown[f"{PREFIX}live_businesses"] == 1
    assert shown[f"{PREFIX}people[online]"] == 0
    sizes = api.stage.node.database.statistics()
    assert shown[f"{PREFIX}wal_bytes"] == sizes["wal_bytes"] > 0
    assert f"{PREFIX}connections_open" not in shown
    assert f"{PREFIX}event_loop_lag_seconds" not in shown


@pytest.mark.requirement("R20")
@pytest.mark.usefixtures("poison")
async def test_metrics_count_crashes(api: ApiStage) -> None:
    await send(api, 1)
    shown = figures((await ask(api, "GET", "/metrics")).body.decode())
    assert shown[f"{PREFIX}actor_crashes_total[conversations]"] == 2
    assert shown[f"{PREFIX}actor_restarts_total[conversations]"] == 2
    assert shown[f"{PREFIX}actor_dead_letters_total[conversations]"] == 1


async def test_metrics_list_no_actor_and_no_connection(
    api: ApiStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be ten thousand of each: they are counted, not walked through."""
    await api.ask("POST", "/v1/conversations", api.token("carla"), REX)
    before = figures((await ask(api, "GET", "/metrics")).body.decode())

    def walked(_: object) -> None:
        raise AssertionError("walked through")

    monkeypatch.setattr(Supervisor, "statistics", walked)
    monkeypatch.setattr(Roster, "statistics", walked)
    monkeypatch.setattr(LiveBusiness, "everybody", walked)
    after = figures((await ask(api, "GET", "/metrics")).body.decode())
    assert after.keys() == before.keys()
    assert after[f"{PREFIX}live_actors[conversations]"] == 1


async def test_metrics_of_the_edge_and_of_the_loop(tmp_path: Path) -> None:
    edge = EdgeStatistics(
        open=5,
        websockets=3,
        http=2,
        accepted=9,
        refused=1,
        failed=0,
        bytes_received=100,
        bytes_sent=200,
    )
    async with running_api(tmp_path, edge_statistics=lambda: edge, lag_seconds=lambda: 0.25) as api:
        shown = figures((await ask(api, "GET", "/metrics")).body.decode())
    assert shown[f"{PREFIX}connections_open"] == 5
    assert shown[f"{PREFIX}websockets_open"] == 3
    assert shown[f"{PREFIX}http_open"] == 2
    assert shown[f"{PREFIX}connections_accepted_total"] == 9
    assert shown[f"{PREFIX}sent_bytes_total"] == 200
    assert shown[f"{PREFIX}event_loop_lag_seconds"] == 0.25


async def test_metrics_are_the_operators_unless_set_otherwise(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), metrics_public=True)
    async with running_api(tmp_path, settings) as api:
        reply = await api.client.get("/metrics")
        assert reply.status_code == 200


async def test_two_servers_in_one_process_count_apart(tmp_path: Path) -> None:
    async with running_api(tmp_path / "one") as one, running_api(tmp_path / "two") as two:
        await one.ask("POST", "/v1/conversations", one.token("carla"), REX)
        await trio.lowlevel.checkpoint()
        events = [
            figures((await ask(api, "GET", "/metrics")).body.decode())[
                f"{PREFIX}journal_events_total"
            ]
            for api in (one, two)
        ]
    assert events[0] == events[1] + 1
