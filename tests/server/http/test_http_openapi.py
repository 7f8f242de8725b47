"""The description: whole, true, and of the routes that there are."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from domain.refusal import Code
from domain.routing import Rule
from tests.fixtures.api import ApiStage


@pytest.fixture
async def document(api: ApiStage) -> Any:
    return (await api.ask("GET", "/v1/openapi.json")).json


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: Any, value: Any) -> Any:
    while "$ref" in value:
        *_, group, name = value["$ref"].split("/")
        value = document["components"][group][name]
    return value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "$ref":
                yield each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def texts(value: Any) -> Iterator[str]:
    """All that stands in it, names too."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


async def test_it_describes_exactly_the_routes_there_are(api: ApiStage, document: Any) -> None:
    there = {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in api.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
    }
    assert {name for name, _ in operations(document)} == there
    assert document["openapi"] == "3.1.0"


async def test_every_reference_leads_somewhere(document: Any) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        assert resolved(document, {"$ref": reference})
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert schemas <= found


async def test_every_schema_is_one_and_has_patterns_of_its_dialect(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(schema)
        assert "\\A" not in json.dumps(schema), name
    ids = document["components"]["schemas"]["NewToken"]["properties"]["person"]
    assert re.compile(ids["pattern"]).match("carla")
    assert ids["pattern"].startswith("^")
    assert ids["pattern"].endswith("$")


async def test_schemas_are_called_as_a_generated_client_calls_them(document: Any) -> None:
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"([A-Z][a-z]+)+", name), name


async def test_it_says_all_itself(document: Any) -> None:
    """Who reads it has neither our sources and documents nor our requirements."""
    ours = re.compile(
        r"docs/[a-z]|\w\.(?:md|py|toml)\b|\b(?:C|DT|EX|MT)-\d|\bR\d\d\b"
        r"|(?<![/\w])(?:actors|adapters|clients|domain|protocol|server|storage)[./][a-z_]"
    )
    found = list(texts(document))
    assert len(found) > 1000
    assert [text for text in found if ours.search(text)] == []


async def test_texts_are_paragraphs_of_markdown(document: Any) -> None:
    """Where a line begins with four blanks, readers of Markdown show code."""
    assert not [text for text in texts(document) if "\n    " in text]


async def test_every_operation_says_what_it_is(document: Any) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        in_path = set(re.findall(r"{(\w+)}", name))
        parameters = [resolved(document, each) for each in operation["parameters"]]
        assert {p["name"] for p in parameters if p["in"] == "path"} == in_path
        assert all(p["required"] for p in parameters if p["in"] == "path")
        assert ("requestBody" in operation) <= (name.split()[0] in ("POST", "PATCH", "PUT"))


async def test_examples_are_what_they_are_examples_of(document: Any) -> None:
    components = {"components": document["components"]}
    count = 0
    for name, operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        answers = [resolved(document, each) for each in operation["responses"].values()]
        for content in (each.get("content", {}) for each in bodies + answers):
            for media_type, of_it in content.items():
                if "json" not in media_type or name.endswith("openapi.json"):
                    continue
                examples = [of_it["example"]] if "example" in of_it else []
                examples += [each["value"] for each in of_it.get("examples", {}).values()]
                assert examples, f"{name} {media_type}"
                validator = jsonschema_rs.Draft202012Validator({**of_it["schema"], **components})
                for example in examples:
                    validator.validate(example)
                    count += 1
    assert count > 100


async def test_every_error_is_described_with_its_codes(document: Any) -> None:
    codes = set()
    for name, operation in operations(document):
        assert "400" in operation["responses"], name
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                content = resolved(document, answer)["content"]
                (problem,) = content.values()
                assert list(content) == ["application/problem+json"]
                for example in problem["examples"].values():
                    assert example["value"]["status"] == int(status)
                    codes.add(example["value"]["code"])
    assert codes == set(Code) - {Code.UNKNOWN_TYPE}


async def test_who_may_call_is_described(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"operatorKey", "businessKey", "token"}
    described = {
        name: {scheme for each in operation["security"] for scheme in each}
        for name, operation in operations(document)
    }
    assert described["GET /v1/health"] == set()
    assert described["POST /v1/businesses"] == {"operatorKey"}
    assert described["POST /v1/tokens"] == {"businessKey"}
    assert described["GET /v1/me"] == {"businessKey", "token"}
    assert "owner, manager" in dict(operations(document))["POST /v1/people"]["description"]
    for name, schemes_of_it in described.items():
        refuses = "401" in dict(operations(document))[name]["responses"]
        lets_in = name.split()[1].startswith(("/v1/sign-in", "/v1/setup"))
        assert refuses == bool(schemes_of_it) or lets_in, name


async def test_the_rules_of_routing_are_named(document: Any) -> None:
    about = document["components"]["schemas"]["Explanation"]["description"]
    assert {rule.value for rule in Rule} <= set(re.findall(r"`(\w+)`", about))
