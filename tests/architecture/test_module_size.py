"""A reader holds a module in mind, and finds it by its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, files, name_of, parse, product_modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 70
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "types"}


def long_functions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{node.lineno}: {node.name} has {lines} lines"


def says_nothing(path: Path) -> bool:
    return bool({Path(part).stem for part in path.parts} & SAYS_NOTHING)


def test_no_module_is_too_long() -> None:
    sizes = {name_of(path): len(path.read_text().splitlines()) for path in product_modules()}
    assert sizes
    assert not {name: lines for name, lines in sizes.items() if lines > LONGEST_MODULE}


def test_no_function_is_too_long() -> None:
    found = [
        f"{name_of(path)}:{finding}"
        for path in product_modules()
        for finding in long_functions(parse(path))
    ]
    assert not found


def test_every_file_name_says_what_is_inside() -> None:
    code = [path.relative_to(ROOT) for path in files() if path.suffix in {".py", ".js", ".sql"}]
    assert code
    assert not [str(path) for path in code if says_nothing(path)]


@pytest.mark.parametrize("path", ["server/utils.py", "clients/js-demo/helpers.js", "base/rules.py"])
def test_an_empty_name_is_found(path: str) -> None:
    assert says_nothing(Path(path))


def test_a_long_function_is_found() -> None:
    body = "    pass\n" * LONGEST_FUNCTION
    assert list(long_functions(ast.parse(f"async def f():\n{body}"))) == ["1: f has 71 lines"]
    assert not list(long_functions(ast.parse(f"def f():\n{body}".removesuffix("    pass\n"))))
