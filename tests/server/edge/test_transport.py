"""A socket as a transport: what its peer sees at the end, and addresses as people know them."""

import socket
from collections.abc import Callable

import pytest

from server.edge.poller import TaskPoller
from server.edge.transport import SocketTransport, _address


@pytest.fixture
def accepted() -> tuple[SocketTransport, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    return SocketTransport(ours, TaskPoller()), client


def test_a_close_is_an_end_and_a_reset_an_error(
    accepted: tuple[SocketTransport, socket.socket],
) -> None:
    transport, client = accepted
    transport.send(b"last words")
    transport.close(reset=False)
    transport.close(reset=True)
    with client:
        assert client.recv(100) == b"last words"
        assert client.recv(100) == b""


def test_a_reset_frees_the_kernel_of_what_was_not_read(
    accepted: tuple[SocketTransport, socket.socket],
) -> None:
    transport, client = accepted
    transport.close(reset=True)
    with client, pytest.raises(ConnectionResetError):
        client.recv(100)


def test_the_kernel_takes_only_so_much_for_who_does_not_read(
    accepted: tuple[SocketTransport, socket.socket],
) -> None:
    transport, client = accepted
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    taken = 0
    with client:
        taken = fill(transport.send)
        transport.close(reset=True)
    assert taken < 2 * 2**20


def fill(send: Callable[[bytes], int]) -> int:
    taken = 0
    try:
        while taken < 8 * 2**20:
            taken += send(bytes(16_384))
    except BlockingIOError:
        pass
    return taken


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("192.0.2.1", 1234), ("192.0.2.1", 1234)),
        (("::ffff:192.0.2.1", 1234, 0, 0), ("192.0.2.1", 1234)),
        (("2001:db8::1", 1234, 0, 0), ("2001:db8::1", 1234)),
        ("/a/unix/socket", ("", 0)),
    ],
)
def test_addresses(name: object, expected: tuple[str, int]) -> None:
    assert _address(name) == expected
