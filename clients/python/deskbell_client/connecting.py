"""The public face: `connect`, which makes the client of a server."""

import ssl
from urllib.parse import urlsplit

import trio

from deskbell_client.desk import Desk
from deskbell_client.driver import Dial, GetToken
from deskbell_client.errors import Stopped
from deskbell_client.options import Options
from deskbell_client.storage import Storage
from deskbell_client.uploads import Address

PATH = "/v1/ws"


def connect(
    url: str,
    *,
    device: str,
    token: str | None = None,
    get_token: GetToken | None = None,
    storage: Storage | None = None,
    options: Options | None = None,
) -> Desk:
    """A client of the server at ``url`` (`ws://host:port/v1/ws` or `wss:`), to be entered.

    - ``device``: an id made once per installation and kept.
    - ``token``: opens the first connection; the next ones open with the session token that the
      server gave. ``get_token`` is asked when no token is left: it may raise `TokenUnavailable` or
      `OSError` to be asked again later.
    - ``storage``: keeps position and pending sends over restarts; by default nothing is kept.

    Raises `ValueError` for a URL that is none, or that has a query: a token never travels there.
    """
    options = options or Options()
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url!r} is no ws: or wss: URL")
    if parts.query or parts.fragment:
        raise ValueError("A Deskbell URL has no query: give the token as an argument.")
    secure = parts.scheme == "wss"
    host, port = parts.hostname, parts.port or (443 if secure else 80)

    async def dial() -> trio.abc.Stream:
        if secure:
            return await trio.open_ssl_over_tcp_stream(
                host, port, ssl_context=options.ssl_context, https_compatible=True
            )
        return await trio.open_tcp_stream(host, port)

    path = parts.path if parts.path.strip("/") else PATH
    context = (options.ssl_context or ssl.create_default_context()) if secure else None
    address = Address(parts.netloc.rpartition("@")[2], path, context)
    return Desk(device, token, get_token, storage, options, dial, address)


def connect_over(
    stream: trio.abc.Stream | Dial,
    *,
    device: str,
    token: str | None = None,
    get_token: GetToken | None = None,
    storage: Storage | None = None,
    options: Options | None = None,
) -> Desk:
    """Like `connect`, over ``stream``, or over the stream that the function ``stream`` opens.

    One stream is one connection: when it ends, the client stops. A function is called for each try.
    There is no HTTP then: `Desk.upload` and `Desk.link` need an address, which only `connect` has.
    """
    dial = _once(stream) if isinstance(stream, trio.abc.Stream) else stream
    address = Address("localhost", PATH)
    return Desk(device, token, get_token, storage, options or Options(), dial, address)


def _once(stream: trio.abc.Stream) -> Dial:
    streams = [stream]

    async def dial() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        if not streams:
            raise Stopped(1000, "The stream has ended, and there is no other.")
        return streams.pop()

    return dial
