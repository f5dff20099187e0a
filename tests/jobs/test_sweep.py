"""The sweep: every job ends, nothing waits for ever, and the queue is told again only as far as it forgot."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.blobs import Blobs
from jobs.errors import StoreBusy
from jobs.intake import accept, withdraw
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from jobs.sweep import BATCH, Swept, sweep
from jobs.table import Row
from jobs.transitions import MAX_ATTEMPTS, NotClaimable, claim, publish, renew
from tests.jobs.clocks import FakeClock
from tests.jobs.made import PHOTO, a_result, an_order


def upload(ports: Ports) -> str:
    return accept(ports, an_order(), io.BytesIO(PHOTO)).job.id


def drain(ports: Ports) -> list[str]:
    """Lose every message that can be received."""
    lost = []
    while message := ports.queue.receive(wait_s=0, visibility_s=0.001):
        ports.queue.delete(message)
        lost.append(message.body)
    return lost


def take(ports: Ports, *, token: str = "t") -> str | None:
    """Receive and claim, as a worker does; the job's id."""
    message = ports.queue.receive(wait_s=0, visibility_s=60)
    if message is None:
        return None
    try:
        ports.ledger.change(
            message.body,
            lambda job: claim(job, token=token, holder="w", now=ports.clock(), terms=ports.ledger.terms),
        )
    except NotClaimable:
        ports.queue.delete(message)
        return None
    return message.body


def state(ports: Ports, job_id: str) -> str:
    job = ports.ledger.read(job_id)
    return job.state if job else "forgotten"


def sweep_until(ports: Ports, clock: FakeClock, job_id: str, *wanted: str, within_s: float, every_s: float = 5) -> None:
    ends = clock.ms + int(within_s * 1000)
    while state(ports, job_id) not in wanted:
        assert clock.ms <= ends, f"still {state(ports, job_id)}"
        clock.pass_s(every_s)
        sweep(ports)


def test_a_lost_message_is_sent_again(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    assert drain(ports) == [job_id]
    clock.pass_s(8)
    assert sweep(ports) == Swept(resent=1)
    assert drain(ports) == [job_id]


def test_a_message_that_still_waits_is_not_sent_again(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    for _ in range(200):
        clock.pass_s(5)
        sweep(ports)
    assert drain(ports) == [job_id]


def test_a_backlog_of_120_jobs_gets_few_duplicates(tmp_path: Path, clock: FakeClock) -> None:
    in_memory = Settings(blobs=f"file:{tmp_path}", queue="sqlite::memory:", table="sqlite::memory:")
    ports = open_ports(in_memory, clock=clock)
    ids = [upload(ports) for _ in range(120)]
    received: Counter[str] = Counter()
    done = 0
    while done < 120:
        message = ports.queue.receive(wait_s=0, visibility_s=60)
        assert message is not None
        received[message.body] += 1
        clock.pass_s(4)
        sweep(ports)
        try:
            ports.ledger.change(
                message.body, lambda job: claim(job, token="t", holder="w", now=clock(), terms=ports.ledger.terms)
            )
        except NotClaimable:
            ports.queue.delete(message)
            continue
        ports.ledger.change(
            message.body,
            lambda job: publish(job, token="t", result=a_result("t"), now=clock(), terms=ports.ledger.terms),
        )
        if message.body != ids[7]:  # this one's worker dies before it deletes the message
            ports.queue.delete(message)
        done += 1
    assert set(received) == set(ids)
    assert sum(received.values()) <= 120 + 5
    ports.close()


def test_a_silent_workers_job_is_back_in_line_with_a_message(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    assert take(ports) == job_id
    clock.pass_s(31)
    assert sweep(ports) == Swept(lapsed=1)
    assert state(ports, job_id) == "queued"
    assert take(ports, token="t2") == job_id


def test_a_job_whose_workers_always_die_fails_after_three_attempts(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    for _ in range(MAX_ATTEMPTS):
        assert take(ports) == job_id
        sweep_until(ports, clock, job_id, "queued", "failed", within_s=40)
    job = ports.ledger.read(job_id)
    assert job is not None
    assert (job.state, job.attempts, job.error and job.error.code) == ("failed", 3, "no_attempts_left")
    assert take(ports) is None


def test_a_job_that_nobody_takes_fails_at_its_deadline_and_is_forgotten_later(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    sweep_until(ports, clock, job_id, "failed", within_s=6 * 3600 + 600, every_s=600)
    job = ports.ledger.read(job_id)
    assert job is not None
    assert job.error is not None
    assert job.error.code == "deadline_passed"
    sweep_until(ports, clock, job_id, "forgotten", within_s=24 * 3600 + 7200, every_s=3600)
    assert list(ports.blobs.keys("in/")) == []


def test_a_job_that_is_held_for_ever_fails_at_its_deadline(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    take(ports)
    terms = ports.ledger.terms
    while state(ports, job_id) == "running":
        assert clock.ms <= ports.ledger.read(job_id).deadline_ms
        clock.pass_s(600)
        ports.ledger.change(job_id, lambda job: renew(job, token="t", now=clock(), terms=terms))
        sweep(ports)
    assert state(ports, job_id) == "failed"


def test_a_finished_job_is_forgotten_with_its_blobs_when_it_expires(ports: Ports, clock: FakeClock) -> None:
    job_id = upload(ports)
    take(ports)
    result = a_result("t", job=job_id)
    for key in (result.key, f"out/{job_id}/of-a-late-worker"):
        ports.blobs.put(key, io.BytesIO(b"bright"))
    ports.ledger.change(
        job_id, lambda job: publish(job, token="t", result=result, now=clock(), terms=ports.ledger.terms)
    )
    clock.pass_s(24 * 3600 - 1)
    assert sweep(ports).forgotten == 0
    ports.blobs.open(result.key).close()
    clock.pass_s(1)
    assert sweep(ports).forgotten == 1
    assert state(ports, job_id) == "forgotten"
    assert [*ports.blobs.keys("in/"), *ports.blobs.keys("out/")] == []


class Kept:
    """Blobs that cannot be removed, and how often somebody tried."""

    def __init__(self, blobs: Blobs, fact: Exception) -> None:
        self.blobs, self.fact, self.tries = blobs, fact, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.blobs, name)

    def delete(self, key: str) -> None:
        self.tries += 1
        raise self.fact


@pytest.mark.parametrize("fact", [StoreBusy("away"), PermissionError("not yours")])
def test_blobs_that_cannot_be_removed_keep_no_photo_from_its_deadline(
    ports: Ports, clock: FakeClock, fact: Exception, caplog
) -> None:
    old = [accept(ports, an_order(), io.BytesIO(PHOTO)) for _ in range(3)]
    for each in old:
        withdraw(ports, each.job.id, each.owner_token)
    clock.ms = old[0].job.expires_ms - 1000 * 3600 * 6
    late = upload(ports)
    clock.pass_s(6 * 3600)
    blobs = Kept(ports.blobs, fact)
    swept = sweep(replace(ports, blobs=blobs))
    assert (swept.given_up, swept.forgotten, blobs.tries) == (1, 0, 1)
    assert state(ports, late) == "failed"
    assert [state(ports, each.job.id) for each in old] == ["cancelled"] * 3
    assert sum("cannot be removed" in each.message for each in caplog.records) == 1
    clock.pass_s(3600)
    assert sweep(ports).forgotten == 3


def test_a_tombstone_stays_until_the_expiry_the_job_had(ports: Ports, clock: FakeClock) -> None:
    accepted = accept(ports, an_order(), io.BytesIO(PHOTO))
    withdraw(ports, accepted.job.id, accepted.owner_token)
    clock.ms = accepted.job.expires_ms - 1
    sweep(ports)
    assert state(ports, accepted.job.id) == "cancelled"
    clock.pass_s(1)
    sweep(ports)
    assert state(ports, accepted.job.id) == "forgotten"


def test_rows_of_other_kinds_are_forgotten_when_they_are_due(ports: Ports, clock: FakeClock) -> None:
    ports.table.insert(Row(key="key/k", doc="{}", due_ms=clock() + 1000))
    sweep(ports)
    assert ports.table.read("key/k") is not None
    clock.pass_s(1)
    sweep(ports)
    assert ports.table.read("key/k") is None


def test_a_row_that_nobody_can_read_stops_no_other(ports: Ports, clock: FakeClock, caplog) -> None:
    ports.table.insert(Row(key="job/broken", doc='{"id": "broken"}', due_ms=clock() - 1000))
    job_id = upload(ports)
    drain(ports)
    clock.pass_s(8)
    assert sweep(ports).resent == 1
    assert drain(ports) == [job_id]
    assert "job/broken" in caplog.text
    assert ports.table.read("job/broken") is not None


def test_rows_that_nobody_can_read_never_fill_the_sweep(tmp_path: Path, clock: FakeClock, caplog) -> None:
    """Each of them was due for longer than the photo that waits behind them."""
    in_memory = Settings(blobs=f"file:{tmp_path}", queue="sqlite::memory:", table="sqlite::memory:")
    ports = open_ports(in_memory, clock=clock)
    for number in range(BATCH):
        ports.table.insert(Row(key=f"job/broken{number}", doc="{}", due_ms=clock() - 1000))
    job_id = upload(ports)
    drain(ports)
    clock.pass_s(8)
    sweep(ports)
    assert sweep(ports).resent == 1
    assert drain(ports) == [job_id]
    told = len(caplog.records)
    sweep(ports)
    assert len(caplog.records) == told == BATCH
    clock.pass_s(3600)
    sweep(ports)
    assert len(caplog.records) > told
    ports.close()


def test_many_sweepers_at_once_do_the_work_once(opened, clock: FakeClock) -> None:
    ports = opened()
    ids = [upload(ports) for _ in range(5)]
    for _ in ids:
        take(ports)
    clock.pass_s(31)
    swept = [sweep(opened()) for _ in range(3)]
    assert sum(each.lapsed for each in swept) == 5
    assert {state(ports, job_id) for job_id in ids} == {"queued"}
