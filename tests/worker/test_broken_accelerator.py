"""An accelerator that breaks costs one attempt and the engine process; one that stays broken ends the worker."""

import psutil


def finished(job):
    return job.finished


def engine_process(worker):
    return psutil.Process(worker.engine._child.pid)


def test_a_broken_accelerator_costs_one_attempt_and_a_new_process_does_the_photo(start, send, until, eventually):
    accepted = send()
    worker = start("breaks_once", stall_s=20.0)
    eventually(lambda: worker.engine._child is not None)
    first = engine_process(worker)
    job = until(accepted, finished)
    assert (job.state, job.attempts) == ("done", 2)
    assert not first.is_running()
    assert engine_process(worker).is_running()


def test_photos_after_the_broken_one_meet_a_new_engine(start, send, until):
    first, second = send(), send()
    start("breaks_once", stall_s=20.0)
    assert until(first, finished).attempts + until(second, finished).attempts == 3


def test_an_accelerator_that_cannot_be_had_again_ends_the_worker_and_spends_no_further_attempt(start, send, ports):
    accepted = send()
    worker = start("breaks_for_good")
    assert worker.ended() == 3
    job = ports.ledger.read(accepted.job.id)
    assert (job.state, job.attempts, job.lease) == ("queued", 1, None)
    assert worker.heartbeat.state == "setup_failed"
    assert "No CUDA GPUs" in worker.heartbeat.detail


def test_an_accelerator_that_breaks_at_every_photo_fails_one_and_not_the_whole_queue(start, send, ports):
    sent = [send() for _ in range(4)]
    worker = start("breaks")
    assert worker.ended() == 3
    jobs = [ports.ledger.read(accepted.job.id) for accepted in sent]
    assert sum(job.attempts for job in jobs) == 4
    assert sum(job.state == "failed" for job in jobs) <= 1
    assert "4 times" in worker.heartbeat.detail
