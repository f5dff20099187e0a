"""Pages tell when their visitor leaves: what that may do to a machine's life, and what it may not."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fleet.idle import advised, noticed
from fleet.presence import Presence, came, left
from jobs.heartbeat import Heartbeat
from jobs.intake import Order, accept
from jobs.job import Result
from jobs.patience import BACK_S, KEY, Patience, has_waited_enough, read_patience, write_patience
from jobs.settings import Settings
from jobs.table import Row
from jobs.transitions import claim, publish
from tests.fleet.regions import World

NOW = 1_800_000_000_000
CLOUD = Settings(idle_least_s=25.0, idle_s=90.0, idle_most_s=600.0)
ORDER = Order(ratio=None, format="jpeg", photo={}, size=0, sha256="", visitor="")
RESULT = Result(key="out", size=0, sha256="", media_type="image/jpeg", width=1, height=1, ratio=1.0)
TIMES = st.integers(0, 1_000_000)


def photo(world: World, *, done: bool = True) -> str:
    job = accept(world.ports, ORDER, io.BytesIO()).job
    if done:
        terms, now = world.ports.ledger.terms, world.clock.ms
        change = world.ports.ledger.change
        change(job.id, lambda job: claim(job, token="t", holder="w", now=now, terms=terms))
        change(job.id, lambda job: publish(job, token="t", result=RESULT, now=now, terms=terms))
    return job.id


@pytest.fixture
def presence(ec2: World) -> Presence:
    return Presence(ec2.ports, CLOUD)


def test_a_machine_whose_visitor_has_left_stays_the_least_time_only() -> None:
    known = replace(left(Patience(idle_s=300.0), photo_ms=NOW, now=NOW + 8_000), rested_ms=NOW + 5_000)
    assert known.advised_s(CLOUD, last_job_ms=NOW, rested_ms=NOW + 5_000) == 25.0
    assert came(known, now=NOW + 9_000).advised_s(CLOUD, last_job_ms=NOW, rested_ms=NOW + 5_000) == 300.0


def test_a_page_that_is_loaded_anew_has_a_moment_to_come_back() -> None:
    known = left(Patience(idle_s=300.0), photo_ms=NOW, now=NOW + 60_000)
    assert known.advised_s(CLOUD, last_job_ms=NOW, rested_ms=NOW) == 60.0 + BACK_S


def test_a_worker_heeds_no_leave_of_an_older_photos_visitor() -> None:
    known = left(Patience(idle_s=300.0), photo_ms=NOW, now=NOW)
    assert known.advised_s(CLOUD, last_job_ms=NOW + 1, rested_ms=NOW) == 300.0


def test_a_machine_that_has_had_no_photo_was_started_for_somebody_else() -> None:
    known = left(Patience(idle_s=300.0), photo_ms=NOW, now=NOW)
    assert known.advised_s(CLOUD, last_job_ms=0, rested_ms=0) == 300.0


patiences = st.builds(
    Patience,
    idle_s=st.sampled_from([0.0, 25.0, 90.0, 600.0]),
    deserted_idle_s=st.sampled_from([0.0, 25.0, 90.0, 600.0]),
    accepted_ms=TIMES,
    deserted_ms=TIMES,
    left_ms=TIMES,
    came_ms=TIMES,
)


@given(patiences, TIMES, TIMES, TIMES, TIMES)
@hypothesis_settings(max_examples=300, deadline=None)
def test_leaves_only_ever_shorten_a_machines_life(
    known: Patience, photo_ms: int, now: int, last_job_ms: int, rested_ms: int
) -> None:
    """S9: nor do the views that void them make it longer than it would have been without either."""
    alone = replace(known, left_ms=0, came_ms=0)
    after = left(known, photo_ms=photo_ms, now=now)

    def stay_s(patience: Patience) -> float:
        return patience.advised_s(CLOUD, last_job_ms=last_job_ms, rested_ms=rested_ms)

    assert stay_s(after) <= stay_s(alone)
    assert stay_s(came(after, now=now)) == stay_s(alone)
    assert not has_waited_enough(CLOUD, CLOUD.idle_least_s, advised_s=lambda: stay_s(after))


@given(patiences, TIMES, TIMES)
@hypothesis_settings(max_examples=300, deadline=None)
def test_a_leave_counts_for_the_newest_photo_and_until_somebody_comes(known: Patience, photo_ms: int, now: int) -> None:
    after = left(known, photo_ms=photo_ms, now=now)
    if photo_ms < max(known.accepted_ms, known.deserted_ms):
        assert after is known
    else:
        assert after.is_deserted
        assert after.deserted_ms == photo_ms
        assert left(after, photo_ms=photo_ms, now=now + 1) is after  # a flood of the same writes nothing
        gone = came(after, now=now)
        assert not gone.is_deserted
        assert came(gone, now=now + 1) is gone


def test_who_has_the_newest_photo_may_say_that_he_leaves(ec2: World, presence: Presence) -> None:
    mine = photo(ec2)
    accepted_ms = ec2.clock.ms
    ec2.clock.pass_s(20)
    presence.leave(mine)
    known = read_patience(ec2.ports.table)
    assert (known.is_deserted, known.deserted_ms, known.left_ms) == (True, accepted_ms, ec2.clock.ms)


@pytest.mark.parametrize("reason", ["view", "pick", "upload"])
def test_whoever_comes_voids_it(ec2: World, presence: Presence, reason: str) -> None:
    presence.leave(photo(ec2))
    launcher = ec2.launcher(idle_least_s=25.0, idle_s=90.0)
    launcher.ensure("tick")
    assert read_patience(ec2.ports.table).is_deserted
    launcher.ensure(reason)  # type: ignore[arg-type]
    assert not read_patience(ec2.ports.table).is_deserted


def test_nobody_can_send_away_a_machine_that_works_for_somebody_else(ec2: World, presence: Presence) -> None:
    older = photo(ec2)
    ec2.clock.pass_s(5)
    write_patience(ec2.ports.table, Patience(idle_s=90.0, accepted_ms=ec2.clock.ms))
    before = ec2.ports.table.read(KEY)
    for job_id in (older, "00000000-0000-4000-8000-000000000000", "patience", "../job", "x" * 500, "\0"):
        presence.leave(job_id)
    assert ec2.ports.table.read(KEY) == before


def test_while_its_photo_waits_nobody_has_left(ec2: World, presence: Presence) -> None:
    presence.leave(photo(ec2, done=False))
    assert ec2.ports.table.read(KEY) is None


def test_a_flood_of_leaves_writes_once(ec2: World, presence: Presence) -> None:
    mine = photo(ec2)
    for _ in range(50):
        presence.leave(mine)
        ec2.clock.pass_s(1)
    row = ec2.ports.table.read(KEY)
    assert row is not None
    assert row.revision == 1


def test_where_the_idle_time_is_fixed_no_leave_is_heard(ec2: World) -> None:
    fixed = Presence(ec2.ports, Settings(idle_s=90.0))
    fixed.leave(photo(ec2))
    fixed.come()
    assert ec2.ports.table.read(KEY) is None


def test_the_tick_keeps_a_leave_that_it_did_not_hear(ec2: World, presence: Presence) -> None:
    """Its row was read before; whoever comes second reads again."""
    mine = photo(ec2)
    stale = read_patience(ec2.ports.table)
    presence.leave(mine)
    assert not write_patience(ec2.ports.table, replace(stale, idle_s=40.0))
    assert read_patience(ec2.ports.table).is_deserted


def test_rows_of_the_releases_before_are_read(ec2: World) -> None:
    ec2.ports.table.insert(Row(key=KEY, doc='{"quiet_s":[30.0],"accepted_ms":5,"rested_ms":4,"idle_s":40.0}'))
    known = read_patience(ec2.ports.table)
    assert known == Patience(quiet_s=(30.0,), accepted_ms=5, rested_ms=4, idle_s=40.0, revision=1)
    assert write_patience(ec2.ports.table, replace(known, deserted_s=((15.0, 900.0),), left_ms=9, deserted_ms=5))
    written = read_patience(ec2.ports.table)
    assert written.deserted_s == ((15.0, 900.0),)
    assert (written.quiet_s, written.idle_s, written.revision) == ((30.0,), 40.0, 2)


def sign(accepted_ms: int, rested_ms: int = 0) -> Heartbeat:
    facts = {"worker": "w", "slot": 0, "epoch": 1, "state": "busy", "started_ms": 0, "beat_ms": NOW}
    return Heartbeat(**facts, last_job_ms=accepted_ms, rested_ms=rested_ms)  # type: ignore[arg-type]


def test_a_spell_in_which_the_visitor_left_teaches_nothing_of_those_who_stay() -> None:
    seen = noticed(Patience(), [sign(NOW, NOW + 5_000)], now=NOW + 6_000)
    gone = came(left(seen, photo_ms=NOW, now=NOW + 20_000), now=NOW + 900_000)
    again = noticed(gone, [sign(NOW + 905_000, NOW + 910_000)], now=NOW + 910_000)
    assert (again.quiet_s, again.deserted_s) == ((), ((15.0, 900.0),))
    stayed = noticed(again, [sign(NOW + 940_000)], now=NOW + 940_000)
    assert stayed.quiet_s == (30.0,)
    assert stayed.deserted_s == again.deserted_s


def test_where_leavers_come_back_soon_a_leave_is_worth_little() -> None:
    patience = Patience(quiet_s=(15.0,) * 20, deserted_s=((2.0, 40.0),) * 20)
    assert advised(patience, CLOUD, start_s=50.0).deserted_idle_s == pytest.approx(48.0)
    strangers = replace(patience, deserted_s=((2.0, 40_000.0),) * 20)
    assert advised(strangers, CLOUD, start_s=50.0).deserted_idle_s == CLOUD.idle_least_s


def test_who_stays_is_waited_for_longer_where_leavers_say_so() -> None:
    looks = (15.0, 15.0, 15.0, 15.0, 15.0, 110.0)
    silent = Patience(quiet_s=(*looks, 14_000.0, 14_000.0, 14_000.0) * 8)
    told = Patience(quiet_s=looks * 8, deserted_s=((15.0, 14_000.0),) * 24)
    late = replace(told, deserted_s=((100.0, 14_000.0),) * 24)
    stays = {name: advised(each, CLOUD, start_s=50.0).idle_s for name, each in
             {"silent": silent, "told": told, "late": late}.items()}  # fmt: skip
    assert stays["silent"] == 25.0
    assert stays["told"] == pytest.approx(132.0)
    assert stays["late"] == 25.0  # who says so only after minutes has been waited for all the while
