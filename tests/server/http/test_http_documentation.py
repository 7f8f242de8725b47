"""`docs/http-api.md` names every scope, code and kind of the audit log, and no other."""

import re
from pathlib import Path

from domain.audit import AuditKind
from domain.refusal import Code
from domain.scopes import Scope

PAGE = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text("utf-8")


def named_in(section: str) -> set[str]:
    """What stands in backticks in the first column of a section's tables."""
    _, _, text = PAGE.partition(f"\n## {section}\n")
    rows = re.findall(r"^\| ([^|]*) \|", text.partition("\n## ")[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_scope_is_explained() -> None:
    assert named_in("Keys and scopes") == {scope.value for scope in Scope} - {"*"}


def test_every_code_is_explained() -> None:
    assert named_in("Errors") == {code.value for code in Code} - {Code.UNKNOWN_TYPE}


def test_every_kind_of_the_audit_log_is_explained() -> None:
    assert named_in("The audit log") == {kind.value for kind in AuditKind}
