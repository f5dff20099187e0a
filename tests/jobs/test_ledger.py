"""Jobs in the table: changed by transitions, one conditional write each, whoever else writes."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from jobs.errors import RowExists, StoreBusy
from jobs.ledger import TRIES, due_ms, resend_after_ms
from jobs.ports import Ports
from jobs.transitions import LeaseLost, claim, erase, hand_back, lapse, renew
from tests.jobs.made import NOW, TERMS, a_job


def test_a_job_is_inserted_once_and_read_back(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    assert ports.ledger.read("a") == a_job()
    assert ports.ledger.read("b") is None
    with pytest.raises(RowExists):
        ports.ledger.insert(a_job())


def test_many_jobs_are_read_at_once(ports: Ports) -> None:
    for name in "abc":
        ports.ledger.insert(a_job(id=name))
    assert set(ports.ledger.read_many(["a", "c", "d"])) == {"a", "c"}


def test_a_change_is_written_and_what_it_raises_is_not(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    changed = ports.ledger.change("a", lambda job: erase(job, now=NOW))
    assert changed == ports.ledger.read("a")
    with pytest.raises(LeaseLost):
        ports.ledger.change("a", lambda job: hand_back(job, token="t", now=NOW))
    assert ports.ledger.read("a") == changed
    assert ports.ledger.change("b", lambda job: job) is None


def test_a_change_that_changes_nothing_writes_nothing(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    before = ports.table.read("job/a")
    ports.ledger.change("a", lambda job: job)
    assert ports.table.read("job/a") == before


def test_a_change_meets_the_newest_row_however_many_write_at_once(opened) -> None:
    opened().ledger.insert(a_job())

    def add() -> None:
        ledger = opened().ledger
        for _ in range(5):
            ledger.change("a", lambda job: replace(job, sends=job.sends + 1))

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job = opened().ledger.read("a")
    assert job is not None
    assert job.sends == 26


def test_of_many_workers_that_claim_at_once_one_holds_the_job(opened) -> None:
    opened().ledger.insert(a_job())
    go = threading.Barrier(8)
    held: list[str] = []

    def take(token: str) -> None:
        ledger = opened().ledger
        go.wait()
        try:
            ledger.change("a", lambda job: claim(job, token=token, holder=token, now=NOW, terms=TERMS))
        except Exception as refusal:  # noqa: BLE001 — seen below
            refused.append(type(refusal).__name__)
        else:
            held.append(token)

    refused: list[str] = []
    threads = [threading.Thread(target=take, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job = opened().ledger.read("a")
    assert job is not None
    assert job.lease is not None
    assert held == [job.lease.token]
    assert refused == ["NotClaimable"] * 7
    assert job.attempts == 1


def test_who_wrote_a_row_last_writes_on_it_again(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    last = ports.ledger.rewrite("a", lambda job: replace(job, sends=7))
    seen = []

    def add(job):
        seen.append(job.sends)
        return replace(job, sends=job.sends + 1)

    assert ports.ledger.rewrite("a", add, last=last) == ports.table.read("job/a")
    assert seen == [7]


def test_a_row_that_somebody_else_wrote_meanwhile_is_read_anew(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    last = ports.ledger.rewrite("a", lambda job: replace(job, sends=7))
    ports.ledger.change("a", lambda job: replace(job, sends=20))
    ports.ledger.rewrite("a", lambda job: replace(job, sends=job.sends + 1), last=last)
    job = ports.ledger.read("a")
    assert job is not None
    assert job.sends == 21


def test_an_old_row_neither_ends_a_lease_nor_tells_that_nothing_changes(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    old = ports.table.read("job/a")
    ports.ledger.change("a", lambda job: claim(job, token="t", holder="w", now=NOW, terms=TERMS))
    kept = ports.ledger.rewrite("a", lambda job: hand_back(job, token="t", now=NOW), last=old)
    assert kept is not None
    assert kept == ports.table.read("job/a")
    assert ports.ledger.rewrite("a", lambda job: job, last=old) == kept


def test_a_job_that_is_gone_is_not_written_from_memory(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    last = ports.table.read("job/a")
    assert last is not None
    ports.table.delete(last)
    assert ports.ledger.rewrite("a", lambda job: replace(job, sends=2), last=last) is None


def test_a_change_that_always_loses_is_given_up(ports: Ports) -> None:
    ports.ledger.insert(a_job())
    tries = []

    def somebody_is_always_faster(job):
        row = ports.table.read("job/a")
        assert row is not None
        ports.table.replace(row)
        tries.append(job)
        return replace(job, sends=job.sends + 1)

    with pytest.raises(StoreBusy):
        ports.ledger.change("a", somebody_is_always_faster)
    assert len(tries) == TRIES


def test_the_line_is_counted_in_order_of_arrival(ports: Ports) -> None:
    jobs = [a_job(id=name, created_ms=NOW + number) for number, name in enumerate("abc")]
    for job in reversed(jobs):
        ports.ledger.insert(job)
    assert [ports.ledger.position(job) for job in jobs] == [0, 1, 2]
    running = ports.ledger.change("a", lambda job: claim(job, token="t", holder="w", now=NOW, terms=TERMS))
    assert running is not None
    assert ports.ledger.position(running) is None
    assert ports.ledger.position(jobs[2]) == 1
    assert (ports.ledger.waiting(), ports.ledger.running()) == (2, 1)
    ports.ledger.change("b", lambda job: erase(job, now=NOW))
    assert (ports.ledger.waiting(), ports.ledger.running()) == (1, 1)


def test_a_job_is_due_when_its_holder_goes_silent_or_its_message_may_be_lost_and_never_after_its_deadline() -> None:
    waiting = a_job()
    running = claim(waiting, token="t", holder="w", now=NOW, terms=TERMS)
    assert due_ms(waiting, terms=TERMS) == NOW + TERMS.lease_ms // 4
    assert due_ms(running, terms=TERMS) == NOW + TERMS.lease_ms
    assert due_ms(renew(running, token="t", now=NOW + 5, terms=TERMS), terms=TERMS) == NOW + 5 + TERMS.lease_ms
    assert due_ms(replace(waiting, deadline_ms=NOW + 1), terms=TERMS) == NOW + 1
    assert due_ms(replace(running, deadline_ms=NOW + 1), terms=TERMS) == NOW + 1
    assert due_ms(erase(waiting, now=NOW), terms=TERMS) == waiting.expires_ms
    lapsed = lapse(running, now=NOW + TERMS.lease_ms, terms=TERMS)
    assert due_ms(lapsed, terms=TERMS) == NOW + TERMS.lease_ms + TERMS.lease_ms // 4


def test_resending_backs_off_to_one_lease() -> None:
    waits = [resend_after_ms(sends, terms=TERMS) for sends in range(1, 100)]
    assert waits[:4] == [7500, 15_000, 30_000, 30_000]
    assert max(waits) == TERMS.lease_ms
