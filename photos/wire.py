"""Messages between processes: a length and a JSON object, with descriptors beside it; never pickle."""

import json
import socket
import struct
from collections.abc import Callable, Sequence

LONGEST_MESSAGE = 4 << 20
_LENGTH = struct.Struct("!I")


class WireBroken(Exception):
    """The other side hung up inside a message, or sent something that is no message."""


def frame(message: dict[str, object]) -> bytes:
    """The bytes of one message."""
    body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    return _LENGTH.pack(len(body)) + body


def send(sock: socket.socket, message: dict[str, object], fds: Sequence[int] = ()) -> None:
    """Send one message; the descriptors ride on its first byte."""
    data = frame(message)
    sent = socket.send_fds(sock, [data], list(fds)) if fds else 0
    if sent < len(data):  # even nothing cannot be sent to who has read it all, answered and gone
        sock.sendall(memoryview(data)[sent:])


def receive(
    sock: socket.socket, fds: list[int] | None = None, before: Callable[[], None] | None = None
) -> object | None:
    """The next message as parsed JSON, or None at a clean end; WireBroken otherwise.

    Descriptors that come along are appended to `fds`. `before` runs before every wait, to shorten the socket's
    timeout to what is left: a sender that trickles bytes gains nothing.
    """
    header = _exactly(sock, _LENGTH.size, fds, before)
    if header is None:
        return None
    (length,) = _LENGTH.unpack(header)
    if length > LONGEST_MESSAGE:
        raise WireBroken("message longer than allowed")
    body = _exactly(sock, length, None, before)
    if body is None:
        raise WireBroken("end inside a message")
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireBroken("message is not JSON") from error
    return message


def _exactly(
    sock: socket.socket, count: int, fds: list[int] | None, before: Callable[[], None] | None
) -> bytearray | None:
    data = bytearray()
    while len(data) < count:
        if before:
            before()
        if fds is None:
            part = sock.recv(min(count - len(data), 1 << 20))
        else:
            part, received, _, _ = socket.recv_fds(sock, count - len(data), 8)
            fds.extend(received)
        if not part:
            if data:
                raise WireBroken("end inside a message")
            return None
        data += part
    return data
