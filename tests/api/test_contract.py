"""/openapi.json, /docs and /metrics: what is told of the service is what it does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from api.operations import OPERATIONS
from jobs.errors import FAULTS
from jobs.heartbeat import Heartbeat, beat
from tests.api.conftest import START_MS, House


def test_every_address_is_described_and_nothing_else(house: House) -> None:
    served = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/static")
    }
    assert served == {(each.method, each.path) for each in OPERATIONS}


def test_every_code_that_is_described_is_in_the_registry(house: House) -> None:
    contract = house.client.get("/openapi.json").get_json()
    for each in OPERATIONS:
        described = contract["paths"][each.path][each.method]
        for code in each.faults:
            assert code in described["responses"][str(FAULTS[code].status)]["description"]


def test_every_reference_leads_somewhere(house: House) -> None:
    contract = house.client.get("/openapi.json").get_json()
    schemas = contract["components"]["schemas"]

    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if "$ref" in part else set()
            return own.union(*(references(value) for value in part.values()))
        if isinstance(part, list):
            return set().union(*(references(value) for value in part))
        return set()

    assert {each.removeprefix("#/components/schemas/") for each in references(contract)} <= set(schemas)
    assert {"Status", "Receipt", "Problem", "UploadFields", "WarmCall", "Warmth"} <= set(schemas)
    assert set(schemas["UploadFields"]["properties"]) == {"image", "ratio", "format", "again"}


def figures(house: House) -> dict[str, float]:
    text = house.client.get("/metrics").text
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")}


def test_metrics_tell_the_line_and_the_workers(house: House) -> None:
    for _ in range(3):
        job_id = house.uploaded()["id"]
    house.begin(job_id)
    alive = Heartbeat(worker="slot0-1", slot=0, epoch=1, state="busy", started_ms=START_MS, beat_ms=START_MS)
    beat(house.ports.table, alive)
    beat(house.ports.table, replace(alive, worker="silent", slot=1, beat_ms=START_MS - 60_000))
    told = figures(house)
    assert told['firstlight_jobs{state="queued"}'] == 2
    assert told['firstlight_jobs{state="running"}'] == 1
    assert told['firstlight_queue_messages{kind="visible"}'] == 3
    assert told['firstlight_workers{state="busy"}'] == 1
    assert told['firstlight_workers{state="ready"}'] == 0
    assert told["firstlight_machines"] == 1


def test_metrics_count_uploads_and_answers(house: House) -> None:
    key = {"Idempotency-Key": "a key of sixteen"}
    house.upload(headers=key)
    house.upload(headers=key)
    house.upload(ratio="nan")
    house.client.open("/nothing", method="BREW")
    told = figures(house)
    assert told['firstlight_uploads_total{outcome="accepted"}'] == 1
    assert told['firstlight_uploads_total{outcome="replayed"}'] == 1
    assert told['firstlight_uploads_total{outcome="bad_ratio"}'] == 1
    assert told['firstlight_requests_total{method="POST",route="/upload",status="202"}'] == 2
    assert told['firstlight_requests_total{method="other",route="none",status="404"}'] == 1


def test_the_log_shows_no_whole_id(house: House, caplog: Any) -> None:
    accepted = house.uploaded()
    with caplog.at_level("INFO"):
        house.client.get(accepted["status_url"])
        house.client.delete(f"/upload/{accepted['id']}", headers={"Authorization": f"Bearer {accepted['owner_token']}"})
    assert accepted["id"][:8] in caplog.text
    assert accepted["id"] not in caplog.text
    assert accepted["owner_token"] not in caplog.text
