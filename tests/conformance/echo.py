"""A websocket echo over the edge, for conformance suites: run it with a port of 127.0.0.1.

Text comes back as text, binary as binary; any subprotocol or none; messages up to 16 MiB.
"""

import socket
import sys
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from protocol.framing import frame
from server.edge.limits import EdgeLimits
from server.edge.listener import Listener
from server.edge.websocket import WebSocket

MESSAGE_BYTES = 16 * 2**20

LIMITS = EdgeLimits(
    message_bytes=MESSAGE_BYTES,
    message_fragments=1_000_000,
    outbound_bytes=64 * 2**20,
)


async def echo(websocket: WebSocket) -> None:
    """Send back whatever comes."""

    def send_back(messages: list[bytes]) -> None:
        for message in messages:
            websocket.send_nowait(frame(message, websocket.kind))

    websocket.on_messages = send_back
    await websocket.wait_closed()


async def not_found(scope: Any, receive: Any, send: Any) -> None:
    """Answer HTTP: there is nothing but the websocket."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def echo_listener(limits: EdgeLimits = LIMITS) -> Listener:
    """An edge that echoes on ``/``."""
    return Listener(
        handler=echo,
        http_app=not_found,
        origin_allowed=lambda _: True,
        subprotocols=None,
        path="/",
        limits=limits,
    )


def main() -> None:
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    trio.run(echo_listener().run, [listening])


if __name__ == "__main__":
    main()
