"""`firstlight jobs` and `firstlight machines`: what an operator reads, and what he may do."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.columns import columns, length, size
from cli.main import main
from fleet.machines import LocalFleet
from fleet.slots import Slot, read_slots, write_slot
from jobs.clock import now_ms
from jobs.heartbeat import Heartbeat, beat
from jobs.intake import accept
from jobs.job import Job
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from jobs.transitions import claim, fail
from tests.cli.clouds import Installation
from tests.fleet.processes import until
from tests.jobs.made import PHOTO, an_order

Told = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        blobs=f"file:{tmp_path}/blobs",
        queue=f"sqlite:{tmp_path}/jobs.db",
        table=f"sqlite:{tmp_path}/jobs.db",
        fleet=f"process:{tmp_path}/machines",
    )


@pytest.fixture
def told(settings: Settings) -> Told:
    return lambda *words: CliRunner(env=settings.environ()).invoke(main, words)


@pytest.fixture
def ports(settings: Settings) -> Iterator[Ports]:
    ports = open_ports(settings, clock=now_ms)
    yield ports
    ports.close()


def sent(ports: Ports) -> Job:
    return accept(ports, an_order(), io.BytesIO(PHOTO)).job


def failed(ports: Ports) -> Job:
    job, terms = sent(ports), ports.ledger.terms
    ports.ledger.change(job.id, lambda job: claim(job, token="t", holder="w", now=now_ms(), terms=terms))
    after = ports.ledger.change(
        job.id, lambda job: fail(job, token="t", code="photo_too_slow", detail="", now=now_ms(), terms=terms)
    )
    assert after is not None
    return after


@pytest.mark.parametrize("words", [["jobs", "list"], ["machines", "list"], ["jobs", "show", "a"]])
def test_where_nothing_was_ever_kept_a_sentence_says_where_it_looked(told: Told, tmp_path: Path, words: Any) -> None:
    done = told(*words)
    assert done.exit_code == 1
    assert f"{tmp_path}/jobs.db" in done.output
    assert list(tmp_path.iterdir()) == []


def test_empty_lists_are_sentences(told: Told, ports: Ports) -> None:
    ports.ledger.waiting()
    assert told("jobs", "list").output == "No photo is kept.\n"
    assert told("jobs", "list", "--state", "failed").output == "No photo is failed.\n"
    assert told("machines", "list").output == "No machine runs, and no worker.\n"
    assert told("machines", "stop", "--all").output == "No machine runs.\n"
    assert (
        json.loads(told("jobs", "list", "--json").output) == json.loads(told("machines", "list", "--json").output) == []
    )


def test_photos_are_listed_within_80_columns_and_by_state(told: Told, ports: Ports) -> None:
    waiting, broken = sent(ports), failed(ports)
    lines = told("jobs", "list").output.splitlines()
    assert lines[0].split() == ["PHOTO", "STATE", "AGE", "TRIES", "SIZE", "NOW"]
    assert [line[:8] for line in lines[1:]] == [waiting.id[:8], broken.id[:8]]
    assert max(map(len, lines)) <= 80
    only = told("jobs", "list", "--state", "failed", "--json")
    assert [job["id"] for job in json.loads(only.output)] == [broken.id]
    assert "secret" not in only.output
    assert broken.owner_sha256 not in only.output


def test_a_failed_photo_says_why_and_what_cures_it_and_is_retried_once(told: Told, ports: Ports) -> None:
    broken = failed(ports)
    shown = told("jobs", "show", broken.id[:10]).output
    assert "photo_too_slow" in shown
    assert "Save it again as a plain JPEG or PNG." in shown
    first, again = told("jobs", "retry", broken.id), told("jobs", "retry", broken.id)
    assert first.output.split() == [first.output[:36], "queued"]
    assert again.output.startswith(first.output[:36])
    assert "retried before" in again.output


def test_a_waiting_photo_is_cancelled_and_an_ended_one_is_not(told: Told, ports: Ports) -> None:
    job = sent(ports)
    assert told("jobs", "cancel", job.id[:12]).output == f"{job.id}  cancelled\n"
    again = told("jobs", "cancel", job.id)
    assert (again.exit_code, "never changes" in again.output) == (1, True)


def test_an_unknown_id_is_told_with_its_cure(told: Told, ports: Ports) -> None:
    ports.ledger.waiting()
    for verb in ("show", "retry", "cancel"):
        done = told("jobs", verb, "feed")
        assert (done.exit_code, "`firstlight jobs list`" in done.output) == (1, True)


def test_a_laptop_has_no_dead_letters_to_replay(told: Told, ports: Ports) -> None:
    ports.ledger.waiting()
    assert "no letter is ever dead" in told("jobs", "replay").output


@pytest.fixture
def machine(settings: Settings, ports: Ports) -> Iterator[LocalFleet]:
    """A machine in slot 0 that waits to be ended."""
    fleet = LocalFleet(settings.fleet.removeprefix("process:"), clock=now_ms, command=["/bin/sh", "-c", "sleep 600"])
    write_slot(ports.table, Slot(number=0, epoch=1, outcome="launched", launched_ms=now_ms()))
    fleet.launch(0, 1)
    until(lambda: fleet._record(0).get("worker"))
    yield fleet
    until(lambda: not [fleet.stop(each, kill=True) for each in fleet.machines()])


def test_a_machine_is_listed_and_ended(told: Told, ports: Ports, machine: LocalFleet) -> None:
    (row,) = json.loads(told("machines", "list", "--json").output)
    assert (row["slot"], row["epoch"], row["state"]) == (0, 1, "booting")
    assert row["deadline_ms"] > now_ms()
    lines = told("machines", "list").output.splitlines()
    assert lines[1].split()[:3] == ["0-1", "booting", "process"]
    assert "no machine; machines are in slots: 0" in told("machines", "stop", "4").output
    sent(ports)
    done = told("machines", "stop", "0")
    assert done.exit_code == 0
    assert "MAX_MACHINES=0" in done.output
    assert read_slots(ports.table)[0].stopping_ms
    until(lambda: not machine.machines())


def test_stop_wants_a_slot_or_all(told: Told, ports: Ports) -> None:
    ports.ledger.waiting()
    assert told("machines", "stop").exit_code == 2
    assert told("machines", "stop", "1", "--all").exit_code == 2


def test_a_breaker_is_told_beside_the_machines(told: Told, ports: Ports) -> None:
    write_slot(ports.table, Slot(number=0, epoch=3, outcome="ended", failures=3, detail="No engine."))
    assert "3 machines of slot 0 in a row did not become ready: No engine." in told("machines", "list").output


def test_lengths_sizes_and_columns_read_well() -> None:
    shown = [length(ms) for ms in (None, -5, 48_000, 720_000, 11_100_000, 200_000_000)]
    assert shown == ["", "0 s", "48 s", "12 min", "3 h 05", "2 days"]
    assert (size(12), size(24_300_000)) == ("0.0 kB", "24.3 MB")
    lines = columns(("A", "B"), [("1", "x" * 100)])
    assert len(lines[1]) == 80
    assert lines[1].endswith("…")


def test_watching_shows_what_changes_until_ctrl_c(settings: Settings, ports: Ports) -> None:
    import signal
    import subprocess
    import sys

    environ = {**os.environ, **settings.environ(), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "cli", "jobs", "watch", "--every-s", "0.1"]
    ports.ledger.waiting()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True, bufsize=1) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "No photo is kept.\n"
        job = sent(ports)
        assert watching.stdout.readline().startswith("PHOTO")
        assert watching.stdout.readline().startswith(job.id[:8])
        watching.send_signal(signal.SIGINT)
        watching.stdout.read()
    assert watching.returncode == 0


def test_in_the_cloud_machines_are_told_with_kind_and_cost_and_ended_by_slot(lamp: Installation) -> None:
    environ = lamp.settings.environ()
    write_slot(lamp.ports.table, Slot(number=0, epoch=1, outcome="launched", launched_ms=now_ms()))
    name = lamp.launch(age_s=3600)
    now = now_ms()
    beat(lamp.ports.table, Heartbeat(worker="w", slot=0, epoch=1, state="ready", started_ms=now, beat_ms=now))
    done = CliRunner(env=environ).invoke(main, ["machines", "list"])
    assert done.output.splitlines()[1].split()[:4] == ["0-1", "ready", "c7i.xlarge", "spot"]
    assert done.output.splitlines()[1].endswith("$0.09")
    assert max(map(len, done.output.splitlines())) <= 80
    stopped = CliRunner(env=environ).invoke(main, ["machines", "stop", name])
    assert stopped.exit_code == 0, stopped.output
    assert not [each for each in lamp.cloud.region.live() if each.id == name]


def test_in_the_cloud_dead_letters_come_back(lamp: Installation) -> None:
    job, environ = lamp.keep(), lamp.settings.environ()
    assert "There are no dead letters." in CliRunner(env=environ).invoke(main, ["jobs", "replay"]).output
    lamp.client("sqs").send_message(QueueUrl=f"{lamp.settings.queue}-dead", MessageBody=job.id)
    assert "1 back in line, 0 dropped" in CliRunner(env=environ).invoke(main, ["jobs", "replay"]).output
    message = lamp.ports.queue.receive(wait_s=0, visibility_s=5)
    assert message is not None
    assert message.body == job.id
