"""Stores that fail or keep a worker waiting at the worst moment, round the real ones."""

import hashlib
import threading
from dataclasses import replace

import pytest

from jobs import usual
from jobs.errors import RowChanged, StoreBusy
from jobs.heartbeat import heartbeats
from tests.worker.conftest import BOUND_S


class Round:
    """A real store, but for the methods that a test gives it."""

    def __init__(self, real, **methods):
        self._real = real
        self._methods = methods

    def __getattr__(self, name):
        return self._methods.get(name) or getattr(self._real, name)


def finished(job):
    return job.finished


def test_a_published_result_stays_when_its_message_cannot_be_deleted(start, send, until, ports, eventually):
    refused = threading.Event()

    def refuse(message):
        refused.set()
        raise StoreBusy("the queue is away")

    accepted = send()
    worker = start("bright", wrap=lambda ports: replace(ports, queue=Round(ports.queue, delete=refuse)))
    job = until(accepted, finished)
    assert refused.wait(20)
    eventually(lambda: not worker.desk.held())
    assert job.state == "done"
    with ports.blobs.open(job.result.key) as picture:
        assert len(picture.read()) == job.result.size


@pytest.mark.parametrize("error", [StoreBusy, RowChanged])
def test_a_result_whose_publishing_has_no_answer_stays(start, send, until, ports, eventually, error):
    """The row was written and the answer lost, or the write was repeated and met itself: the result is never erased."""
    lost = threading.Event()

    def wrap(ports):
        def write(row):
            written = ports.table.replace(row)
            if '"state":"done"' in row.doc and not lost.is_set():
                lost.set()
                raise error("the answer was lost")
            return written

        ledger = type(ports.ledger)(
            Round(ports.table, replace=write), terms=ports.ledger.terms, clock=ports.ledger.clock
        )
        return replace(ports, ledger=ledger)

    accepted = send()
    worker = start("bright", wrap=wrap)
    job = until(accepted, finished)
    assert lost.wait(20)
    eventually(lambda: not worker.desk.held())
    assert job.state == "done"
    with ports.blobs.open(job.result.key) as picture:
        assert len(picture.read()) == job.result.size


def test_a_result_is_told_by_its_length_and_sha256(start, send, until, ports):
    accepted = send()
    start("bright")
    job = until(accepted, finished)
    with ports.blobs.open(job.result.key) as file:
        picture = file.read()
    assert (job.result.size, job.result.sha256) == (len(picture), hashlib.sha256(picture).hexdigest())


def test_no_claim_writes_where_an_earlier_one_wrote(start, send, until, ports):
    """The first store's answer is lost, so that its picture may be there, and be read by the time of the second."""
    keys = []

    def wrap(ports):
        def put(key, source, *, if_absent=False):
            stored = ports.blobs.put(key, source, if_absent=if_absent)
            keys.append(key)
            if len(keys) == 1:
                raise StoreBusy("the answer was lost")
            return stored

        return replace(ports, blobs=Round(ports.blobs, put=put))

    accepted = send()
    start("bright", wrap=wrap)
    job = until(accepted, finished)
    assert len(set(keys)) == 2
    assert job.result.key == keys[1]


def test_a_store_that_is_away_for_a_moment_costs_no_attempt(start, send, until):
    away = threading.Event()

    def wrap(ports):
        def put(key, source, *, if_absent=False):
            if not away.is_set():
                away.set()
                raise StoreBusy("the blobs are away")
            return ports.blobs.put(key, source, if_absent=if_absent)

        return replace(ports, blobs=Round(ports.blobs, put=put))

    accepted = send()
    start("bright", wrap=wrap)
    job = until(accepted, finished)
    assert away.is_set()
    assert (job.state, job.attempts) == ("done", 1)


def test_leases_and_heartbeats_go_on_while_a_closing_worker_takes_its_last_photo(start, send, until, eventually):
    """The photo came with the last long poll, and its fetch takes several leases."""
    closing, fetched = threading.Event(), threading.Event()

    def wrap(ports):
        def receive(**waits):
            closing.wait(20)
            return ports.queue.receive(**waits)

        def opened(key, **which):
            fetched.wait(20)
            return ports.blobs.open(key, **which)

        return replace(ports, queue=Round(ports.queue, receive=receive), blobs=Round(ports.blobs, open=opened))

    worker = start("bright", wrap=wrap, idle_s=0.1)
    eventually(worker.supervisor._belt._closed.is_set)
    accepted = send()
    closing.set()
    first = until(accepted, lambda job: job.lease is not None).lease.until_ms
    beat = worker.heartbeat.beat_ms
    until(accepted, lambda job: job.lease.until_ms > first + 6000)
    assert worker.heartbeat.beat_ms > beat
    fetched.set()
    assert until(accepted, finished).attempts == 1
    assert worker.ended() == 0


def test_a_worker_told_to_stop_gives_back_what_its_last_poll_brings(start, send, ports, monkeypatch):
    """SQS may give a message to a poll whose asker has gone: it would be hidden for a whole lease."""
    asked, sent, order = threading.Event(), threading.Event(), []

    def wrap(ports):
        def receive(**waits):
            asked.set()
            sent.wait(20)
            return ports.queue.receive(**waits)

        def change_visibility(message, visibility_s):
            ports.queue.change_visibility(message, visibility_s)
            order.append(("back", visibility_s))

        queue = Round(ports.queue, receive=receive, change_visibility=change_visibility, lingers=True)
        return replace(ports, queue=queue)

    monkeypatch.setattr("worker.supervisor.GRACE_S", BOUND_S)
    worker = start("bright", wrap=wrap)
    assert asked.wait(20)
    worker.supervisor.stop()
    accepted = send()
    sent.set()
    assert worker.ended() == 0
    assert order == [("back", 0)]
    assert ports.ledger.read(accepted.job.id).attempts == 0
    assert ports.queue.receive(wait_s=0, visibility_s=1) is not None


@pytest.mark.parametrize("comes", ["nothing", "a message of no photo"])
def test_only_a_job_that_is_taken_keeps_a_worker(start, comes):
    """Looks at the queue are short here and come often; none of them may count as work (S9)."""

    def wrap(ports):
        def receive(*, wait_s, visibility_s):
            if comes != "nothing":
                ports.queue.send("nobody")
            return ports.queue.receive(wait_s=0.02, visibility_s=visibility_s)

        return replace(ports, queue=Round(ports.queue, receive=receive))

    assert start("bright", wrap=wrap, idle_s=0.5).ended() == 0


def test_the_engine_is_loaded_while_the_first_word_to_the_table_still_waits(start, eventually):
    answered = threading.Event()

    def wrap(ports):
        def read(key):
            answered.wait(BOUND_S + 20)
            return ports.table.read(key)

        return replace(ports, table=Round(ports.table, read=read))

    worker = start("bright", wrap=wrap)
    try:
        eventually(worker.supervisor._belt.ready.is_set)
    finally:
        answered.set()
    eventually(lambda: [one.state for one in heartbeats(worker.ports.table, since_ms=0)] == ["ready"])


def test_times_that_cannot_be_recorded_cost_neither_photo_nor_worker(start, send, until, eventually):
    refused = []

    def wrap(ports):
        def read(key):
            if key == usual.KEY:
                refused.append(key)
                raise StoreBusy("the table is away")
            return ports.table.read(key)

        return replace(ports, table=Round(ports.table, read=read))

    worker = start("bright", wrap=wrap)
    assert until(send(), finished).state == "done"
    eventually(lambda: len(refused) >= 2)
    assert until(send(), finished).state == "done"
    assert worker.stop() == 0
