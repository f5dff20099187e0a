"""Taking photos in: accepted is a promise whatever crashes; a key gives the same job; only the owner deletes."""

from __future__ import annotations

import io
import itertools
import threading
from dataclasses import replace

import pytest

from jobs.errors import BlobNotFound, Refused, StoreBusy
from jobs.intake import Accepted, accept, accept_again, withdraw
from jobs.ports import Ports
from jobs.sweep import sweep
from jobs.transitions import NotClaimable, claim, publish
from tests.jobs.clocks import FakeClock
from tests.jobs.crashes import Crash, Fuse, fused
from tests.jobs.made import PHOTO, a_result, an_order

KEY = "a-key-of-the-visitor"


def send(ports: Ports, **facts: object) -> Accepted:
    return accept(ports, an_order(**facts), io.BytesIO(PHOTO))


def refusal(call) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code


def jobs(ports: Ports) -> set[str]:
    return {row.key.removeprefix("job/") for row in ports.table.due(now=1 << 60, limit=1000) if row.key[:4] == "job/"}


def work_off(ports: Ports, clock: FakeClock) -> None:
    """A worker and a sweeper until every job has ended, within 2 leases and a sweep (L4)."""
    for _ in range(14):
        while message := ports.queue.receive(wait_s=0, visibility_s=60):
            job_id = message.body
            try:
                job = ports.ledger.change(
                    job_id, lambda job: claim(job, token="t", holder="w", now=clock(), terms=ports.ledger.terms)
                )
            except NotClaimable:
                job = None
            if job is not None:
                with ports.blobs.open(job.source_key) as photo:
                    assert photo.read() == PHOTO
                ports.ledger.change(
                    job_id,
                    lambda job: publish(job, token="t", result=a_result("t"), now=clock(), terms=ports.ledger.terms),
                )
            ports.queue.delete(message)
        clock.pass_s(5)
        sweep(ports)


def test_an_accepted_photo_has_its_row_its_blob_and_its_message(ports: Ports) -> None:
    accepted = send(ports, ratio=4.0)
    job = accepted.job
    assert ports.ledger.read(job.id) == job
    assert (job.state, job.ratio, job.attempts) == ("queued", 4.0, 0)
    with ports.blobs.open(job.source_key) as photo:
        assert photo.read() == PHOTO
    message = ports.queue.receive(wait_s=0, visibility_s=1)
    assert message is not None
    assert message.body == job.id


def test_two_photos_at_once_are_two_jobs_with_tokens_of_their_own(ports: Ports) -> None:
    first, second = send(ports), send(ports)
    assert first.job.id != second.job.id
    assert first.owner_token != second.owner_token


def test_owner_token_and_idempotency_key_are_kept_only_as_hashes(ports: Ports) -> None:
    accepted = send(ports, idempotency_key=KEY)
    rows = [f"{row.key} {row.doc}" for row in ports.table.due(now=1 << 60, limit=10)]
    assert len(rows) == 2
    assert not any(accepted.owner_token in row or KEY in row for row in rows)


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("again", [False, True])
def test_a_crash_between_any_two_writes_leaves_nothing_or_a_job_that_ends(
    opened, clock: FakeClock, key: str | None, again: bool
) -> None:
    ports = opened()
    source = send(ports).job
    work_off(ports, clock)

    def attempt(on: Ports, key: str | None) -> Accepted:
        if again:
            return accept_again(on, an_order(idempotency_key=key), source)
        return send(on, idempotency_key=key)

    crashes = 0
    for at, when in itertools.product(range(10), ("before", "after")):
        mine = None if key is None else f"{key}-{at}-{when}"
        before = jobs(ports)
        fuse = Fuse(at, when)  # type: ignore[arg-type]
        try:
            attempt(fused(ports, fuse), mine)
        except Crash:
            crashes += 1
        kept = jobs(ports) - before
        assert len(kept) <= 1
        work_off(ports, clock)
        assert all((job := ports.ledger.read(job_id)) and job.state == "done" for job_id in kept)
        if mine is not None:  # the client never heard, and asks again
            retried = attempt(ports, mine)
            assert jobs(ports) - before == {retried.job.id}
            assert kept <= {retried.job.id}
            work_off(ports, clock)
            job = ports.ledger.read(retried.job.id)
            assert job is not None
            assert job.state == "done"
    assert crashes == 2 * (3 + (key is not None))


def test_a_queue_that_is_away_does_not_break_the_promise(ports: Ports, clock: FakeClock) -> None:
    class Away:
        def send(self, body: str) -> None:
            raise StoreBusy("the queue is away")

    accepted = send(replace(ports, queue=Away()))  # type: ignore[arg-type]
    work_off(ports, clock)
    job = ports.ledger.read(accepted.job.id)
    assert job is not None
    assert job.state == "done"


def test_the_same_key_gives_the_same_job_and_token(ports: Ports) -> None:
    first = send(ports, idempotency_key=KEY)
    second = send(ports, idempotency_key=KEY)
    assert (second.job.id, second.owner_token) == (first.job.id, first.owner_token)
    assert (first.replayed, second.replayed) == (False, True)
    assert ports.queue.depth().visible == 1


def test_the_same_key_from_many_at_once_gives_one_job(opened) -> None:
    go = threading.Barrier(8)
    answers: list[Accepted] = []

    def race() -> None:
        ports = opened()
        go.wait()
        answers.append(send(ports, idempotency_key=KEY))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.job.id for answer in answers}) == 1
    assert len({answer.owner_token for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(jobs(opened())) == 1


@pytest.mark.parametrize("other", [{"sha256": "0" * 64}, {"ratio": 2.0}, {"format": "png"}])
def test_the_same_key_with_another_request_is_refused(ports: Ports, other: dict[str, object]) -> None:
    send(ports, idempotency_key=KEY)
    assert refusal(lambda: send(ports, idempotency_key=KEY, **other)) == "key_reused"


def test_a_key_is_the_visitors_own(ports: Ports) -> None:
    mine = send(ports, idempotency_key=KEY)
    theirs = send(ports, idempotency_key=KEY, visitor="192.0.2.2", ratio=9.0)
    assert theirs.job.id != mine.job.id


def test_the_key_of_a_deleted_photo_is_spent(ports: Ports) -> None:
    accepted = send(ports, idempotency_key=KEY)
    withdraw(ports, accepted.job.id, accepted.owner_token)
    assert refusal(lambda: send(ports, idempotency_key=KEY)) == "key_spent"
    assert list(ports.blobs.keys("in/")) == []


def test_a_retry_that_is_overtaken_by_a_deletion_stores_nothing(ports: Ports) -> None:
    """The retry has found no job yet; then the first request is accepted and its photo deleted."""

    class Overtaken(io.BytesIO):
        done = False

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.done:
                self.done = True
                accepted = send(ports, idempotency_key=KEY)
                withdraw(ports, accepted.job.id, accepted.owner_token)
            return super().read(size)

    order = an_order(idempotency_key=KEY)
    assert refusal(lambda: accept(ports, order, Overtaken(PHOTO))) == "key_spent"
    assert list(ports.blobs.keys("in/")) == []


def test_the_owner_cancels_and_everything_of_the_photo_is_gone(ports: Ports) -> None:
    accepted = send(ports)
    ports.blobs.put(f"out/{accepted.job.id}/t", io.BytesIO(b"bright"))
    job = withdraw(ports, accepted.job.id, accepted.owner_token)
    assert (job.state, job.deleted, job.photo, job.visitor) == ("cancelled", True, {}, "")
    assert [*ports.blobs.keys("in/"), *ports.blobs.keys("out/")] == []
    assert refusal(lambda: withdraw(ports, accepted.job.id, accepted.owner_token)) == "not_found"


def test_nobody_else_cancels(ports: Ports) -> None:
    accepted = send(ports)
    other = send(ports)
    assert refusal(lambda: withdraw(ports, accepted.job.id, other.owner_token)) == "owner_token_wrong"
    assert refusal(lambda: withdraw(ports, accepted.job.id, "")) == "owner_token_wrong"
    assert refusal(lambda: withdraw(ports, "never-issued", accepted.owner_token)) == "not_found"
    assert ports.ledger.read(accepted.job.id) == accepted.job


def test_a_worker_that_finishes_after_the_owner_cancelled_publishes_nothing(ports: Ports, clock: FakeClock) -> None:
    accepted = send(ports)
    ports.ledger.change(
        accepted.job.id, lambda job: claim(job, token="t", holder="w", now=clock(), terms=ports.ledger.terms)
    )
    withdraw(ports, accepted.job.id, accepted.owner_token)
    with pytest.raises(Exception, match="cancelled"):
        ports.ledger.change(
            accepted.job.id,
            lambda job: publish(job, token="t", result=a_result("t"), now=clock(), terms=ports.ledger.terms),
        )


def test_the_same_photo_again_shares_nothing(ports: Ports) -> None:
    first = send(ports)
    second = accept_again(ports, an_order(ratio=2.0), first.job)
    withdraw(ports, first.job.id, first.owner_token)
    with ports.blobs.open(second.job.source_key) as photo:
        assert photo.read() == PHOTO
    assert second.job.source_key != first.job.source_key


def test_a_photo_that_is_gone_cannot_be_enhanced_again(ports: Ports) -> None:
    first = send(ports)
    ports.blobs.delete(first.job.source_key)
    assert refusal(lambda: accept_again(ports, an_order(), first.job)) == "source_gone"
    with pytest.raises(BlobNotFound):
        ports.blobs.open(first.job.source_key)
    assert jobs(ports) == {first.job.id}
