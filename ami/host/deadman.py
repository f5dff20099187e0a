"""Ends a machine that has no use: it looks at the worker's pulse from outside its container, and at the machine's age.

Runs on the host beside the worker and knows only time since boot and the pulse file; a wall clock that jumps moves
nothing. It never powers off itself: it exits, and its unit powers the machine off however it ends, so that a deadman
that crashes, hangs (systemd's watchdog) or cannot even start ends the machine too.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

LOOK_S = 5.0
LIVE = ("ready", "busy", "draining")  # states that only a worker that once was ready has
ENDING = ("draining", "setup_failed", "defunct")
ENDING_S = 150.0  # EC2's two minutes of notice, and a little
MOST_READY_S, MOST_AGE_S, MOST_SILENCE_S = 3600.0, 24 * 3600.0, 600.0  # no user data makes a machine immortal
LEAST_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds since boot, but `silence_s`: how long the pulse file may stay unchanged."""

    ready_s: float = 300.0
    age_s: float = 12 * 3600.0
    silence_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The pulse as it was found, and when (seconds since boot) it last changed. `mark` tells two beats apart."""

    word: str = ""
    mark: int = 0
    changed_s: float = 0.0
    word_since_s: float = 0.0
    was_ready: bool = False


def look(seen: Seen, word: str, mark: int, now_s: float) -> Seen:
    """What is known after finding the pulse so; an empty word: no pulse yet, or none any more."""
    if word == "" or (word, mark) == (seen.word, seen.mark):
        return seen
    return replace(
        seen,
        word=word,
        mark=mark,
        changed_s=now_s,
        word_since_s=seen.word_since_s if word == seen.word else now_s,
        was_ready=seen.was_ready or word in LIVE,
    )


def verdict(seen: Seen, limits: Limits, now_s: float) -> str:
    """Why the machine must end now, in words; empty while it may live."""
    if now_s >= limits.age_s:
        return f"it is {now_s:.0f} s old and may become {limits.age_s:.0f} s"
    if not seen.was_ready and now_s >= limits.ready_s:
        return f"its worker is not ready {limits.ready_s:.0f} s after boot ({seen.word or 'no word of it'})"
    if seen.word and now_s - seen.changed_s >= limits.silence_s:
        return f"its worker has been silent for {limits.silence_s:.0f} s ({seen.word})"
    if seen.word in ENDING and now_s - seen.word_since_s >= ENDING_S:
        return f"its worker says {seen.word} and does not end"
    return ""


def limits_of(environ_file: str, *, now_s: float, now_ms: int) -> Limits:
    """Limits from the machine's settings, within bounds. The deadline is turned into age here, once and for all.

    `now_s` since boot and `now_ms` UTC are the same moment. What cannot be read stays at its default.
    """
    told = dict(line.split("=", 1) for line in environ_file.splitlines() if "=" in line)
    given = Limits()
    age_s = _seconds(told.get("HARD_AGE_S", ""), given.age_s, MOST_AGE_S)
    if (deadline_ms := _utc_ms(told.get("DEADLINE", ""))) is not None:
        age_s = min(age_s, now_s + max(0.0, (deadline_ms - now_ms) / 1000))
    lease_s = _seconds(told.get("LEASE_S", ""), 30.0, MOST_SILENCE_S)
    return Limits(
        ready_s=_seconds(told.get("READY_DEADLINE_S", ""), given.ready_s, MOST_READY_S),
        age_s=age_s,
        silence_s=min(4 * lease_s, MOST_SILENCE_S),
    )


def _seconds(text: str, default: float, most: float) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return default
    return min(max(float(text), LEAST_S), most)


def _utc_ms(text: str) -> int | None:
    """`2026-11-22T21:50:00Z` in milliseconds UTC, by the calendar's own arithmetic: `datetime` is slow to load."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z", text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    shifted = year - (month <= 2)
    leap_days = shifted // 4 - shifted // 100 + shifted // 400
    days = 365 * shifted + leap_days + (153 * ((month - 3) % 12) + 2) // 5 + day - 719_469
    return (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000


def pulse(path: str) -> tuple[str, int]:
    """The word in the pulse file and what tells this beat from another; empty where there is none."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 — pathlib is slow to load
            return file.read(32).strip(), os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return "", 0


def watch(
    pulse_file: str,
    environ_file: str,
    *,
    since_boot: Callable[[], float],
    now_ms: Callable[[], int],
    sleep: Callable[[float], None],
    tell: Callable[[], None],
) -> str:
    """Look every LOOK_S until the machine must end; why. `tell` says after each look that we are still looking."""
    seen, limits, launched = Seen(), Limits(), False
    while True:
        if not launched:
            try:
                with open(environ_file, encoding="ascii") as file:  # noqa: PTH123
                    limits, launched = limits_of(file.read(), now_s=since_boot(), now_ms=now_ms()), True
            except FileNotFoundError:
                launched = False  # the network is not there yet
        seen = look(seen, *pulse(pulse_file), since_boot())
        if why := verdict(seen, limits, since_boot()):
            return why
        tell()
        sleep(LOOK_S)


def _tell(path: str) -> None:
    """To systemd, which waits for it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(b"READY=1\nWATCHDOG=1", path)


def main(arguments: list[str]) -> int:
    """`deadman.py PULSE ENVIRON`; always ends with 1, since the machine should go."""
    pulse_file, environ_file = arguments
    systemd = os.environ.get("NOTIFY_SOCKET", "")  # noqa: TID251 — an entry point
    why = watch(
        pulse_file,
        environ_file,
        since_boot=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        now_ms=lambda: time.time_ns() // 1_000_000,
        sleep=time.sleep,
        tell=lambda: _tell(systemd) if systemd else None,
    )
    print(f"deadman: this machine ends: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
