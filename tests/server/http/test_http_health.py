"""Signs of life, and the demo."""

from importlib import metadata
from pathlib import Path

from tests.fixtures.api import DEMO, ApiStage, running_api


async def test_the_process_answers(api: ApiStage) -> None:
    health = await api.ask("GET", "/v1/health")
    assert health.json == {"status": "ok", "version": metadata.version("deskbell")}
    head = await api.ask("HEAD", "/v1/health")
    assert head.status == 200


async def test_ready_says_whether_it_serves(tmp_path: Path) -> None:
    serving = False
    async with running_api(tmp_path, ready=lambda: serving) as api:
        refused = await api.ask("GET", "/v1/ready")
        assert (refused.status, refused.code) == (503, "unavailable")
        assert refused.headers["Retry-After"] == "1"
        serving = True
        assert (await api.ask("GET", "/v1/ready")).json["status"] == "ready"
        assert (await api.ask("GET", "/v1/health")).status == 200


async def test_without_a_demo_there_is_none(api: ApiStage) -> None:
    people = await api.ask("GET", "/v1/demo")
    token = await api.ask("POST", "/v1/demo/tokens", body={"person": "carla"})
    assert people.status == token.status == 404


async def test_the_demo_lets_its_people_in_and_nobody_else(tmp_path: Path) -> None:
    async with running_api(tmp_path, demo=DEMO) as api:
        people = await api.ask("GET", "/v1/demo")
        assert people.json == {
            "people": [{"id": "carla", "name": "Carla", "role": "customer"}],
            "conversation": "rex-grooming",
        }
        made = await api.ask("POST", "/v1/demo/tokens", body={"person": "carla"})
        assert made.status == 201
        assert (await api.ask("GET", "/v1/me", made.json["token"])).json["id"] == "carla"
        for person in ("olivia", "nobody"):
            refused = await api.ask("POST", "/v1/demo/tokens", body={"person": person})
            assert (refused.status, refused.code) == (404, "not_found")
