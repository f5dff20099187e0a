"""The file that tells a worker's own machine how it is."""

import pytest

from jobs.errors import StoreBusy
from worker.pulse import Identity, Pulse


@pytest.fixture
def file(tmp_path):
    return tmp_path / "pulse"


def identity():
    return Identity(worker="slot0-1", slot=0, epoch=1)


def test_a_worker_shows_each_of_its_states_from_the_first_one_on(file, ports):
    pulse = Pulse(ports, identity(), file=file)
    assert file.read_text() == "starting"
    pulse.show("loading")
    assert file.read_text() == "loading"
    pulse.beat("ready")
    assert file.read_text() == "ready"
    assert list(file.parent.glob(".*")) == []


def test_each_beat_renews_the_file_though_the_state_stays(file, ports):
    pulse = Pulse(ports, identity(), file=file)
    before = file.stat().st_ino
    pulse.show("starting")
    assert file.stat().st_ino == before
    pulse.beat("starting")
    assert file.stat().st_ino != before


def test_a_worker_whose_store_is_away_still_lives_to_its_machine(file, ports, monkeypatch):
    pulse = Pulse(ports, identity(), file=file)

    def away(key):
        raise StoreBusy(key)

    monkeypatch.setattr(ports.table, "read", away)
    pulse.beat("busy")
    assert file.read_text() == "busy"


def test_a_file_that_cannot_be_written_is_told_and_stops_nobody(tmp_path, ports, caplog):
    pulse = Pulse(ports, identity(), file=tmp_path / "missing" / "pulse")
    pulse.beat("ready")
    assert "name a file in a folder that the worker may write to" in caplog.text


def test_a_running_worker_shows_what_it_does(start, send, until, eventually, tmp_path, file):
    accepted = send()
    worker = start("waits", pulse_file=str(file), heartbeat_s=0.2)
    eventually(lambda: file.exists() and file.read_text() == "busy")
    (tmp_path / "mark").touch()
    until(accepted, lambda job: job.finished)
    eventually(lambda: file.read_text() == "ready")
    worker.stop()
    assert file.read_text() == "draining"


def test_a_worker_that_cannot_be_set_up_shows_that(start, file):
    assert start("exits_on_load", pulse_file=str(file)).ended() == 3
    assert file.read_text() == "setup_failed"
