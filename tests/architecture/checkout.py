"""The files of this repository, as the tests of the house read them."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("domain", "protocol", "actors", "storage", "adapters", "server")
SDK: Final = "clients/python"

# What git ignores and a build or a run leaves behind.
_NOT_OURS: Final = frozenset({"data", "dist", "build", "node_modules", "__pycache__"})


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file that we wrote; of the hidden folders, only those of CI."""
    for here, folders, names in os.walk(folder):
        folders[:] = [
            name for name in folders if name not in _NOT_OURS and not name.startswith(".")
        ] + [name for name in folders if name in (".ci", ".github")]
        yield from (Path(here, name) for name in names if (Path(here) / name).is_file())


def text_files() -> Iterator[tuple[str, str]]:
    """Path and content of every file that is text."""
    for path in files():
        try:
            yield name_of(path), path.read_text()
        except UnicodeDecodeError:
            continue


def product_modules() -> Iterator[Path]:
    """Every Python module of the server and of the Python SDK."""
    for folder in (*PACKAGES, SDK):
        yield from (path for path in files(ROOT / folder) if path.suffix == ".py")


def module_name(path: Path) -> str:
    """The dotted name by which a module of the server is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def name_of(path: Path) -> str:
    """The path as a reader writes it, from the top of the repository."""
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(), filename=str(path))


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a name or an attribute of names, else the empty string."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{dotted(value)}.{attribute}" if dotted(value) else ""
        case _:
            return ""
