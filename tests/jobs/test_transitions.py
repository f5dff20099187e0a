"""What may happen to a job: by example, and by every order of events that Hypothesis can think of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.errors import FAULTS
from jobs.job import FINISHED, Job, Result
from jobs.ledger import due_ms
from jobs.sweep import verdict
from jobs.transitions import (
    IMPLAUSIBLE_LEASES,
    MAX_ATTEMPTS,
    LeaseLost,
    NotClaimable,
    claim,
    enter,
    erase,
    fail,
    give_up,
    hand_back,
    lapse,
    lease_is_live,
    publish,
    renew,
    resent,
)
from tests.jobs.made import NOW, TERMS, a_job, a_result


def claimed(job: Job | None = None, *, token: str = "t1", now: int = NOW) -> Job:
    return claim(job or a_job(), token=token, holder="w", now=now, terms=TERMS)


def test_a_claim_counts_the_attempt_before_the_work() -> None:
    job = claimed()
    assert (job.state, job.phase, job.attempts, job.epoch, job.started_ms) == ("running", "fetching", 1, 1, NOW)
    assert lease_is_live(job, now=NOW + TERMS.lease_ms - 1, terms=TERMS)
    assert not lease_is_live(job, now=NOW + TERMS.lease_ms, terms=TERMS)


def test_a_held_job_is_not_claimed_until_its_holder_goes_silent() -> None:
    job = claimed()
    with pytest.raises(NotClaimable):
        claimed(job, token="t2", now=NOW + TERMS.lease_ms - 1)
    again = claimed(job, token="t2", now=NOW + TERMS.lease_ms)
    assert (again.attempts, again.epoch, again.lease and again.lease.token) == (2, 2, "t2")


def test_a_lease_of_a_broken_clock_counts_as_over() -> None:
    job = claimed()
    ahead = replace(job, lease=replace(job.lease, until_ms=NOW + IMPLAUSIBLE_LEASES * TERMS.lease_ms + 1))
    assert claimed(ahead, token="t2").attempts == 2


def test_there_is_no_fourth_attempt_and_none_after_the_deadline() -> None:
    spent = a_job(attempts=MAX_ATTEMPTS)
    with pytest.raises(NotClaimable):
        claimed(spent)
    with pytest.raises(NotClaimable):
        claimed(a_job(), now=a_job().deadline_ms)


def test_a_late_worker_cannot_publish() -> None:
    late = claimed(claimed(), token="t2", now=NOW + TERMS.lease_ms)
    with pytest.raises(LeaseLost):
        publish(late, token="t1", result=a_result("t1"), now=NOW, terms=TERMS)
    done = publish(late, token="t2", result=a_result("t2"), now=NOW, terms=TERMS)
    assert done.result == a_result("t2")
    with pytest.raises(LeaseLost):
        publish(done, token="t2", result=a_result("t2"), now=NOW, terms=TERMS)


def test_a_silent_holder_may_still_publish_while_nobody_else_came() -> None:
    done = publish(claimed(), token="t1", result=a_result("t1"), now=NOW + 10 * TERMS.lease_ms, terms=TERMS)
    assert (done.state, done.phase, done.lease, done.progress) == ("done", None, None, 1.0)
    assert done.expires_ms == NOW + 10 * TERMS.lease_ms + TERMS.keep_ms


def test_an_interruption_returns_the_attempt() -> None:
    job = hand_back(claimed(), token="t1", now=NOW + 5)
    assert (job.state, job.phase, job.attempts, job.epoch, job.lease) == ("queued", "in_line", 0, 1, None)


def test_a_lost_attempt_is_spent_and_the_third_ends_the_job() -> None:
    job = a_job()
    for attempt in (1, 2, 3):
        job = claimed(job, token=f"t{attempt}")
        assert job.attempts == attempt
        job = lapse(job, now=NOW + TERMS.lease_ms, terms=TERMS)
    assert (job.state, job.error and job.error.code) == ("failed", "no_attempts_left")


def test_a_lease_that_is_live_does_not_lapse_unless_its_holder_says_so() -> None:
    job = claimed()
    with pytest.raises(LeaseLost):
        lapse(job, now=NOW, terms=TERMS)
    with pytest.raises(LeaseLost):
        lapse(job, now=NOW, terms=TERMS, token="other")
    assert lapse(job, now=NOW, terms=TERMS, token="t1").state == "queued"


def test_progress_only_grows_within_an_attempt_and_stays_unseen_by_versions() -> None:
    job = claimed()
    further = renew(job, token="t1", now=NOW + 1000, terms=TERMS, progress=0.5)
    assert renew(further, token="t1", now=NOW, terms=TERMS, progress=0.2).progress == 0.5
    assert renew(further, token="t1", now=NOW, terms=TERMS, progress=7.0).progress == 1.0
    assert further.version == job.version
    assert further.lease is not None
    assert further.lease.until_ms == NOW + 1000 + TERMS.lease_ms
    assert hand_back(further, token="t1", now=NOW).progress == 0.0


def test_entering_a_phase_is_seen_and_renews_the_lease() -> None:
    job = claimed()
    later = enter(job, "decoding", token="t1", now=NOW + 9, terms=TERMS)
    assert (later.phase, later.phase_since_ms, later.version) == ("decoding", NOW + 9, job.version + 1)
    assert later.lease is not None
    assert later.lease.until_ms == NOW + 9 + TERMS.lease_ms


def test_a_failure_has_a_registered_code() -> None:
    known = fail(claimed(), token="t1", code="unreadable_photo", detail="no end", now=NOW, terms=TERMS)
    unknown = fail(claimed(), token="t1", code="a typing error", detail="", now=NOW, terms=TERMS)
    assert known.error is not None
    assert (known.error.code, known.error.detail) == ("unreadable_photo", "no end")
    assert unknown.error is not None
    assert unknown.error.code == "internal"


def test_giving_up_leaves_a_finished_job_as_it_is() -> None:
    done = publish(claimed(), token="t1", result=a_result("t1"), now=NOW, terms=TERMS)
    assert give_up(done, code="deadline_passed", detail="", now=NOW + 1, terms=TERMS) is done


def test_erasing_cancels_what_is_unfinished_and_forgets_the_photo() -> None:
    job = erase(claimed(), now=NOW + 7)
    assert (job.state, job.deleted, job.ended_ms, job.expires_ms) == ("cancelled", True, NOW + 7, a_job().expires_ms)
    assert (job.photo, job.visitor, job.owner_sha256, job.source_sha256, job.lease) == ({}, "", "", "", None)


def test_erasing_a_finished_job_leaves_its_state() -> None:
    done = publish(claimed(), token="t1", result=a_result("t1"), now=NOW, terms=TERMS)
    gone = erase(done, now=NOW + 7)
    assert (gone.state, gone.result, gone.deleted, gone.expires_ms) == ("done", None, True, done.expires_ms)
    assert gone.version == done.version + 1


TOKENS = [f"t{number}" for number in range(6)]
tokens = st.sampled_from(TOKENS)


class Lives(RuleBasedStateMachine):
    """One job, several workers with tokens of their own, an owner who deletes, a sweeper, and an unsteady clock."""

    @initialize()
    def begin(self) -> None:
        self.job = a_job()
        self.now = NOW
        self.claims = 0
        self.returned = 0
        self.holder: str | None = None  # whose token is current, by the test's own bookkeeping
        self.published: Result | None = None

    def attempt(self, token: str, transition) -> bool:
        """Apply a holder's transition. It works for the current token and for no other (S5)."""
        before = self.job
        try:
            after = transition(before)
        except LeaseLost:
            assert token != self.holder or before.state != "running"
            return False
        assert token == self.holder
        assert before.state == "running"
        self.move(after)
        return True

    def move(self, after: Job) -> None:
        before = self.job
        assert after.id == before.id
        assert after.epoch >= before.epoch
        assert after.version >= before.version
        assert (after.state, after.phase) == (before.state, before.phase) or after.version > before.version
        if before.finished:
            assert after.state == before.state  # S2
            assert after.error == before.error
            assert after.result == before.result or after.deleted
        self.job = after
        if after.state != "running":
            self.holder = None

    @rule(seconds=st.sampled_from([0.001, 1, 7, 29.9, 30, 31, 120, 3600]))
    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    @rule(seconds=st.sampled_from([1, 60, 7200]))
    def set_the_clock_back(self, seconds: float) -> None:
        self.now = max(NOW, self.now - int(seconds * 1000))

    @precondition(lambda self: self.claims < len(TOKENS))
    @rule()
    def claim(self) -> None:
        token = TOKENS[self.claims]
        before = self.job
        try:
            after = claim(before, token=token, holder="w", now=self.now, terms=TERMS)
        except NotClaimable:
            live = before.state == "running" and lease_is_live(before, now=self.now, terms=TERMS)
            assert before.finished or live or before.attempts >= MAX_ATTEMPTS or self.now >= before.deadline_ms
            return
        assert after.epoch == before.epoch + 1
        assert after.attempts == before.attempts + 1
        self.claims += 1
        self.move(after)
        self.holder = token

    @precondition(lambda self: self.claims < len(TOKENS))
    @rule()
    def take_over_after_silence(self) -> None:
        self.now += TERMS.lease_ms
        self.claim()

    @rule(token=tokens, progress=st.floats(0, 2))
    def renew(self, token: str, progress: float) -> None:
        self.attempt(token, lambda job: renew(job, token=token, now=self.now, terms=TERMS, progress=progress))

    @rule(token=tokens, phase=st.sampled_from(["decoding", "enhancing", "encoding", "storing"]))
    def enter(self, token: str, phase) -> None:
        self.attempt(token, lambda job: enter(job, phase, token=token, now=self.now, terms=TERMS))

    @rule(token=tokens)
    def publish(self, token: str) -> None:
        result = a_result(token)
        if self.attempt(token, lambda job: publish(job, token=token, result=result, now=self.now, terms=TERMS)):
            assert self.published is None  # S6
            self.published = result

    @rule(token=tokens, code=st.sampled_from(["unreadable_photo", "photo_too_slow", "nonsense"]))
    def fail(self, token: str, code: str) -> None:
        self.attempt(token, lambda job: fail(job, token=token, code=code, detail="", now=self.now, terms=TERMS))

    @rule(token=tokens)
    def hand_back(self, token: str) -> None:
        if self.attempt(token, lambda job: hand_back(job, token=token, now=self.now)):
            self.returned += 1

    @rule(token=tokens)
    def lose_the_engine(self, token: str) -> None:
        self.attempt(token, lambda job: lapse(job, now=self.now, terms=TERMS, token=token))

    @rule()
    def give_up(self) -> None:
        self.move(give_up(self.job, code="deadline_passed", detail="", now=self.now, terms=TERMS))

    @rule()
    def erase(self) -> None:
        self.move(erase(self.job, now=self.now))

    @rule()
    def sweep(self) -> None:
        if self.now >= due_ms(self.job, terms=TERMS):
            self.swept()

    def swept(self) -> bool:
        """What the sweeper does with the job; whether it is forgotten."""
        action = verdict(self.job, now=self.now, terms=TERMS)
        if action == "give_up":
            self.move(give_up(self.job, code="deadline_passed", detail="", now=self.now, terms=TERMS))
        elif action == "lapse":
            self.move(lapse(self.job, now=self.now, terms=TERMS))
        elif action == "resend":
            self.move(resent(self.job, now=self.now))
        return action == "forget"

    @invariant()
    def promises(self) -> None:
        job = self.job
        assert job.attempts <= MAX_ATTEMPTS  # S4
        assert job.attempts == self.claims - self.returned
        if job.state == "failed":
            assert job.error is not None
            assert job.error.code in FAULTS
        if job.state == "done" and not job.deleted:
            assert job.result == self.published
        if job.state != "done":
            assert job.result is None
        assert (job.lease is not None) == (job.state == "running")
        assert (job.phase is None) == job.finished
        assert (job.ended_ms is not None) == job.finished
        assert Job.from_json(job.to_json()) == job

    def teardown(self) -> None:
        """From wherever it got, with all workers gone, sweeping ends the job by its deadline and forgets it (L1)."""
        if not hasattr(self, "job"):
            return
        deadline = max(self.job.deadline_ms, self.now)
        for _ in range(2000):
            self.now = max(self.now, due_ms(self.job, terms=TERMS))
            if self.job.finished:
                break
            assert self.now <= deadline
            self.swept()
        assert self.job.state in FINISHED
        self.now = max(self.now, due_ms(self.job, terms=TERMS))
        assert self.swept()


TestLives = Lives.TestCase
TestLives.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
