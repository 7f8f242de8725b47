"""Imports point inwards, and every module can be imported by itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.checkout import (
    PACKAGES,
    ROOT,
    SDK,
    files,
    module_name,
    name_of,
    parse,
)

LINT = "from importlinter.cli import lint_imports_command as main; main()"

SOURCE = ["from a.b import c", "if TYPE_CHECKING:", "    import a.d", "def f():", "    import a.e"]


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of what a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def imported_at_once(tree: ast.Module) -> Iterator[str]:
    """What a module imports while it is imported: no function's, and none for type checks alone."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign(folder: str, *allowed: str) -> list[str]:
    known = sys.stdlib_module_names | set(allowed)
    return [
        f"{name_of(path)} imports {name}"
        for path in python_files(folder)
        for name in imported(parse(path))
        if name not in known
    ]


def test_the_import_contracts_hold() -> None:
    lint = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_the_domain_imports_the_standard_library_and_msgspec_alone() -> None:
    assert not foreign("domain", "domain", "msgspec")


def test_the_python_sdk_needs_trio_trio_websocket_and_msgpack_alone() -> None:
    sdk = f"{SDK}/deskbell_client"
    allowed = ("deskbell_client", "trio", "trio_websocket", "msgpack")
    assert not foreign(sdk, *allowed)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """So each can be the first one that a program imports."""
    modules = {module_name(path): path for folder in PACKAGES for path in python_files(folder)}
    graph = {
        name: {target for target in imported_at_once(parse(path)) if target in modules}
        for name, path in modules.items()
    }
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_a_circle_is_found_by_what_is_imported_at_once() -> None:
    assert set(imported_at_once(ast.parse("\n".join(SOURCE)))) == {"a.b", "a.b.c"}
    with pytest.raises(CycleError):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


@pytest.mark.parametrize("line", ["import trio", "from trio.abc import Stream", "import trio as t"])
def test_a_foreign_import_is_found(line: str) -> None:
    assert list(imported(ast.parse(line))) == ["trio"]


def python_files(folder: str) -> list[Path]:
    found = [path for path in files(ROOT / folder) if path.suffix == ".py"]
    assert found, f"no Python in {folder}"
    return found
