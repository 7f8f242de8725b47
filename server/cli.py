"""The command line: `deskbell serve`, `demo`, `token`, `load`, `backup`, `check`, `version` …"""

import errno
import gc
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

import trio
import typer

from domain.errors import StorageFailed
from server import operating
from server.app import Prepare, Running, no_demo, run_server
from server.config import ConfigurationError, read_settings
from server.demo import prepare_demo
from server.http.operator import Kind
from server.http.tokens import TTL_LEAST, TTL_MOST
from server.logs import configure_logging
from server.page import address_of
from server.settings import Settings
from storage.journal import JournalBroken
from storage.migrations import UnusableDatabase

app = typer.Typer(
    help="Deskbell: the messaging server of businesses that live by appointments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="A TOML file; docs/operations.md lists it all."),
]
TURN_SECONDS = 0.0005
"""How long one thread may go on in Python while another one wants to. Python's own 5 ms are as much
as a whole request, lost each time that a reader or the writer is in the middle of something.
"""
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        "-d",
        help="The folder that holds the database.",
        show_default=Settings().data_dir,
    ),
]
HOST = Settings().host
PortOption = Annotated[
    int | None,
    typer.Option("--port", help="The port; 0 takes a free one.", show_default=f"{Settings().port}"),
]


def _checked_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        _fail(f"--url is {url}; it begins with http:// or https://.", operating.EX_USAGE)
    return url


UrlOption = Annotated[
    str, typer.Option("--url", help="Where the server listens.", callback=_checked_url)
]

EX_UNAVAILABLE = 69
EX_CONFIG = 78
DEFAULT_URL = "http://127.0.0.1:8000"


def _say_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def deskbell(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """What comes before the command."""


@app.command()
def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on.", show_default=HOST)
    ] = None,
    port: PortOption = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    settings = _settings(config, data_dir=data, host=host, port=port)
    _run(settings, no_demo, _say_ready)


@app.command()
def demo(
    data: DataOption = None,
    port: PortOption = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="The address to listen on; anything but loopback needs:", show_default=HOST
        ),
    ] = None,
    anyone_may_sign_in: Annotated[
        bool,
        typer.Option(
            "--anyone-may-sign-in",
            help="Allow a demo beyond loopback: whoever reaches it signs in as whom they like.",
        ),
    ] = False,
) -> None:
    """Serve a small demo business in which you can be three people at once."""
    settings = _settings(None, data_dir=data, host=host, port=port)
    loopback = settings.host in ("localhost", "::1") or settings.host.startswith("127.")
    if not loopback and not anyone_may_sign_in:
        _fail(
            f"the demo has no passwords, so it listens on loopback alone. To open it on "
            f"{settings.host} all the same, add --anyone-may-sign-in.",
            EX_CONFIG,
        )
    _run(settings, prepare_demo, _say_demo)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"deskbell {metadata.version('deskbell')}, SQLite {sqlite3.sqlite_version}")


@app.command()
def token(
    person: Annotated[str, typer.Argument(help="The person's id.")],
    business: Annotated[str, typer.Option(help="The business's id.")],
    data: DataOption = None,
    url: UrlOption = DEFAULT_URL,
    seconds: Annotated[
        int, typer.Option(help=f"How long the token lasts: {TTL_LEAST} to {TTL_MOST}.")
    ] = 300,
) -> None:
    """Make a token for a person, with the operator's key of the data folder."""
    operating.call(partial(operating.make_token, url, _data(data), business, person, seconds))


@app.command()
def account(
    business: Annotated[str, typer.Option(help="The business's id.")],
    person: Annotated[str, typer.Option(help="The person's id.")],
    email: Annotated[
        str | None, typer.Option(help="The address they sign in with; without it, that of before.")
    ] = None,
    data: DataOption = None,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Print a one-time link with which a person of the team signs in and chooses a password."""
    operating.call(partial(operating.make_link, url, _data(data), business, person, email))


@app.command()
def actors(data: DataOption = None, url: UrlOption = DEFAULT_URL) -> None:
    """List live actors: state, mailbox depth, restarts."""
    operating.call(partial(operating.list_actors, url, _data(data)))


@app.command("dead-letters")
def dead_letters(data: DataOption = None, url: UrlOption = DEFAULT_URL) -> None:
    """List messages that crashed their actor twice."""
    operating.call(partial(operating.list_dead_letters, url, _data(data)))


@app.command()
def release(
    business: Annotated[str, typer.Argument(help="The business's id.")],
    kind: Annotated[Kind, typer.Argument(help="conversations, desk, locations or presence.")],
    actor: Annotated[str, typer.Argument(help="The actor's id, as `deskbell actors` shows it.")],
    data: DataOption = None,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Release an actor from quarantine."""
    operating.call(partial(operating.release, url, _data(data), business, kind, actor))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The new file; it must not exist.")],
    data: DataOption = None,
) -> None:
    """Copy the database to one file, while the server runs or not."""
    operating.call(partial(operating.backup, Path(_data(data)), target))


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A database file, such as a backup to be restored.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Check a database: integrity, and that the log has no holes."""
    operating.call(partial(operating.check, file, Path(_data(data))))


@app.command()
def load(
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
    conversations: Annotated[int, typer.Option(help="How many conversations.")] = 10,
    members: Annotated[int, typer.Option(help="Members in each.")] = 3,
    rate: Annotated[float, typer.Option(help="Messages a second in all; 0: no limit.")] = 100.0,
    seconds: Annotated[float, typer.Option(help="How long.")] = 10.0,
    window: Annotated[int, typer.Option(help="Unacknowledged messages a sender may have.")] = 8,
    pid: Annotated[
        int | None, typer.Option(help="The server's process, to report its CPU.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Put load on a server and check what it delivers: order, gaps, duplicates.

    It makes a business load-xxxxxxxx, which stays: use a server with a scratch data folder.
    """
    from server.load import LoadPlan, run_load  # noqa: PLC0415 - the SDK is not needed to serve

    plan = LoadPlan(conversations, members, rate, seconds, window, pid, as_json)
    operating.call(partial(run_load, url, Path(_data(data)), plan))


def main() -> None:
    """The `deskbell` command."""
    sys.setswitchinterval(TURN_SECONDS)
    app()


def _settings(config: Path | None, **overrides: object) -> Settings:
    try:
        return read_settings(config, os.environ, overrides)
    except ConfigurationError as error:
        _fail(str(error), EX_CONFIG)


def _data(data: str | None) -> str:
    folder = _settings(None, data_dir=data).data_dir
    _refuse_file(folder, operating.EX_FAILED)
    return folder


def _refuse_file(data_dir: str, code: int) -> None:
    if Path(data_dir).is_file():
        _fail(f"{data_dir} is a file, not a folder. Name the folder that holds the database.", code)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"deskbell: {message}", err=True)
    sys.exit(code)


def _say_ready(running: Running) -> None:
    address = address_of(running.node.settings.host, running.port)
    typer.echo(f"Deskbell listens on port {running.port}. Open {address}; Ctrl-C stops it.")
    if running.set_up_link is not None:
        typer.echo(
            f"\n  Nobody owns a business here yet. To make one and its owner, open\n"
            f"  {running.set_up_link}\n  It works once, and until the next start.\n"
        )


def _say_demo(running: Running) -> None:
    address = address_of(running.node.settings.host, running.port)
    typer.echo(
        f"\n  Deskbell is ready: {address}/\n\n"
        "  Three people side by side: an owner, a staff member and a customer.\n"
        "  Type as one, watch the others. Ctrl-C stops the server; nothing is lost.\n"
    )


def _run(settings: Settings, prepare: Prepare, say: Callable[[Running], None]) -> None:
    _refuse_file(settings.data_dir, EX_UNAVAILABLE)
    configure_logging(settings.log_level, settings.log_format)
    failure: tuple[str, int] | None = None  # of several, the last of these
    try:
        trio.run(partial(_serve, settings, prepare, say))
    except* (OSError, UnicodeError) as group:  # of a host that cannot be a name: UnicodeError
        failure = _cannot_listen(settings, operating.first_of(group)), EX_UNAVAILABLE
    except* (JournalBroken, StorageFailed) as group:
        failure = f"{operating.first_of(group)}. Check the disk, then start again.", EX_UNAVAILABLE
    except* UnusableDatabase as group:
        failure = f"{operating.first_of(group)}", EX_UNAVAILABLE
    except* ConfigurationError as group:
        failure = f"{operating.first_of(group)}", EX_CONFIG
    if failure is not None:  # not within `except*`: Python 3.11.2 groups what is raised there
        _fail(*failure)


def _cannot_listen(settings: Settings, error: BaseException) -> str:
    of_host = isinstance(error, (socket.gaierror, UnicodeError))
    if of_host or getattr(error, "errno", 0) == errno.EADDRNOTAVAIL:
        what = "Choose an address of this machine with --host; 0.0.0.0 is all of them."
    else:
        what = "Choose another port with --port, or stop what uses it."
    return f"cannot listen on {settings.host}:{settings.port} ({error}). {what}"


async def _serve(settings: Settings, prepare: Prepare, say: Callable[[Running], None]) -> None:
    """Run the server; the first SIGINT or SIGTERM drains it, the second ends it at once."""
    async with trio.open_nursery() as nursery:

        async def serve_to_the_end(task_status: trio.TaskStatus[Running]) -> None:
            await run_server(settings, prepare, task_status=task_status)
            nursery.cancel_scope.cancel()

        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            running: Running = await nursery.start(serve_to_the_end)
            _settle()
            say(running)
            sys.stdout.flush()
            async for _ in signals:
                if running.stop.is_set():
                    nursery.cancel_scope.cancel()
                running.stop.set()


def _settle() -> None:
    """What exists now stays: do not look through it for garbage again and again.

    What comes to be later, such as actors, is looked through in portions that hold nobody up for
    long: 5,000 objects take a millisecond. All that has come since the start is, hardly ever.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 100)


if __name__ == "__main__":
    main()
