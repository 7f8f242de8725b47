"""Calls to the servers of businesses: signed by the caller, bounded in time and size.

httpcore2, the lower half of httpx2, because what the upper half adds must not happen here:
redirects, proxies of the environment, cookies, decompression. And only it takes a network of one's
own, which the check of addresses needs (`adapters.webhooks.address`).
"""

import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import Any

import httpcore2
import trio
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from adapters.webhooks.address import Endpoint, may_call

CONNECTIONS = 128
IDLE_CONNECTIONS = 32
IDLE_SECONDS = 30.0
DRAIN_BYTES = 16 * 1024
"""What is read of an answer that nobody wants, so that its connection can be used again."""

DRAIN_SECONDS = 0.5


class NotReached(Exception):
    """The call came to nothing; the message says why, in a few words."""


class Answer:
    """What was answered: ``body`` is ``None`` if it was longer than what was asked for."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes | None) -> None:
        self.status = status
        self.body = body


class _ForbiddenAddress(Exception):
    """A name resolves to nothing that may be called."""


class _Tcp(AsyncNetworkStream):
    """A connection that is closed when it is given up during the handshake of TLS.

    The library forgets it then, and a server that says nothing would keep it open.
    """

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream
        self.read = stream.read  # type: ignore[method-assign]
        self.write = stream.write  # type: ignore[method-assign]
        self.aclose = stream.aclose  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's
    ) -> AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            with trio.CancelScope(shield=True):
                await self._stream.aclose()
            raise


class _Network(AsyncNetworkBackend):
    """TCP to addresses that may be called; the name is resolved here, and nowhere else."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._trio = httpcore2.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        failure: Exception = _ForbiddenAddress()
        for address in await self._resolved(host, port):
            try:
                return _Tcp(
                    await self._trio.connect_tcp(
                        address, port, timeout, local_address, socket_options
                    )
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _resolved(self, host: str, port: int) -> list[str]:
        try:
            found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the host is not known") from error
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return [each for each in addresses if self._may_call(each)]

    def _may_call(self, address: str) -> bool:
        return may_call(ipaddress.ip_address(address), allow_private=self._allow_private)


class Caller:
    """One pool of connections for all calls."""

    def __init__(self, *, allow_private: bool, context: ssl.SSLContext | None = None) -> None:
        """``context``: other certificates than the system's are believed."""
        self._context = context
        self._network = _Network(allow_private=allow_private)
        self._made: httpcore2.AsyncConnectionPool | None = None

    @property
    def _pool(self) -> httpcore2.AsyncConnectionPool:
        """Made for the first call: reading the system's certificates takes a while."""
        if self._made is None:
            self._made = httpcore2.AsyncConnectionPool(
                ssl_context=self._context or httpcore2.default_ssl_context(),
                max_connections=CONNECTIONS,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=self._network,
            )
        return self._made

    async def post(
        self,
        endpoint: Endpoint,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
        wanted_bytes: int = 0,
    ) -> Answer:
        """POST ``body`` and return the answer, all within ``seconds``.

        Its own body, up to ``wanted_bytes``, if any is wanted. Raises `NotReached`.
        """
        try:
            with trio.fail_after(seconds):
                return await self._post(endpoint, headers, body, wanted_bytes)
        except trio.TooSlowError:
            raise NotReached(f"no answer within {seconds:g} s") from None
        except _ForbiddenAddress:
            raise NotReached("the address is not public") from None
        except httpcore2.ConnectError as error:
            raise NotReached(_why(error)) from error
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
        ) as error:
            raise NotReached("the connection broke") from error
        except (ssl.SSLError, OSError, trio.BrokenResourceError) as error:
            raise NotReached("the connection broke") from error

    async def _post(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, wanted_bytes: int
    ) -> Answer:
        url = httpcore2.URL(
            scheme=endpoint.scheme,
            host=endpoint.host,
            port=endpoint.port,
            target=endpoint.target,
        )
        async with self._pool.stream(
            "POST", url, headers=[("Host", endpoint.authority), *headers.items()], content=body
        ) as response:
            if wanted_bytes:
                return Answer(response.status, await _read(response, wanted_bytes))
            with trio.move_on_after(DRAIN_SECONDS):
                await _read(response, DRAIN_BYTES)
            return Answer(response.status, None)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.aclose()


async def _read(response: httpcore2.Response, most: int) -> bytes | None:
    """The body, or ``None`` if there is more of it; then its connection is closed."""
    body = bytearray()
    async with aclosing(response.aiter_stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > most:
                return None
    return bytes(body)


def _why(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "TLS failed"
        cause = cause.__cause__ or cause.__context__
    return str(error) if "host" in str(error) else "it cannot be connected to"
