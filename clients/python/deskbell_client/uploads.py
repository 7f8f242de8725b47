"""Uploading files over HTTP, piece by piece, over broken connections; links to attachments.

Each request runs on a thread: nothing but the standard library is needed for it.
"""

import http.client
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import trio

from deskbell_client import mapping
from deskbell_client.errors import DeskbellError, Refused
from deskbell_client.records import Attachment

REQUEST_SECONDS: Final = 60.0
TRIES: Final = 6
"""Requests in a row that may fail for want of a connection."""

FIRST_PAUSE: Final = 1.0
LOOK_SECONDS: Final = 0.3
"""Between two looks at a file that is being examined."""

Progress = Callable[[int, int], None]
"""Called with the bytes that the server has, and all there are."""


class Address(NamedTuple):
    """Where the server is: for the websocket, and for HTTP; ``context`` is of TLS."""

    netloc: str
    path: str
    context: ssl.SSLContext | None = None


class UploadFailed(DeskbellError):
    """The server could not be reached, or not often enough; nothing was sent."""


class Source(Protocol):
    """What is uploaded: so many bytes, from any place on."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, count: int) -> bytes: ...


@dataclass(frozen=True)
class Content:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, count: int) -> bytes:
        return self.data[offset : offset + count]


class FileContent:
    """A file, read as it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, offset: int, count: int) -> bytes:
        """Read a part of it."""
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(count)


class Http:
    """Requests to one server, with the token that ``token`` gives."""

    def __init__(
        self, netloc: str, context: ssl.SSLContext | None, token: Callable[[], Awaitable[str]]
    ) -> None:
        """``context``: of TLS; ``None`` is plain HTTP."""
        self._netloc = netloc
        self._context = context
        self._token = token

    @property
    def origin(self) -> str:
        return f"{'http' if self._context is None else 'https'}://{self._netloc}"

    async def ask(
        self, method: str, path: str, body: bytes | Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The answer's JSON. Raises `Refused`; `OSError`: there was no answer."""
        token = await self._token()
        answer: dict[str, Any] = await trio.to_thread.run_sync(
            self._ask, method, path, body, token, abandon_on_cancel=True
        )
        return answer

    def _ask(
        self, method: str, path: str, body: bytes | Mapping[str, Any] | None, token: str
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        elif body is not None:
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"no answer that can be read: {error}") from error
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise OSError("no answer that can be read")
        if response.status >= http.client.BAD_REQUEST:
            raise Refused(
                str(answer.get("code", response.status)),
                str(answer.get("detail", response.reason)),
                float(answer.get("retry_after", 0)),
            )
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._netloc, timeout=REQUEST_SECONDS)
        return http.client.HTTPSConnection(
            self._netloc, timeout=REQUEST_SECONDS, context=self._context
        )


async def upload(http: Http, name: str, source: Source, progress: Progress | None) -> Attachment:
    """Upload ``source``; returns when it can be sent.

    Raises `Refused`: the server does not take it, ``code`` and ``message`` say why; `UploadFailed`.
    """
    begun = {"name": name, "size": source.size}
    state = await _patiently(lambda: http.ask("POST", "/v1/uploads", begun))
    path = f"/v1/uploads/{state['id']}"
    while state["state"] in ("uploading", "examining"):
        if progress is not None:
            progress(state["offset"], source.size)
        if state["state"] == "examining":
            await trio.sleep(LOOK_SECONDS)
            state = await _patiently(lambda: http.ask("GET", path))
            continue
        state = await _next_chunk(http, path, source, state)
    if state["state"] == "refused":
        raise Refused(str(state["code"]), str(state["text"]))
    if progress is not None:
        progress(source.size, source.size)
    return mapping.read(Attachment, state["attachment"])


async def _next_chunk(
    http: Http, path: str, source: Source, state: dict[str, Any]
) -> dict[str, Any]:
    """Send what comes next; where that fails, look where the upload stands."""
    offset = state["offset"]
    chunk = await trio.to_thread.run_sync(source.read, offset, state["chunk_bytes"])
    try:
        return await http.ask("PATCH", f"{path}?offset={offset}", chunk)
    except OSError:
        await trio.sleep(FIRST_PAUSE)
    except Refused as error:
        if error.code != "conflict":
            raise
    return await _patiently(lambda: http.ask("GET", path))


async def _patiently(ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """``ask`` until there is an answer; what is refused for a while, or lost, is asked again."""
    pause = FIRST_PAUSE
    for _ in range(TRIES):
        try:
            return await ask()
        except OSError:
            await trio.sleep(pause)
        except Refused as error:
            if error.code not in ("overloaded", "unavailable"):
                raise
            await trio.sleep(error.retry_after or pause)
        pause *= 2
    raise UploadFailed("the server could not be reached")
