"""A job's row: written and read whole, by this release, the one before and the one after."""

from __future__ import annotations

import json

import pytest

from jobs.job import FORMATS, Job, JobError, Lease, job_key
from tests.jobs.made import NOW, a_job, a_result


def test_a_job_is_read_as_it_was_written() -> None:
    job = a_job(
        state="done",
        phase=None,
        ratio=2.5,
        attempts=2,
        lease=Lease(token="t", holder="w", until_ms=NOW),
        result=a_result("t"),
        error=JobError(code="internal", detail="ä"),
        ended_ms=NOW,
    )
    assert Job.from_json(job.to_json()) == job


def test_fields_of_a_newer_release_are_kept_when_this_one_writes() -> None:
    row = json.loads(a_job().to_json()) | {"colour": "teal", "v": 2}
    job = Job.from_json(json.dumps(row))
    assert job.unknown == {"colour": "teal"}
    assert json.loads(job.to_json()) == row


def test_parts_of_a_newer_release_do_not_make_a_row_unreadable() -> None:
    row = json.loads(a_job(lease=Lease(token="t", holder="w", until_ms=NOW)).to_json())
    row["lease"]["zone"] = "b"
    assert Job.from_json(json.dumps(row)).lease == Lease(token="t", holder="w", until_ms=NOW)


def test_a_row_of_the_first_release_stays_readable() -> None:
    row = (
        '{"id":"a","v":1,"version":3,"state":"running","phase":"enhancing","phase_since_ms":1,"progress":0.5,'
        '"created_ms":1,"started_ms":2,"ended_ms":null,"deadline_ms":9,"expires_ms":10,"ratio":4.0,"format":"png",'
        '"photo":{"format":"raw"},"source_key":"in/a","source_size":5,"source_sha256":"s","result":null,"error":null,'
        '"attempts":1,"epoch":1,"lease":{"token":"t","holder":"w","until_ms":7},"owner_sha256":"o","visitor":"v",'
        '"sent_ms":1,"sends":1,"deleted":false}'
    )
    job = Job.from_json(row)
    assert (job.state, job.phase, job.lease and job.lease.token, job.unknown) == ("running", "enhancing", "t", {})


def test_fields_with_a_default_may_be_missing() -> None:
    row = json.loads(a_job().to_json())
    for name in ("sends", "deleted", "epoch", "progress"):
        del row[name]
    assert Job.from_json(json.dumps(row)) == a_job()


@pytest.mark.parametrize("text", ["{}", '{"id": "a"}', "no json", '{"id": "a", "lease": 5}', "5", "null", "[1]"])
def test_what_is_no_job_is_said(text: str) -> None:
    with pytest.raises(ValueError):
        Job.from_json(text)


def test_every_output_format_has_its_own_media_type_and_suffix() -> None:
    assert set(FORMATS) == {"jpeg", "png", "webp", "tiff"}
    assert len({kind for kind, _ in FORMATS.values()}) == len({suffix for _, suffix in FORMATS.values()}) == 4


def test_the_key_names_the_row() -> None:
    assert job_key("a") == "job/a"
