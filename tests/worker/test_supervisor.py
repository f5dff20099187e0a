"""One supervisor, real stores and codec, engines that misbehave each in its own way."""

import errno
import io
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from jobs import usual
from jobs.blobs import FolderBlobs
from jobs.heartbeat import heartbeats
from jobs.intake import withdraw
from jobs.patience import Patience, read_patience, write_patience
from jobs.queue import Depth
from jobs.sweep import sweep
from jobs.transitions import claim, lapse
from tests.worker.conftest import jpeg


def finished(job):
    return job.finished


def test_a_photo_becomes_bright_and_the_queue_empty(start, send, until, eventually, ports):
    accepted = send()
    start("bright")
    job = until(accepted, finished)
    assert (job.state, job.attempts, job.phase) == ("done", 1, None)
    with ports.blobs.open(job.result.key) as file:
        picture = Image.open(io.BytesIO(file.read()))
    assert picture.size == (64, 48) == (job.result.width, job.result.height)
    assert abs(int(np.asarray(picture)[24, 32, 0]) - 80) <= 2
    eventually(lambda: ports.queue.depth() == Depth(visible=0, in_flight=0))
    eventually(lambda: set(usual.usual(ports.table)) == set(usual.WAY) - {"in_line"})


def test_an_orientation_is_applied_to_the_result(start, send, until):
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48), (40, 40, 40)).save(file, "JPEG", exif=exif)
    job = send(file.getvalue(), orientation=6)
    start("bright")
    result = until(job, finished).result
    assert (result.width, result.height) == (48, 64)


def test_an_engine_that_dies_of_a_photo_costs_an_attempt_each_time_and_the_job_in_the_end(start, send, until):
    accepted = send()
    start("dies")
    job = until(accepted, finished)
    assert (job.state, job.attempts, job.error.code) == ("failed", 3, "no_attempts_left")


def test_an_engine_that_dies_once_is_replaced_and_the_job_done(start, send, until):
    accepted = send()
    start("dies_once")
    job = until(accepted, finished)
    assert (job.state, job.attempts) == ("done", 2)


def test_an_engine_that_hangs_is_replaced(start, send, until):
    accepted = send()
    start("hangs", stall_s=1.0)
    until(accepted, lambda job: job.attempts >= 2)


def test_an_engine_that_cannot_be_loaded_ends_the_worker_and_hands_the_job_back(start, send, ports):
    accepted = send()
    worker = start("exits_on_load")
    assert worker.ended() == 3
    job = ports.ledger.read(accepted.job.id)
    assert (job.state, job.attempts) == ("queued", 0)
    assert worker.heartbeat.state == "setup_failed"
    assert worker.heartbeat.detail


def test_a_photo_that_comes_to_a_worker_that_is_ending_goes_back_in_line(start, send, until, eventually, ports):
    first = send()
    worker = start("bright")
    until(first, finished)
    worker.stop()
    accepted = send()  # its last long poll still runs
    eventually(lambda: worker.supervisor._belt.closed)
    job = ports.ledger.read(accepted.job.id)
    assert (job.state, job.attempts) == ("queued", 0)
    assert ports.queue.depth() == Depth(visible=1, in_flight=0)


def test_a_worker_told_to_stop_hands_the_job_back_with_its_attempt(start, send, until, eventually, ports):
    accepted = send()
    worker = start("waits")
    until(accepted, lambda job: job.phase == "enhancing")
    assert worker.stop() == 0
    job = ports.ledger.read(accepted.job.id)
    assert (job.state, job.attempts, job.lease) == ("queued", 0, None)
    eventually(lambda: ports.queue.depth().visible == 1)  # its own last long poll may meet it first


def test_the_lease_and_the_message_outlast_long_work(start, send, until, ports, tmp_path):
    accepted = send()
    start("waits")
    job = until(accepted, lambda job: job.phase == "enhancing")
    first = job.lease.until_ms
    until(accepted, lambda job: job.lease.until_ms > first + 2 * 3000)
    sweep(ports)
    assert ports.queue.depth().visible == 0
    (tmp_path / "mark").touch()
    job = until(accepted, finished)
    assert (job.state, job.attempts) == ("done", 1)


def test_progress_is_told_while_the_network_works(start, send, until, tmp_path):
    accepted = send()
    start("waits")
    assert 0 < until(accepted, lambda job: job.progress > 0).progress < 1
    (tmp_path / "mark").touch()
    assert until(accepted, finished).progress == 1


def test_the_next_photo_is_decoded_while_one_is_enhanced(start, send, until, tmp_path):
    first, second = send(), send()
    start("waits")
    until(first, lambda job: job.phase == "enhancing")
    until(second, lambda job: job.phase == "decoding")
    (tmp_path / "mark").touch()
    assert until(first, finished).state == until(second, finished).state == "done"


def test_from_its_second_attempt_a_job_runs_alone(start, send, until, ports, tmp_path):
    suspect = send()
    ledger = ports.ledger
    for step in (
        lambda job: claim(job, token="gone", holder="gone", now=ports.clock(), terms=ledger.terms),
        lambda job: lapse(job, token="gone", now=ports.clock(), terms=ledger.terms),
    ):
        ledger.change(suspect.job.id, step)
    start("waits")
    until(suspect, lambda job: job.phase == "enhancing")
    other = send()
    until(suspect, lambda job: job.progress > 0.3)  # time enough to fetch the other one
    (tmp_path / "mark").touch()
    ended = until(suspect, finished)
    assert (ended.state, ended.attempts) == ("done", 2)
    assert until(other, finished).started_ms >= ended.ended_ms


def test_a_cancelled_photo_is_never_published(start, send, until, ports, tmp_path):
    accepted = send()
    start("waits")
    until(accepted, lambda job: job.phase == "enhancing")
    withdraw(ports, accepted.job.id, accepted.owner_token)
    other = send()
    until(other, lambda job: job.phase == "enhancing")  # the engine was freed at once
    (tmp_path / "mark").touch()
    until(other, finished)
    job = ports.ledger.read(accepted.job.id)
    assert (job.state, job.result) == ("cancelled", None)
    assert not list(ports.blobs.keys(f"out/{job.id}/"))


def test_a_photo_that_cannot_be_read_fails_with_a_sentence_and_the_next_one_is_done(start, send, until):
    broken = send(jpeg()[:200])
    good = send()
    start("bright")
    failed = until(broken, finished)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert failed.error.code == "unreadable_photo"
    assert failed.error.detail
    assert until(good, finished).state == "done"


def test_a_photo_whose_bytes_changed_in_the_store_fails(start, send, until, ports):
    accepted = send()
    ports.blobs.put(accepted.job.source_key, io.BytesIO(jpeg(level=90)))
    start("bright")
    assert until(accepted, finished).error.code == "source_lost"


def test_a_full_disk_costs_a_photo_a_wait_and_no_attempt(start, send, until, ports, monkeypatch):
    accepted = send()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FolderBlobs, "put", full)
    start("bright")
    job = until(accepted, lambda job: job.epoch >= 1 and job.state == "queued")
    assert (job.attempts, job.lease) == (0, None)
    assert ports.queue.depth() == Depth(visible=0, in_flight=1)
    monkeypatch.undo()
    job = until(accepted, finished)
    assert (job.state, job.attempts) == ("done", 1)


def test_an_idle_worker_ends_by_itself(start):
    worker = start("bright", idle_s=0.3)
    assert worker.ended() == 0
    assert worker.heartbeat.state == "draining"


def test_advice_stretches_the_idle_time_and_no_further_than_the_operator_allows(start, eventually, ports):
    write_patience(ports.table, Patience(idle_s=3600.0))
    advised = start("bright", idle_s=0.05, idle_most_s=60.0)
    bounded = start("bright", idle_s=0.05, idle_most_s=0.1)
    assert bounded.ended() == 0
    eventually(lambda: advised.heartbeat.state == "ready")
    write_patience(ports.table, replace(read_patience(ports.table), idle_s=0.0))
    assert advised.ended() == 0


def test_a_worker_whose_visitor_has_left_ends_before_its_time(start, send, until, ports):
    write_patience(ports.table, Patience(idle_s=3600.0))
    worker = start("bright", idle_least_s=0.05, idle_s=3600.0)
    job = until(send(), finished)
    known = read_patience(ports.table)
    long_ago_ms = job.created_ms - 60_000
    write_patience(ports.table, replace(known, left_ms=long_ago_ms, deserted_ms=job.created_ms))
    assert worker.ended() == 0


def test_under_none_an_idle_worker_stays(start, send, until):
    worker = start("bright", idle_s=0.1, fleet="none:")
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        assert worker.thread.is_alive()
        time.sleep(0.05)
    assert until(send(), finished).state == "done"


def test_heartbeats_tell_the_states_in_the_words_of_the_contract(start, send, until, eventually, ports, tmp_path):
    worker = start("waits")
    accepted = send()
    seen = set()

    def is_busy():
        seen.update(one.state for one in heartbeats(ports.table, since_ms=0))
        return "busy" in seen

    eventually(is_busy)
    assert seen <= {"loading", "ready", "busy"}
    (tmp_path / "mark").touch()
    until(accepted, finished)
    worker.stop()
    assert worker.heartbeat.state == "draining"


@pytest.mark.parametrize(
    ("format_", "depth", "wanted"), [("jpeg", 16, 8), ("png", 16, 16), ("png", 8, 8), ("tiff", 8, 16)]
)
def test_a_result_has_16_bits_where_format_and_photo_do(format_, depth, wanted):
    from photos.facts import PhotoFacts
    from worker.assignment import output_depth

    facts = PhotoFacts(
        format="png", width=64, height=48, orientation=1, layout="rgb", depth=depth, grey=False, alpha=False
    )
    assert output_depth(facts, format_) == wanted
