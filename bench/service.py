"""The whole service as real processes in a folder of its own, for measurements and end-to-end tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
START_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`firstlight up` or `rehearse`, running: its address, its folder (stores, logs) and its process."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def upload(self, photo: bytes, *, name: str = "night.jpg", **fields: str) -> dict[str, Any]:
        """The accepted job. Raises requests.HTTPError when the photo is refused."""
        answer = requests.post(f"{self.url}/upload", files={"image": (name, photo)}, data=fields, timeout=120)
        answer.raise_for_status()
        accepted: dict[str, Any] = answer.json()
        return accepted

    def status(self, job_id: str, wait_s: int = 0) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/status/{job_id}", params={"wait": wait_s}, timeout=60)
        answer.raise_for_status()
        status: dict[str, Any] = answer.json()
        return status

    def finished(self, job_id: str, within_s: float = 90.0) -> dict[str, Any]:
        """The status once the job has ended. Raises TimeoutError."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            status = self.status(job_id, wait_s=5)
            if status["state"] in ("done", "failed", "cancelled"):
                return status
        raise TimeoutError(f"job {job_id} is still {status['state']} ({status['phase']})\n{self.logs()}")

    def result(self, job_id: str) -> bytes:
        answer = requests.get(f"{self.url}/result/{job_id}", timeout=60)
        answer.raise_for_status()
        return answer.content

    def warm(self, within_s: float = 60.0) -> None:
        """Have a worker ready. Raises TimeoutError."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            answer = requests.post(f"{self.url}/warm", json={"intent": "pick"}, timeout=10)
            if answer.status_code == 200:
                return
            time.sleep(0.05)
        raise TimeoutError(f"no worker became ready: {answer.text}\n{self.logs()}")

    def processes(self, *, running: str) -> list[int]:
        """Process ids of this service whose command line holds `running`."""
        found = []
        for each in Path("/proc").iterdir():
            if not each.name.isdigit():
                continue
            try:
                command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environ = (each / "environ").read_bytes()
            except OSError:
                continue
            if running in command and f"SPOOL={self.folder}/".encode() in environ:
                found.append(int(each.name))
        return found

    def logs(self) -> str:
        """The last lines of everything that writes a log."""
        parts = []
        for file in sorted(self.folder.rglob("*.log")):
            parts += [f"--- {file.name}", *file.read_text(errors="replace").splitlines()[-40:]]
        return "\n".join(parts)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def service(
    *,
    command: str = "up",
    arguments: tuple[str, ...] = (),
    prefix: tuple[str, ...] = (),
    world: bool = False,
    **settings: object,
) -> Iterator[Service]:
    """Run the service with these settings until the block ends; nothing of it is left then.

    `command` is `up`, or `rehearse` for stores and machines in a stand-in for AWS, which then are not the settings'.
    `arguments` are its own; `prefix` is a command that runs it (`setpriv …`, `unshare …`); `world` lets any user write
    its folder.
    """
    with tempfile.TemporaryDirectory(prefix="firstlight-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if world:
            folder.chmod(0o777)
        port = free_port()
        chosen = {
            "BLOBS": f"file:{folder}/blobs",
            "QUEUE": f"sqlite:{folder}/jobs.db",
            "TABLE": f"sqlite:{folder}/jobs.db",
            "FLEET": f"process:{folder}/machines",
            "SPOOL": f"{folder}/spool",
            "PORT": port,
            **settings,
        }
        with (folder / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [*prefix, str(Path(sys.prefix) / "bin" / "python"), "-m", "cli", command, *arguments],
                cwd=ROOT,
                env={**os.environ, **{key: str(value) for key, value in chosen.items()}},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            running = Service(url=f"http://127.0.0.1:{port}", folder=folder, process=process)
            try:
                _wait_until_ready(running)
                yield running
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def _wait_until_ready(running: Service) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and running.process.poll() is None:
        try:
            if requests.get(f"{running.url}/ready", timeout=5).status_code == 200:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass  # it does not listen yet
        time.sleep(0.05)
    raise TimeoutError(f"the service did not start\n{running.logs()}")
