"""The command line of uWSGI, as its source and trials say it must be, and what must be so before it runs."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import sys
import tempfile
from errno import EACCES, EADDRNOTAVAIL
from pathlib import Path
from signal import SIGINT, SIGTERM

from jobs.errors import FirstlightError
from jobs.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CORES = 1000  # greenlets of one process: waiters (api.app.PLACES) and room for everybody else
HEADER_BYTES = 32_768
LAST_PORT = 65_535
MERCY_S = 75  # for an upload that is still arriving when the service is asked to end
LONGEST_SOCKET_PATH = 100
PATIENCE_S = 60  # for a client that sends or takes nothing


class CannotServe(FirstlightError):
    """The service cannot run as it should; a sentence with the cure, before uWSGI says it in its own words."""


class PortTaken(CannotServe):
    """Nobody can listen where the service should: another program does, or there is no such place."""


def command(settings: Settings) -> list[str]:
    """The arguments that start the API; run them from any folder, with `settings.environ()` in the environment.

    Gives the processes a fresh folder to count in, so call it right before the start.
    """
    var = Path(settings.spool).absolute().parent
    counters = var / f"counters-{settings.port}"
    shutil.rmtree(counters, ignore_errors=True)
    counters.mkdir(parents=True)
    inner = _inner_socket(var / f"api-{settings.port}.sock")
    options: dict[str, str | int | None] = {
        "http": f"{settings.host}:{settings.port}",
        "http-to": inner,
        "http-keepalive": None,
        "http-manage-expect": None,
        "http-timeout": PATIENCE_S,
        "http-headers-timeout": 20,
        "http-buffer-size": HEADER_BYTES,
        "socket": inner,
        "chmod-socket": "600",  # whoever speaks uWSGI's own protocol may load programs into it
        "buffer-size": HEADER_BYTES,
        "socket-timeout": PATIENCE_S,
        "listen": _backlog(),
        "max-fd": _descriptors(),
        "master": None,
        "processes": settings.api_processes,
        "gevent": CORES,
        "gevent-early-monkey-patch": None,  # before the app is loaded, whose threads and locks must be greenlets
        "lazy-apps": None,  # torch is not here, but threads and connections do not survive a fork either
        "strict": None,
        "need-app": None,
        "single-interpreter": None,
        "no-orphans": None,
        "vacuum": None,
        "worker-reload-mercy": MERCY_S,
        "disable-logging": None,  # api.accounts writes the line
        # No log-master: while it ends, uWSGI's master only waits, and a process that must log stops for ever.
        "pythonpath": str(ROOT),
        "module": "api.loading:app",
    }
    hooks = [f"--hook-master-start=unix_signal:{number:d} gracefully_kill_them_all" for number in (SIGTERM, SIGINT)]
    flags = [f"--{name}" if value is None else f"--{name}={value}" for name, value in options.items()]
    # Not by uWSGI's --env: pyuwsgi is a Python program, and Python has read its environment by then. It crashes on an
    # argument that Python did not read as text, as one with other letters than English ones under LC_ALL=C.
    environ = ["PYTHONUTF8=1", f"PROMETHEUS_MULTIPROC_DIR={counters}"]
    return ["/usr/bin/env", *environ, f"{sys.prefix}/bin/pyuwsgi", *flags, *hooks]


def check(settings: Settings) -> None:
    """Raises CannotServe where uWSGI could not even start."""
    for name, path in (("Firstlight lies in", ROOT), ("SPOOL is", Path(settings.spool).absolute())):
        try:
            os.fsencode(path).decode()
        except UnicodeDecodeError:
            shown = os.fsencode(path).decode(errors="backslashreplace")
            raise CannotServe(
                f"{name} {shown}, which is not UTF-8, and uWSGI takes no other names: give that folder another name"
            ) from None
    check_port(settings)


def check_port(settings: Settings) -> None:
    """Raises PortTaken."""
    if not 1 <= settings.port <= LAST_PORT:
        raise PortTaken(f"PORT={settings.port} is no port: use one from 1 to {LAST_PORT}, as PORT=8080")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except socket.gaierror as error:
            raise PortTaken(
                f"HOST={settings.host} is no address of this machine ({error.strerror}): use 127.0.0.1, or 0.0.0.0 to "
                "let others in"
            ) from error
        except OSError as error:
            if error.errno in (EADDRNOTAVAIL, EACCES):
                raise PortTaken(
                    f"This program may not listen on {settings.host} at port {settings.port} ({error.strerror}): use "
                    "HOST=127.0.0.1, or 0.0.0.0 to let others in, and a PORT from 1024"
                ) from error
            raise PortTaken(
                f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}): "
                f"end the program that uses it, or start with another port, as PORT={settings.port + 1}"
            ) from error


def _inner_socket(wanted: Path) -> str:
    """Where uWSGI's door speaks to its processes; the system allows such a path about a hundred bytes."""
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH:
        return str(wanted)
    return f"{tempfile.mkdtemp(prefix='firstlight-')}/api.sock"


def _backlog() -> int:
    """Connections that may wait to be taken; uWSGI refuses to start when the system allows fewer."""
    allowed = Path("/proc/sys/net/core/somaxconn")
    return min(1024, int(allowed.read_text())) if allowed.exists() else 100


def _descriptors() -> int:
    """Two per client and some for files, as far as the system lets us."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 16_384
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
