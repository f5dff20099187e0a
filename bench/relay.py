"""Joins its input and output to a loopback port: `relay.py PORT`, started by QEMU for each connection of a guest."""

from __future__ import annotations

import os
import select
import socket
import sys


def relay(port: int) -> None:
    """Carry bytes both ways until either side ends."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        ways = {0: server.fileno(), server.fileno(): 1}
        while ways:
            ready, _, _ = select.select(list(ways), [], [])
            for source in ready:
                words = os.read(source, 65536)
                if not words:
                    return
                while words:
                    words = words[os.write(ways[source], words) :]


if __name__ == "__main__":
    relay(int(sys.argv[1]))
