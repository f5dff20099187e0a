"""What an operator may do to jobs, on the laptop's stores and the cloud's."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest

from jobs.clients import Clients
from jobs.dead_letters import Replay, dead_letters, replayed
from jobs.errors import BlobNotFound, Refused
from jobs.intake import accept
from jobs.job import Job
from jobs.ports import Ports
from jobs.queue import Depth
from jobs.settings import Settings
from jobs.transitions import claim, fail, give_up
from jobs.upkeep import NotPossible, cancelled, found, known, retried
from tests.jobs.clocks import FakeClock
from tests.jobs.clouds import Cloud
from tests.jobs.made import PHOTO, an_order


def sent(ports: Ports) -> Job:
    return accept(ports, an_order(), io.BytesIO(PHOTO)).job


def failed(ports: Ports) -> Job:
    job, terms = sent(ports), ports.ledger.terms
    ports.ledger.change(job.id, lambda job: claim(job, token="t", holder="w", now=ports.clock(), terms=terms))
    after = ports.ledger.change(
        job.id, lambda job: fail(job, token="t", code="internal", detail="", now=ports.clock(), terms=terms)
    )
    assert after is not None
    return after


def test_every_job_that_is_kept_is_known_oldest_first(ports: Ports, clock: FakeClock) -> None:
    jobs = []
    for make in (sent, failed, sent):
        jobs.append(make(ports).id)
        clock.pass_s(1)
    assert [job.id for job in known(ports)] == jobs
    assert {job.state for job in known(ports)} == {"queued", "failed"}


def test_a_job_is_found_by_the_beginning_of_its_id(ports: Ports) -> None:
    job = sent(ports)
    assert found(ports, job.id).id == found(ports, job.id[:8].upper()).id == job.id
    with pytest.raises(NotPossible, match="`firstlight jobs list`"):
        found(ports, "zzz")
    with pytest.raises(NotPossible, match="No photo"):
        found(ports, "")


def test_an_ambiguous_beginning_is_refused(ports: Ports) -> None:
    ids = sorted(sent(ports).id for _ in range(17))  # two of seventeen begin alike
    first = next(one[0] for one, other in pairwise(ids) if one[0] == other[0])
    with pytest.raises(NotPossible, match="give more of the id"):
        found(ports, first)


def test_a_retry_is_a_new_job_and_the_failed_one_never_changes(ports: Ports) -> None:
    old = failed(ports)
    first, second = retried(ports, old), retried(ports, old)
    assert first.job.id == second.job.id != old.id
    assert (first.replayed, second.replayed) == (False, True)
    assert ports.ledger.read(old.id) == old
    assert (first.job.state, first.job.attempts) == ("queued", 0)
    with ports.blobs.open(first.job.source_key) as copy:
        assert copy.read() == PHOTO


def test_only_a_failed_job_is_retried_and_each_other_says_why(ports: Ports) -> None:
    with pytest.raises(NotPossible, match="waits already"):
        retried(ports, sent(ports))
    with pytest.raises(NotPossible, match="send the photo again"):
        retried(ports, cancelled(ports, sent(ports)))
    unread = ports.ledger.change(failed(ports).id, lambda job: job)
    assert unread is not None
    ports.blobs.delete(unread.source_key)
    with pytest.raises(Refused, match="original is not kept"):
        retried(ports, unread)


def test_a_cancelled_job_leaves_nothing_but_its_tombstone(ports: Ports) -> None:
    job = sent(ports)
    after = cancelled(ports, job)
    assert (after.state, after.deleted, after.photo) == ("cancelled", True, {})
    with pytest.raises(BlobNotFound):
        ports.blobs.open(job.source_key)


def test_an_ended_job_cannot_be_cancelled(ports: Ports) -> None:
    old = failed(ports)
    with pytest.raises(NotPossible, match="is failed, and that never changes"):
        cancelled(ports, old)
    assert ports.ledger.read(old.id) == old


@pytest.mark.parametrize("kind", ["moto", pytest.param("ministack", marks=pytest.mark.slow)])
def test_dead_letters_of_unfinished_photos_come_back_and_the_others_go(clouds, kind: str, monkeypatch) -> None:
    from jobs.clock import now_ms
    from jobs.ports import open_ports

    cloud: Cloud = clouds(kind)
    cloud.order(shift=0, faults=[])
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    settings = cloud.settings(whole=True)
    ports = open_ports(settings, clock=now_ms, clients=cloud.clients)
    dead = dead_letters(settings.queue, cloud.clients, clock=now_ms)
    assert dead is not None
    waiting, over = sent(ports), sent(ports)
    terms = ports.ledger.terms
    ports.ledger.change(over.id, lambda job: give_up(job, code="internal", detail="", now=now_ms(), terms=terms))
    while message := ports.queue.receive(wait_s=0, visibility_s=30):
        ports.queue.delete(message)
    for body in (waiting.id, over.id, "nobody"):
        dead.send(body)
    assert replayed(ports, dead) == Replay(sent=1, dropped=2)
    message = ports.queue.receive(wait_s=0, visibility_s=30)
    assert message is not None
    assert message.body == waiting.id
    assert ports.queue.receive(wait_s=0, visibility_s=30) is None
    assert dead.depth() == Depth(visible=0, in_flight=0)
    assert replayed(ports, dead) == Replay()


def test_a_laptops_queue_has_no_dead_letters() -> None:
    assert dead_letters(Settings().queue, Clients(), clock=lambda: 0) is None
