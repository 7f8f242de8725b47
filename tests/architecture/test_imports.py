"""Imports point inwards, and every module can be imported by itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
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

# Each module as if it were the first one that a program imports; a warning is an error.
IMPORT_EACH = """
import importlib, sys
packages = set(sys.argv[1].split(","))
for module in sys.argv[2:]:
    for loaded in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[loaded]
    importlib.import_module(module)
"""


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of what a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


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


def test_every_module_can_be_imported_first() -> None:
    modules = [module_name(path) for folder in PACKAGES for path in python_files(folder)]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_EACH, ",".join(PACKAGES), *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("line", ["import trio", "from trio.abc import Stream", "import trio as t"])
def test_a_foreign_import_is_found(line: str) -> None:
    assert list(imported(ast.parse(line))) == ["trio"]


def python_files(folder: str) -> list[Path]:
    found = [path for path in files(ROOT / folder) if path.suffix == ".py"]
    assert found, f"no Python in {folder}"
    return found
