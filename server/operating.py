"""What operators do from the command line: over HTTP where a server runs, on the file where not."""

import json
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from server.http.operator import ActorList, DeadLetterList
from server.http.tokens import TTL_LEAST, TTL_MOST
from server.operator_key import read_operator_key
from storage.attachment_files import FOLDER_NAME
from storage.backup import files_of
from storage.check import check_file, stray_files
from storage.database import FILE_NAME, copy_database
from storage.migrations import UnusableDatabase, require_database

T = TypeVar("T")

EX_FAILED = 1
EX_USAGE = 2
TIMEOUT_SECONDS = 30


class OperatingError(Exception):
    """Something an operator asked for could not be done; the message says what to do."""


class NotFoundError(OperatingError):
    """The server knows nothing of what the request names."""


class UsageError(OperatingError):
    """An option has a value that cannot be used; nothing has been done."""


def call(action: Callable[[], None]) -> None:
    """Run ``action``; say plainly why it failed; exit with 2 for a wrong option, else with 1."""
    try:
        action()
    except UsageError as error:
        typer.echo(f"deskbell: {error}", err=True)
        sys.exit(EX_USAGE)
    except (OperatingError, UnusableDatabase, FileExistsError, sqlite3.Error, OSError) as error:
        typer.echo(f"deskbell: {error}", err=True)
        sys.exit(EX_FAILED)


def require_within(option: str, value: int, least: int, most: int) -> None:
    """Raise `UsageError` unless ``value`` is one that ``option`` may have."""
    if not least <= value <= most:
        raise UsageError(f"{option} is {value}; it must be {least} to {most}.")


def first_of(group: BaseException) -> BaseException:
    """The first exception in a group, or in a group in it: the one to tell a person."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def request(
    method: str, url: str, key: str, body: object = None, person: str = ""
) -> dict[str, object]:
    """One request with a key; the answer's JSON. Raises `OperatingError`."""
    return request_as(dict[str, object], method, url, key, body, person)


def request_as(
    answer: type[T], method: str, url: str, key: str, body: object = None, person: str = ""
) -> T:
    """The same, with the answer as a structure of the HTTP API."""
    if not url.startswith(("http://", "https://")):
        raise OperatingError(f"{url} is no address of a server: it begins with http://.")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if person:
        headers["Deskbell-Person"] = person
    data = None if body is None else json.dumps(body).encode()
    wanted = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(wanted, timeout=TIMEOUT_SECONDS) as found:  # noqa: S310
            return msgspec.json.decode(found.read() or b"{}", type=answer)
    except urllib.error.HTTPError as error:
        kind = NotFoundError if error.code == HTTPStatus.NOT_FOUND else OperatingError
        raise kind(_problem(error)) from error
    except (OSError, HTTPException) as error:  # also a server that dies before it has answered
        why = getattr(error, "reason", error)
        raise OperatingError(f"no server answers at {url} ({why}). Start it first.") from error


def _problem(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return f"{problem['detail']} ({problem['code']})"
    except (ValueError, KeyError, TypeError):
        return f"the server answered {error.code}"


def operator_key(data_dir: str) -> str:
    """The operator's key of a data folder. Raises `OperatingError`."""
    try:
        return read_operator_key(Path(data_dir))
    except OSError as error:
        raise OperatingError(
            f"cannot read the operator's key in {data_dir} ({error.strerror}). Name the server's "
            "data folder with --data, as a user who may read it."
        ) from error


def make_token(url: str, data_dir: str, business: str, person: str, seconds: int) -> None:
    """Print a token for a person. Raises `UsageError`, and `OperatingError`: there is none."""
    require_within("--seconds", seconds, TTL_LEAST, TTL_MOST)
    body = {"business": business, "person": person, "ttl_seconds": seconds}
    try:
        made = request("POST", f"{url}/v1/operator/tokens", operator_key(data_dir), body)
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no active person {person} in a business {business}. Check both ids."
        ) from error
    typer.echo(made["token"])


def make_link(url: str, data_dir: str, business: str, person: str, email: str | None) -> None:
    """Print a one-time link for a person. Raises `OperatingError`: they cannot have one."""
    body = {"business": business, "person": person} | ({"email": email} if email else {})
    try:
        made = request("POST", f"{url}/v1/operator/accounts", operator_key(data_dir), body)
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no person {person} with an account in a business {business}. Check both "
            "ids; --email gives somebody of the team an account."
        ) from error
    typer.echo(made["link"])


def list_actors(url: str, data_dir: str) -> None:
    """Print the live and the quarantined actors."""
    key = operator_key(data_dir)
    found = request_as(ActorList, "GET", f"{url}/v1/operator/actors", key)
    table = Table("business", "kind", "actor", "state", "mailbox", "restarts", "for s", box=None)
    for business in found.businesses:
        for supervisor in business.supervisors:
            for actor in supervisor.actors:
                seconds = actor.since_seconds or actor.released_in_seconds or 0.0
                table.add_row(
                    business.business,
                    supervisor.kind,
                    actor.id,
                    actor.state,
                    str(actor.mailbox_depth),
                    str(actor.restarts),
                    f"{seconds:.0f}",
                )
    Console().print(table)


def list_dead_letters(url: str, data_dir: str) -> None:
    """Print the dead letters, newest last."""
    key = operator_key(data_dir)
    found = request_as(DeadLetterList, "GET", f"{url}/v1/operator/dead-letters", key)
    table = Table("business", "kind", "actor", "message", "error", "s ago", box=None)
    for letter in found.dead_letters:
        ago = f"{letter.seconds_ago:.0f}"
        table.add_row(
            letter.business, letter.kind, letter.id, letter.message_type, letter.error, ago
        )
    Console().print(table)


def release(url: str, data_dir: str, business: str, kind: str, actor: str) -> None:
    """Release an actor from quarantine."""
    body = {"business": business, "kind": kind, "id": actor}
    try:
        request("POST", f"{url}/v1/operator/actors/release", operator_key(data_dir), body)
    except NotFoundError as error:
        raise NotFoundError(
            f"no actor {kind} {actor} of a business {business} is in quarantine. `deskbell actors` "
            "lists those that are."
        ) from error
    typer.echo(f"{kind} {actor} of {business} is released.")


def backup(data_dir: Path, target: Path) -> None:
    """Copy the database of ``data_dir`` and its files to ``target``, and check the copy."""
    source = data_dir / FILE_NAME
    require_database(source)
    copy_database(source, target)
    _report(target)
    _say_how_to_restore(target)


def check(file: Path | None, data_dir: Path) -> None:
    """Check a database file and say what is wrong with it."""
    live = data_dir / FILE_NAME
    path = file or live
    _report(path)
    if not (live.exists() and path.samefile(live)):
        _say_how_to_restore(path)


def _report(path: Path) -> None:
    findings = check_file(path)
    for finding in findings:
        typer.echo(f"  {finding}", err=True)
    if findings:
        faults = "a fault" if len(findings) == 1 else f"{len(findings)} faults"
        raise OperatingError(f"{path} has {faults}. Restore an older backup.")
    typer.echo(f"{path}: no faults.")
    stray = stray_files(path)
    if stray:
        typer.echo(f"{stray} files belong to no attachment: a server deletes them when it starts.")


def _say_how_to_restore(path: Path) -> None:
    typer.echo(f"To restore, stop the server and put it in place of {FILE_NAME}.")
    files = files_of(path)
    if files.exist():
        typer.echo(f"Put {files.root} in place of the folder {FOLDER_NAME}.")
