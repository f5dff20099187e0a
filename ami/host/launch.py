"""Tells a machine what it was launched for: its own tags and user data, from instance metadata to one file of settings.

    token ─▶ tags firstlight-slot, -epoch, -deadline ─▶ user data, NAME=VALUE lines ─▶ OUT/worker.env

Takes cloud-init's place. Runs in the worker image's Python with `-I -S` and the lightest modules alone, as nobody in
particular; whatever fails here ends the machine, because its unit says so. User data is a stranger's text: only names
from the image's list pass, and only values that need no quotes anywhere.
"""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping

SERVICE = ("169.254.169.254", 80)
TAGS = {"SLOT": "firstlight-slot", "EPOCH": "firstlight-epoch", "DEADLINE": "firstlight-deadline"}
TAG_FORMS = {"SLOT": r"\d{1,6}", "EPOCH": r"\d{1,12}", "DEADLINE": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"}
TOKEN_S = 300
ANSWER_S = 5.0
PATIENCE_S = 25.0  # until the network is up and the service has answered; the unit ends a little later
AGAIN_S = 0.05
MOST_BYTES = 20_000  # EC2 takes user data up to 16 KB
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
VALUE = re.compile(r"[A-Za-z0-9_./:;,@%+=~*-]{0,1024}")  # needs no quotes in systemd's files nor in a shell's
Ask = Callable[[str, str, Mapping[str, str]], tuple[int, str]]


class NotLaunched(Exception):
    """This machine cannot know what it is for, and so must end; the sentence names the cure."""


def settings_of(user_data: str, allowed: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Settings from NAME=VALUE lines (`export ` and `#` as in a shell), and the names that were left out.

    The last line of a name wins. Raises NotLaunched for an allowed name whose value cannot be passed on as it is.
    """
    names, settings, left_out = frozenset(allowed), {}, []
    for line in user_data.splitlines():
        name, found, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not found or name.startswith("#"):
            continue
        if name not in names:
            left_out.append(name if NAME.fullmatch(name) else "(no name)")
        elif not VALUE.fullmatch(value):
            raise NotLaunched(f"user data: {name} holds characters that no setting needs: mend the launch template")
        else:
            settings[name] = value
    return settings, left_out


def launched_for(ask: Ask) -> tuple[dict[str, str], str]:
    """This machine's tags by the names in TAGS, and its user data. Raises OSError, NotLaunched."""
    status, token = ask("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_S)})
    if status != 200 or not re.fullmatch(r"[!-~]{1,256}", token):
        raise NotLaunched(f"instance metadata gave no session ({status})")
    session = {"X-aws-ec2-metadata-token": token}
    tags = {}
    for name, tag in TAGS.items():
        status, words = ask("GET", f"meta-data/tags/instance/{tag}", session)
        if status != 200 or not re.fullmatch(TAG_FORMS[name], words):
            raise NotLaunched(f"no usable tag {tag} ({status}): launch it by Firstlight, with InstanceMetadataTags on")
        tags[name] = words
    status, user_data = ask("GET", "user-data", session)
    if status not in (200, 404):
        raise NotLaunched(f"instance metadata gave no user data ({status})")
    return tags, user_data if status == 200 else ""


def environ_file(tags: Mapping[str, str], settings: Mapping[str, str], *, started_ms: int) -> str:
    """The lines that the worker's and the deadman's units read."""
    facts = {"FLEET": "ec2:this", **settings, **tags, "UNIT_STARTED_MS": str(started_ms)}
    return "".join(f"{name}={value}\n" for name, value in sorted(facts.items()))


def ask_service(method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """One answer of the metadata service, status and body. Raises OSError.

    By hand: `http.client` takes longer to load than everything else here.
    """
    lines = [f"{method} /latest/{path} HTTP/1.1", f"Host: {SERVICE[0]}", "Connection: close", "Content-Length: 0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(SERVICE, timeout=ANSWER_S) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while len(answer) <= MOST_BYTES and (more := connection.recv(65536)):
            answer += more
    return read_answer(answer)


def read_answer(answer: bytes) -> tuple[int, str]:
    """Status and body of one HTTP answer that is all there. Raises OSError for anything else."""
    head, ended, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = re.fullmatch(r"HTTP/1\.[01] (\d{3}).*", lines[0])
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = fields.get("content-length", "")
    if not ended or status is None or not re.fullmatch(r"\d{1,6}", length) or len(body) != int(length):
        raise OSError("an answer of the metadata service was cut short")
    return int(status[1]), body.decode(errors="replace")


def patiently(
    act: Callable[[], tuple[dict[str, str], str]],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[dict[str, str], str]:
    """Do it as soon as the network is there, which nobody waits for otherwise. Raises NotLaunched after PATIENCE_S."""
    ends = monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except OSError as error:
            if monotonic() >= ends:
                raise NotLaunched(f"instance metadata cannot be reached in {PATIENCE_S:.0f} s: {error}") from error
            sleep(AGAIN_S)


def main(arguments: list[str]) -> int:
    """`launch.py NAMES OUT`: the file of allowed names, and the file to write."""
    started_ms = time.time_ns() // 1_000_000
    names, out = arguments
    try:
        tags, user_data = patiently(lambda: launched_for(ask_service))
        with open(names, encoding="ascii") as file:  # noqa: PTH123 — pathlib takes longer to load than this all
            settings, left_out = settings_of(user_data, file.read().split())
    except NotLaunched as fact:
        print(f"launch: {fact}", file=sys.stderr)
        return 1
    if left_out:
        print(f"launch: user data names no setting of this image: {', '.join(left_out[:20])}", file=sys.stderr)
    with open(out, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(environ_file(tags, settings, started_ms=started_ms))
    print(f"launch: slot {tags['SLOT']}, epoch {tags['EPOCH']}, {len(settings)} settings")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
