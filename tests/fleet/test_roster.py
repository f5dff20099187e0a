"""The roster: one line for each machine and each worker, with its newest sign of life."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleet.requests import DEADLINE_TAG, EPOCH_TAG, SLOT_TAG
from fleet.roster import Seen, _seen, roster
from jobs.job import Lease
from tests.fleet.views import NOW, machine, sign
from tests.jobs.made import a_job


def test_a_machine_is_told_with_its_sign_its_photo_and_its_cost() -> None:
    seen = Seen(machine=machine(0, 3, age_s=1800), type="g4dn.xlarge", market="spot", deadline_ms=NOW + 1000)
    held = a_job(id="photo", state="running", lease=Lease(token="t", holder="slot0-3", until_ms=NOW))
    others = a_job(id="other", state="running", lease=Lease(token="t", holder="slot1-1", until_ms=NOW))
    older = sign(0, 3, state="loading", beat_ms=NOW - 9000)
    (entry,) = roster(
        [seen], [sign(0, 3, state="busy", last_job_ms=NOW - 5), older, sign(0, 2)], [others, held], now=NOW
    )
    assert (entry.slot, entry.epoch, entry.state, entry.flavour) == (0, 3, "busy", "gpu")
    assert (entry.photo, entry.beat_ms, entry.last_job_ms, entry.deadline_ms) == (
        "photo",
        NOW - 1000,
        NOW - 5,
        NOW + 1000,
    )


def test_a_machine_without_a_sign_is_booting_and_a_worker_without_machine_is_told_last() -> None:
    entries = roster([Seen(machine=machine(1, 1))], [sign(-1, 0)], [], now=NOW)
    assert [(entry.slot, entry.state) for entry in entries] == [(1, "booting"), (-1, "ready")]
    assert entries[0].deadline_ms is None


def test_an_instance_of_ec2_is_seen_with_its_type_its_market_and_its_deadline() -> None:
    tags = {SLOT_TAG: "2", EPOCH_TAG: "7", DEADLINE_TAG: "2027-01-15T08:00:00Z"}
    told = {
        "InstanceId": "i-1",
        "InstanceType": "g4dn.xlarge",
        "InstanceLifecycle": "spot",
        "LaunchTime": datetime.fromtimestamp(NOW / 1000 - 3600, UTC),
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    seen = _seen(told)
    assert (seen.machine.slot, seen.machine.epoch, seen.type, seen.market) == (2, 7, "g4dn.xlarge", "spot")
    assert seen.deadline_ms == NOW
    (entry,) = roster([seen], [], [], now=NOW)
    assert entry.usd == pytest.approx(0.526 * 0.6)
    assert _seen(told | {"Tags": []}).deadline_ms == 0
