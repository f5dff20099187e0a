"""Figures for Prometheus that come from the table."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.meters import FRESH_MS, STARTS_FRESH_MS, Meters
from jobs.errors import StoreBusy
from jobs.heartbeat import Heartbeat, beat
from jobs.milestones import ColdStart, write_start
from jobs.queue import Depth, Queue
from tests.api.conftest import START_MS, House


def figures(house: House) -> dict[tuple[str, ...], float]:
    """Samples by name and label values."""
    text = house.client.get("/metrics").text
    families = text_string_to_metric_families(text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def started(house: House, number: int, **at_s: float) -> None:
    at_ms = {name: START_MS + int(seconds * 1000) for name, seconds in at_s.items()}
    write_start(
        house.ports.table,
        ColdStart(worker=f"slot0-{number}", slot=0, epoch=number, flavour="torch default", at_ms=at_ms),
    )


def test_the_milestones_of_cold_starts_are_told_by_flavour(house: House) -> None:
    for number, ready_s in enumerate((20.0, 22.0, 24.0), start=1):
        started(house, number, asked=0.0, supervisor=15.0, engine_ready=ready_s)
    told = figures(house)
    name, flavour = "firstlight_cold_start_seconds", "torch default"
    assert told[name, flavour, "engine_ready", "0.5"] == 22.0
    assert told[name, flavour, "engine_ready", "0.9"] == pytest.approx(23.6)
    assert told[f"{name}_count", flavour, "supervisor"] == 3
    assert told[f"{name}_sum", flavour, "supervisor"] == 45.0
    assert told[name, flavour, "asked", "0.5"] == 0


def test_one_start_is_its_own_median(house: House) -> None:
    started(house, 1, supervisor=0.0, engine_ready=0.7)
    assert figures(house)["firstlight_cold_start_seconds", "torch default", "engine_ready", "0.9"] == 0.7


def test_starts_are_read_once_a_minute_and_forgotten_after_a_day(house: House) -> None:
    assert not [key for key in figures(house) if key[0].startswith("firstlight_cold_start")]
    started(house, 1, supervisor=0.0)
    assert not [key for key in figures(house) if key[0].startswith("firstlight_cold_start")]
    house.hands.now_ms += STARTS_FRESH_MS
    assert [key for key in figures(house) if key[0].startswith("firstlight_cold_start")]
    house.hands.now_ms += 24 * 3600 * 1000
    assert not [key for key in figures(house) if key[0].startswith("firstlight_cold_start")]


def test_a_busy_day_is_counted_to_its_newest_start(house: House) -> None:
    name = "firstlight_cold_start_seconds_count"
    for number in range(450):
        started(house, number, supervisor=float(number))
    house.hands.now_ms = START_MS + 450_000
    assert figures(house)[name, "torch default", "supervisor"] == 450
    started(house, 450, supervisor=450.0)
    house.hands.now_ms += STARTS_FRESH_MS
    assert figures(house)[name, "torch default", "supervisor"] == 451


def test_who_asks_often_does_not_have_the_rows_counted_each_time(house: House) -> None:
    assert figures(house)["firstlight_jobs", "queued"] == 0
    house.uploaded()
    assert figures(house)["firstlight_jobs", "queued"] == 0
    assert figures(house)["firstlight_uploads_total", "accepted"] == 1  # of this process, and free
    house.hands.now_ms += FRESH_MS
    assert figures(house)["firstlight_jobs", "queued"] == 1


def test_figures_that_cannot_be_had_are_not_told_from_memory(house: House) -> None:
    class Away:
        def depth(self) -> Depth:
            raise StoreBusy("away")

    meters = Meters()
    assert b"firstlight_jobs" in meters.text(house.ports, heartbeat_ms=5000)
    house.hands.now_ms += FRESH_MS
    away = replace(house.ports, queue=cast("Queue", Away()))
    for _ in range(2):
        with pytest.raises(StoreBusy):
            meters.text(away, heartbeat_ms=5000)
    assert b"firstlight_jobs" in meters.text(house.ports, heartbeat_ms=5000)


def test_the_bridge_is_counted_apart_from_machines_and_workers(house: House) -> None:
    known = {"state": "busy", "started_ms": START_MS, "beat_ms": START_MS, "ready_ms": START_MS}
    beat(house.ports.table, Heartbeat(worker="bridge-1", slot=-1, epoch=0, bridge=True, **known))
    told = figures(house)
    assert (told["firstlight_bridges",], told["firstlight_machines",]) == (1, 0)
    assert told["firstlight_workers", "busy"] == 0
