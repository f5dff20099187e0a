"""The host's deadman: when a machine must end, by its own uptime and the worker's pulse."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

NOW_MS = 1_795_000_000_000
LONGEST_S = 2 * 3600.0  # none of these machines may become so old


class Host:
    """A machine whose uptime passes only by sleeping, and whose wall clock may be anything."""

    def __init__(self, folder: Path) -> None:
        self.up_s = 20.0
        self.wall_ms = NOW_MS
        self.pulse = folder / "pulse"
        self.environ = folder / "worker.env"
        self.script: dict[float, str] = {}
        self.told = 0

    def beat(self, word: str) -> None:
        self.told += 1
        self.pulse.write_text(word)
        stamp = self.told  # two beats never share a time, whatever the file system's resolution
        os.utime(self.pulse, ns=(stamp, stamp))

    def watch(self, deadman: ModuleType, *, beats: tuple[tuple[float, str], ...] = (), wall_jumps: bool = False) -> str:
        """Run the watch; `beats` are spans: until this uptime the worker says this word at each look, '' nothing."""

        def sleep(seconds: float) -> None:
            self.up_s += seconds
            assert self.up_s < LONGEST_S, "nothing ended this machine"
            self.wall_ms += int(seconds * 1000)
            if wall_jumps:
                self.wall_ms += 10**12 if int(self.up_s) % 2 else -(10**12)
            for until_s, word in beats:
                if self.up_s <= until_s:
                    if word:
                        self.beat(word)
                    break

        return str(
            deadman.watch(
                str(self.pulse),
                str(self.environ),
                since_boot=lambda: self.up_s,
                now_ms=lambda: self.wall_ms,
                sleep=sleep,
                tell=lambda: None,
            )
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_worker_that_never_becomes_ready_ends_the_machine_by_its_deadline(deadman: ModuleType, host: Host) -> None:
    host.environ.write_text("READY_DEADLINE_S=120\n")
    assert "not ready 120 s after boot (loading)" in host.watch(deadman, beats=((1e9, "loading"),))
    assert 120 <= host.up_s <= 130


def test_a_machine_that_learns_nothing_and_hears_nobody_ends_by_the_default_deadline(
    deadman: ModuleType, host: Host
) -> None:
    assert "no word of it" in host.watch(deadman)
    assert 300 <= host.up_s <= 310


def test_a_silent_worker_ends_the_machine_after_four_leases(deadman: ModuleType, host: Host) -> None:
    host.environ.write_text("LEASE_S=30\n")
    assert "silent for 120 s (busy)" in host.watch(deadman, beats=((100, "ready"), (500, "busy")))
    assert 615 <= host.up_s <= 630


def test_a_machine_grows_no_older_than_it_may(deadman: ModuleType, host: Host) -> None:
    host.environ.write_text("HARD_AGE_S=3600\n")
    assert "may become 3600 s" in host.watch(deadman, beats=((1e9, "busy"),))
    assert 3600 <= host.up_s <= 3610


def test_the_launcher_s_deadline_ends_a_machine_sooner_than_its_age(deadman: ModuleType, host: Host) -> None:
    host.environ.write_text("HARD_AGE_S=43200\nDEADLINE=2026-11-18T09:06:40Z\n")  # NOW_MS is 10 minutes before
    host.wall_ms = int(datetime(2026, 11, 18, 8, 56, 40, tzinfo=UTC).timestamp() * 1000)
    assert "may become" in host.watch(deadman, beats=((1e9, "ready"),))
    assert 620 <= host.up_s <= 630


def test_a_wall_clock_that_jumps_moves_nothing(deadman: ModuleType, host: Host) -> None:
    host.environ.write_text("HARD_AGE_S=3600\n")
    host.watch(deadman, beats=((1e9, "busy"),), wall_jumps=True)
    assert 3600 <= host.up_s <= 3610


@pytest.mark.parametrize("word", ["setup_failed", "defunct", "draining"])
def test_a_worker_that_announces_its_end_must_end(deadman: ModuleType, host: Host, word: str) -> None:
    why = host.watch(deadman, beats=((60, "ready"), (1e9, word)))
    assert f"says {word}" in why
    assert 210 <= host.up_s <= 225


def test_a_worker_at_work_keeps_its_machine(deadman: ModuleType) -> None:
    seen = deadman.Seen()
    limits = deadman.Limits()
    for step in range(2000):
        now_s = 20.0 + 5 * step
        seen = deadman.look(seen, ("ready", "busy")[step // 7 % 2], step, now_s)
        assert deadman.verdict(seen, limits, now_s) == ""


@given(st.text(max_size=200), st.floats(0, 1e7), st.integers(0, 4 * 10**12))
def test_no_settings_make_a_machine_immortal(deadman: ModuleType, text: str, now_s: float, now_ms: int) -> None:
    told = f"HARD_AGE_S={text}\nREADY_DEADLINE_S={text}\nLEASE_S={text}\nDEADLINE={text}\n"
    limits = deadman.limits_of(told, now_s=now_s, now_ms=now_ms)
    assert 0 <= limits.age_s <= 24 * 3600
    assert 30 <= limits.ready_s <= 3600
    assert 0 < limits.silence_s <= 600
    assert deadman.verdict(deadman.Seen(was_ready=True), limits, 24 * 3600.0)


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda when: 1971 <= when.year < 2400))
def test_deadlines_are_read_as_the_calendar_counts(deadman: ModuleType, when: datetime) -> None:
    when = when.replace(microsecond=0)
    told = f"{when:%Y-%m-%dT%H:%M:%SZ}"
    limits = deadman.limits_of(
        f"HARD_AGE_S=86400\nDEADLINE={told}\n", now_s=0.0, now_ms=int(when.timestamp() * 1000) - 5000
    )
    assert limits.age_s == 5.0


def test_the_program_tells_systemd_and_ends_with_a_failure(tmp_path: Path) -> None:
    """As its unit runs it: whatever it ends with powers the machine off."""
    program = Path(__file__).resolve().parents[2] / "ami" / "host" / "deadman.py"
    systemd = tmp_path / "notify"
    (tmp_path / "worker.env").write_text("DEADLINE=2001-01-01T00:00:00Z\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(systemd))
        ended = subprocess.run(
            [sys.executable, "-I", "-S", program, tmp_path / "pulse", tmp_path / "worker.env"],
            env={"NOTIFY_SOCKET": str(systemd)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert "this machine ends: it is" in ended.stderr
