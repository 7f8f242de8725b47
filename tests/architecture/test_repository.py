"""The repository speaks of the product alone, and its files agree with each other."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, files, name_of, text_files

LEFT_OPEN = re.compile(r"\b(TO[D]O|FIX[M]E)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(work|root|tmp|home|Users)/[A-Za-z]")
REGISTRY_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|static\.crates\.io"
    r"|proxy\.golang\.org|docker\.io|ghcr\.io|quay\.io",
)
LOCKED = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)
LOCKS = sorted(ROOT.glob("requirements*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(LEFT_OPEN, id="left open"),
        pytest.param(MACHINE_PATH, id="path of a machine"),
        pytest.param(REGISTRY_HOST, id="package registry"),
    ],
)
def test_no_file_says_what_only_its_author_knows(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in text_files()
        for match in pattern.finditer(text)
    ]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (LEFT_OPEN, "# TO|DO: later"),
        (MACHINE_PATH, "see '/wor|k/main'"),
        (MACHINE_PATH, "cd /ro|ot/x"),
        (REGISTRY_HOST, "https://files.pythonhos|ted.org/packages"),
    ],
)
def test_such_a_line_is_found(pattern: re.Pattern[str], text: str) -> None:
    assert not pattern.search(text)  # cut in two, or this file would be found
    assert pattern.search(text.replace("|", ""))


def test_every_lock_is_exact_hashed_and_names_no_place() -> None:
    assert [path.name for path in LOCKS] == [
        "requirements-build.txt",
        "requirements-lint.txt",
        "requirements-test.txt",
        "requirements.txt",
    ]
    for path in LOCKS:
        text = path.read_text()
        for entry in re.split(r"\n(?! )", text.strip()):
            package, *hashes = entry.splitlines()
            assert LOCKED.match(package)
            assert hashes
            assert all(line.startswith("    --hash=sha256:") for line in hashes)
        assert not re.search(r"://|--index|--find-links", text)


def test_the_locks_fit_into_one_environment_and_hold_what_the_project_asks_for() -> None:
    versions: dict[str, set[str]] = {}
    for path in LOCKS:
        for name, version in LOCKED.findall(path.read_text()):
            versions.setdefault(name, set()).add(version)
    assert not {name: several for name, several in versions.items() if len(several) > 1}

    server = set(LOCKED.findall((ROOT / "requirements.txt").read_text()))
    asked = {tuple(line.split("==")) for line in PROJECT["project"]["dependencies"]}
    assert asked <= server
    assert set(PROJECT["dependency-groups"]["test"]) <= set(versions)


def test_the_distribution_brings_the_page_and_the_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())

    page = {path.relative_to(ROOT / "clients/js-demo") for path in files(ROOT / "clients/js-demo")}
    shown = {path.as_posix() for path in page if path.parts[0] != "test"}
    assert "index.html" in shown
    assert {f"server/page/{path}" for path in shown} <= inside
    assert {name_of(path) for path in files(ROOT / "storage") if path.suffix == ".sql"} <= inside
    folders = {name.partition("/")[0] for name in inside}
    packages = set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert folders == packages | {f"deskbell-{PROJECT['project']['version']}.dist-info"}


def test_the_python_sdk_is_built_by_what_the_locks_hold() -> None:
    sdk = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())
    assert sdk["build-system"] == PROJECT["build-system"]


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert re.findall(r"^  make (\w+)", shown.stdout, re.MULTILINE) == [
        target for target in phony.split() if target != "moved"
    ]


def test_what_is_run_by_its_name_is_executable() -> None:
    scripts = [path for path in files() if path.suffix in {".sh", ""} and is_script(path)]
    assert scripts
    assert not [name_of(path) for path in scripts if not os.access(path, os.X_OK)]


def is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"
