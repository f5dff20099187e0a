"""The API as its users meet it: a uWSGI process of its own on a free port, and raw HTTP to talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from api.server import command
from jobs.settings import Settings

MARK = "----mark"
FORM = {"Content-Type": f"multipart/form-data; boundary={MARK}"}


@dataclass
class Server:
    """A running service and where it keeps its things."""

    settings: Settings
    folder: Path
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=40)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        finally:
            connection.close()

    def upload(self, photo: bytes) -> dict[str, Any]:
        status, _, body = self.ask("POST", "/upload", form(photo), FORM)
        assert status == 202, body
        accepted: dict[str, Any] = json.loads(body)
        return accepted

    def socket(self) -> socket.socket:
        return socket.create_connection((self.settings.host, self.settings.port), timeout=40)

    def workers(self) -> list[int]:
        """The processes that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(each) for each in children]

    def family(self) -> list[int]:
        """Every process of the service, decoders included."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                todo += [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found

    def log(self) -> str:
        return (self.folder / "log").read_text()


def form(photo: bytes, name: str = "image") -> bytes:
    head = f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"; filename="n.jpg"\r\n\r\n'.encode()
    return head + photo + f"\r\n--{MARK}--\r\n".encode()


def jpeg(width: int = 64, height: int = 48, *, size: int = 0) -> bytes:
    """A small JPEG; with `size` as many bytes long, the rest being what follows the picture."""
    out = BytesIO()
    Image.new("RGB", (width, height), (30, 20, 10)).save(out, "JPEG")
    return out.getvalue().ljust(size, b"\0")


@contextlib.contextmanager
def serving(folder: Path, **own: Any) -> Iterator[Server]:
    """A service that answers; its words lie in `folder`/log."""
    with starting(folder, **own) as server:
        _until_it_speaks(server)
        yield server


@contextlib.contextmanager
def starting(folder: Path, **own: Any) -> Iterator[Server]:
    """Start the service and end it; it loads still."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(
        **{
            "blobs": f"file:{folder}/blobs",
            "queue": f"sqlite:{folder}/jobs.db",
            "table": f"sqlite:{folder}/jobs.db",
            "fleet": "none:",
            "spool": f"{folder}/spool",
            "port": port,
            **own,
        }
    )
    folder.mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command(settings),
            env={**os.environ, **settings.environ()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
        )
    try:
        yield Server(settings, folder, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _until_it_speaks(server: Server) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            status, _, _ = server.ask("GET", "/health")
        except OSError:
            assert server.process.poll() is None, server.log()
            assert time.monotonic() < ends, server.log()
            time.sleep(0.05)
        else:
            assert status == 200
            return


async def ask(
    server: Server, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Any:
    """One request of many at once: (status, body, seconds)."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(server.settings.host, server.settings.port)
    try:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        writer.write(body)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head[9:12] or 0), content, time.perf_counter() - began
