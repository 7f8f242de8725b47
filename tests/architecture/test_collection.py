"""No test is forgotten: what looks like a test is run by `make test`."""

import ast
import subprocess
import sys
from collections.abc import Iterator

from tests.architecture.checkout import ROOT, files, name_of, parse


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


def test_every_test_function_is_collected() -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "tests", "--collect-only", "--quiet", "--no-header"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert listing.returncode == 0, listing.stdout[-2000:] + listing.stderr
    collected = {line.partition("[")[0] for line in listing.stdout.splitlines()}
    found = {
        f"{name_of(path)}::{test}"
        for path in files(ROOT / "tests")
        if path.suffix == ".py"
        for test in written(parse(path))
    }
    assert not found - collected


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
