"""Photos that came straight into the store: the worker is the first to read them."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from photos.facts import PhotoFacts
from tests.worker.conftest import jpeg


@pytest.fixture
def bring(send, ports):
    """Have a photo in the store that nobody has read; the job."""

    def bring(photo, format_="jpeg"):
        accepted = send(photo)
        version = ports.blobs.look(accepted.job.source_key, first=1).version

        def unread(job):
            return replace(job, photo={}, source_sha256="", source_version=version, format=format_)

        ports.ledger.change(accepted.job.id, unread)
        return accepted

    return bring


def test_a_photo_that_nobody_had_read_becomes_bright_and_is_described(start, bring, until):
    accepted = bring(jpeg(80, 60))
    start("bright")
    job = until(accepted, lambda job: job.finished)
    assert (job.state, job.result.width, job.result.height) == ("done", 80, 60)
    assert PhotoFacts.from_json(job.photo).width == 80
    assert len(job.source_sha256) == 64


def test_what_is_no_photo_fails_with_a_sentence_and_costs_no_second_attempt(start, bring, until):
    accepted = bring(b"\xff\xd8\xff\xe0" + bytes(500))
    start("bright")
    job = until(accepted, lambda job: job.finished)
    assert (job.state, job.attempts, job.error.code) == ("failed", 1, "unreadable_photo")
    assert job.error.detail


def test_a_photo_that_does_not_fit_its_result_fails_before_the_work(start, bring, until):
    file = io.BytesIO()
    Image.new("L", (17000, 16), 40).save(file, "PNG")
    accepted = bring(file.getvalue(), "webp")
    start("bright")
    job = until(accepted, lambda job: job.finished)
    assert (job.state, job.error.code) == ("failed", "bad_format")


def test_bytes_that_were_swapped_after_the_confirmation_are_not_enhanced(start, bring, until, ports):
    accepted = bring(jpeg(80, 60))
    ports.blobs.put(accepted.job.source_key, io.BytesIO(jpeg(90, 60)))
    start("bright")
    job = until(accepted, lambda job: job.finished)
    assert (job.state, job.error.code) == ("failed", "source_lost")
