"""No test is forgotten: what looks like a test is run by `make test`."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.checkout import ROOT, files, name_of, parse
from tests.fixtures.collected import COLLECTED


def written(tree: ast.AST, inside: str = "") -> Iterator[str]:
    """The tests that a file holds, wherever in it they stand: `Class::function` or `function`."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name.startswith("test_"):
                    yield f"{inside}{name}"
                yield from written(node, f"{inside}{name}::")
            case ast.ClassDef(name=name):
                yield from written(node, f"{inside}{name}::")
            case _:
                yield from written(node, inside)


def test_every_test_function_is_collected(request: pytest.FixtureRequest) -> None:
    """Of all files that this run was asked for, by default of all there are."""
    asked = [(ROOT / argument).resolve() for argument in request.config.args]
    found = {
        f"{name_of(path)}::{test}"
        for path in files(ROOT / "tests")
        if path.suffix == ".py" and any(path.is_relative_to(place) for place in asked)
        for test in written(parse(path))
    }
    assert not found - request.config.stash[COLLECTED]


def test_a_test_is_seen_wherever_it_hides() -> None:
    source = """
class Hidden:
    def test_in_a_class(self): ...
def outer():
    async def test_in_a_function(): ...
if WINDOWS:
    def test_in_a_branch(): ...
"""
    assert list(written(ast.parse(source))) == [
        "Hidden::test_in_a_class",
        "outer::test_in_a_function",
        "test_in_a_branch",
    ]
