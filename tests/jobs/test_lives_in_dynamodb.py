"""Jobs' lives in DynamoDB over a network that loses requests and answers: rows do just what the transitions say."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.clients import TRIES, Clients
from jobs.errors import RowExists, StoreBusy
from jobs.job import Job
from jobs.ledger import Ledger, due_ms
from jobs.table import DynamoTable
from jobs.transitions import LeaseLost, NotClaimable, claim, enter, erase, fail, hand_back, lapse, publish, renew
from tests.jobs.clouds import Cloud
from tests.jobs.made import NOW, TERMS, a_job, a_result

WHOLE = ("UpdateItem", "503", 0)
FAULTS = (
    WHOLE,
    WHOLE,
    *((action, does, 1) for action in ("UpdateItem", "GetItem", "*") for does in ("503", "lost", "deaf")),
    *((action, does, TRIES) for action in ("UpdateItem", "GetItem") for does in ("503", "lost", "deaf")),
    ("UpdateItem", "lost", TRIES - 1),
)
TOKENS = ("t0", "t1", "t2", "t3")
faults, tokens = st.sampled_from(FAULTS), st.sampled_from(TOKENS)
Transition = Callable[[Job], Job]


class Lives(RuleBasedStateMachine):
    """One job, written by several workers; `job` is what its row must hold."""

    cloud: ClassVar[Cloud]
    table: ClassVar[str]

    @initialize(fault=faults)
    def begin(self, fault: tuple[str, str, int]) -> None:
        self.now = NOW
        self.claims = 0
        self.ends: list[Job] = []
        clients = Clients()  # its allowance of retries is a client's own
        self.ledger, self.other = (
            Ledger(DynamoTable(self.table, clients), terms=TERMS, clock=lambda: self.now) for _ in range(2)
        )
        self.job = a_job(id=uuid.uuid4().hex)
        self.break_network(fault)
        try:
            self.ledger.insert(self.job)
        except (StoreBusy, RowExists):
            self.mend_network()
            if self.ledger.read(self.job.id) is None:
                self.ledger.insert(self.job)
        self.mend_network()

    def break_network(self, fault: tuple[str, str, int]) -> None:
        action, does, times = fault
        self.cloud.order(faults=[{"action": action, "does": does, "times": times}])

    def mend_network(self) -> None:
        self.cloud.order(faults=[])

    def change(self, fault: tuple[str, str, int], transition: Transition) -> bool:
        """Apply a transition through the broken network and to `job`: both do it, or both refuse."""
        before = self.job
        try:
            after, refused = transition(before), False
        except (LeaseLost, NotClaimable):
            after, refused = before, True
        self.break_network(fault)
        try:
            told = self.ledger.change(before.id, transition)
            assert not refused
        except (LeaseLost, NotClaimable):
            assert refused
            told = before
        except StoreBusy:
            self.mend_network()
            told = self.ledger.read(before.id)
            assert told in (before, after)
        finally:
            self.mend_network()
        assert told is not None
        self.job = told
        return told != before

    @rule(seconds=st.sampled_from([0.001, 7, 29.9, 30, 120]))
    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    @precondition(lambda self: self.claims < len(TOKENS))
    @rule(fault=faults)
    def claim(self, fault: tuple[str, str, int]) -> None:
        token = TOKENS[self.claims]
        now = self.now
        self.claims += self.change(fault, lambda job: claim(job, token=token, holder="w", now=now, terms=TERMS))

    @precondition(lambda self: self.claims < len(TOKENS))
    @rule()
    def claim_at_once(self) -> None:
        """Between this worker's look and its write another one claims; only the other's claim counts."""
        token, now, before = TOKENS[self.claims], self.now, self.job
        looks = 0

        def transition(job: Job) -> Job:
            nonlocal looks
            looks += 1
            mine = claim(job, token="late", holder="late", now=now, terms=TERMS)
            if looks == 1:
                self.other.change(job.id, lambda job: claim(job, token=token, holder="other", now=now, terms=TERMS))
            return mine

        with pytest.raises(NotClaimable):
            self.ledger.change(before.id, transition)
        if looks == 1:  # it was not to be had at all
            return
        self.claims += 1
        self.job = claim(before, token=token, holder="other", now=now, terms=TERMS)

    @rule(fault=faults, token=tokens, progress=st.floats(0, 1))
    def renew(self, fault: tuple[str, str, int], token: str, progress: float) -> None:
        now = self.now
        self.change(fault, lambda job: renew(job, token=token, now=now, terms=TERMS, progress=progress))

    @rule(fault=faults, token=tokens, phase=st.sampled_from(["decoding", "enhancing", "encoding", "storing"]))
    def enter(self, fault: tuple[str, str, int], token: str, phase) -> None:
        now = self.now
        self.change(fault, lambda job: enter(job, phase, token=token, now=now, terms=TERMS))

    @rule(fault=faults, token=tokens)
    def publish(self, fault: tuple[str, str, int], token: str) -> None:
        now, result = self.now, a_result(token)
        self.change(fault, lambda job: publish(job, token=token, result=result, now=now, terms=TERMS))

    @rule(fault=faults, token=tokens)
    def fail(self, fault: tuple[str, str, int], token: str) -> None:
        now = self.now
        self.change(fault, lambda job: fail(job, token=token, code="unreadable_photo", detail="", now=now, terms=TERMS))

    @rule(fault=faults, token=tokens)
    def hand_back(self, fault: tuple[str, str, int], token: str) -> None:
        now = self.now
        self.change(fault, lambda job: hand_back(job, token=token, now=now))

    @rule(fault=faults)
    def lapse(self, fault: tuple[str, str, int]) -> None:
        now = self.now
        self.change(fault, lambda job: lapse(job, now=now, terms=TERMS))

    @rule(fault=faults)
    def erase(self, fault: tuple[str, str, int]) -> None:
        now = self.now
        if not self.job.deleted:
            self.change(fault, lambda job: erase(job, now=now))

    @invariant()
    def the_row_is_what_it_must_be(self) -> None:
        if not hasattr(self, "job"):
            return
        assert self.ledger.read(self.job.id) == self.job
        if self.job.finished:
            self.ends.append(self.job)
            assert {job.state for job in self.ends} == {self.job.state}  # S2

    def teardown(self) -> None:
        """The sweeper finds the row when its time has come, and not a moment before."""
        if not hasattr(self, "job"):
            return
        due = due_ms(self.job, terms=TERMS)
        table = self.ledger.table
        found = {now: [row.key for row in table.due(now=now, limit=1000)] for now in (due - 1, due)}
        row = table.read(f"job/{self.job.id}")
        assert row is not None
        assert row.key not in found[due - 1]
        assert row.key in found[due]
        table.delete(row)


@pytest.fixture
def lives(moto: Cloud, no_pauses: None) -> Iterator[type[Lives]]:
    Lives.cloud, Lives.table = moto, moto.settings().table.removeprefix("dynamodb://")
    yield Lives
    del Lives.cloud


def test_a_job_lives_as_its_transitions_say_whatever_the_network_loses(lives: type[Lives]) -> None:
    case = lives.TestCase
    case.settings = hypothesis_settings(max_examples=6, stateful_step_count=12, deadline=None, database=None)
    case().runTest()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_many_jobs_live_as_their_transitions_say_whatever_the_network_loses(lives: type[Lives]) -> None:
    case = lives.TestCase
    case.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None, database=None)
    case().runTest()
