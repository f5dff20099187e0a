"""Kills, hangs, floods and cramped machines: nothing accepted is lost, and the service goes on."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from bench.nights import night_jpeg
from bench.service import ROOT, Service, free_port, service
from tests.e2e.conftest import light, opened
from tests.photos.making import many_scans

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Far shorter than in life, and far longer than a healthy engine's silence on a machine that is busy with other things.
QUICK = {"HEARTBEAT_S": 0.5, "LEASE_S": 5, "STALL_S": 10, "TICK_S": 0.5}
LARGE = night_jpeg(6000, 4000)  # seconds of work: time enough to break something in the middle


def enhancing(running, job_id, bound_s=60):
    """Wait until the network works on this job."""
    ends = time.monotonic() + bound_s
    while time.monotonic() < ends:
        status = running.status(job_id)
        if status["phase"] == "enhancing" and status["progress"] > 0:
            return
        assert status["state"] in ("queued", "running"), status
    raise AssertionError(f"never enhancing: {status}\n{running.logs()}")


def test_a_worker_killed_in_mid_job_costs_an_attempt_and_nothing_else():
    with service(**QUICK) as running:
        accepted = running.upload(LARGE)
        enhancing(running, accepted["id"])
        for pid in running.processes(running="-m worker --slot"):
            os.kill(pid, signal.SIGKILL)
        status = running.finished(accepted["id"])
        assert (status["state"], status["attempts"]) == ("done", 2)
        assert not [pid for pid in running.processes(running="worker.engine_child") if zombie(pid)]


def test_a_stopped_engine_is_replaced():
    with service(**QUICK) as running:
        accepted = running.upload(LARGE)
        enhancing(running, accepted["id"])
        (engine,) = running.processes(running="worker.engine_child")
        os.kill(engine, signal.SIGSTOP)
        status = running.finished(accepted["id"])
        assert (status["state"], status["attempts"]) == ("done", 2), f"{status}\n{running.logs()}"
        assert engine not in running.processes(running="worker.engine_child")


def test_a_stopped_worker_is_replaced():
    with service(**QUICK) as running:
        accepted = running.upload(LARGE)
        enhancing(running, accepted["id"])
        (worker,) = running.processes(running="-m worker --slot")
        os.kill(worker, signal.SIGSTOP)
        status = running.finished(accepted["id"])
        assert (status["state"], status["attempts"]) == ("done", 2)


def test_killed_api_processes_forget_nothing():
    with service(**QUICK) as running:
        running.warm()
        accepted = [running.upload(night_jpeg(640, 480, seed=seed)) for seed in range(5)]
        for pid in running.processes(running="pyuwsgi"):
            if "pyuwsgi" in Path(f"/proc/{psutil.Process(pid).ppid()}/cmdline").read_text(errors="replace"):
                os.kill(pid, signal.SIGKILL)  # the children; their master starts new ones
        for each in accepted:
            assert until_answered(lambda each=each: running.finished(each["id"]))["state"] == "done"
            assert light(opened(until_answered(lambda each=each: running.result(each["id"])))) > 0


def test_a_whole_service_killed_goes_on_where_it_was(tmp_path):
    stores = {
        "BLOBS": f"file:{tmp_path}/blobs",
        "QUEUE": f"sqlite:{tmp_path}/jobs.db",
        "TABLE": f"sqlite:{tmp_path}/jobs.db",
        "FLEET": f"process:{tmp_path}/machines",
    }
    with service(**QUICK, **stores) as running:
        accepted = running.upload(LARGE)
        for process in family(running):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    with service(**QUICK, **stores) as running:
        assert running.finished(accepted["id"])["state"] == "done"


def test_a_photo_that_cannot_be_decoded_fails_with_a_sentence_and_the_service_goes_on():
    with service(**QUICK) as running:
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 60, (2000, 2000, 3), np.uint8)).save(file, "JPEG")
        truncated = file.getvalue()[: len(file.getvalue()) // 2]
        broken = running.upload(truncated)
        good = running.upload(night_jpeg(640, 480))
        status = running.finished(broken["id"])
        assert status["state"] == "failed"
        assert status["error"]["title"]
        assert status["error"]["cure"]
        assert running.finished(good["id"])["state"] == "done"


def test_a_photo_that_gets_its_decoder_killed_fails_at_once_and_the_service_goes_on():
    with service(**QUICK, CODEC_S=2) as running:
        for _ in range(4):  # a decoder that hardly computed is tried again: the machine was too busy to tell
            killer = running.upload(many_scans(4000, 2000))
            good = running.upload(night_jpeg(640, 480))
            status = running.finished(killer["id"])
            if status["attempts"] == 1:
                break
        assert (status["state"], status["attempts"]) == ("failed", 1)
        assert status["error"]["code"] == "photo_too_slow"
        assert status["error"]["cure"]
        assert running.finished(good["id"])["state"] == "done"


def test_a_decoder_killed_from_outside_never_takes_the_service_along():
    with service(**QUICK) as running:
        running.warm()
        for pid in running.processes(running="photos.zygote"):
            os.kill(pid, signal.SIGKILL)
        accepted = until_answered(lambda: running.upload(night_jpeg(640, 480)))
        assert running.finished(accepted["id"])["state"] == "done"


def test_two_simultaneous_uploads_start_one_machine():
    with service(**QUICK) as running:
        photo = night_jpeg(640, 480)
        gate = threading.Barrier(2)
        accepted = []

        def send():
            gate.wait()
            accepted.append(running.upload(photo))

        senders = [threading.Thread(target=send) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        seen = set()
        while any(running.status(each["id"])["state"] in ("queued", "running") for each in accepted):
            seen |= {command for pid in running.processes(running="-m worker --slot") if (command := command_of(pid))}
        assert len(seen) == 1  # a process about to become another program still has its parent's command line


def test_the_service_ends_with_everything_it_started():
    with service(**QUICK) as running:
        running.warm()
        children = family(running)
        assert len(children) >= 5
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


@pytest.fixture
def terminal():
    """Processes that hear of a closed terminal, although these tests may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("terminal")
def test_a_closed_terminal_ends_everything_too():
    with service(**QUICK) as running:
        running.warm()
        children = family(running)
        running.process.send_signal(signal.SIGHUP)
        _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


@pytest.mark.parametrize("wanted", [2, 5], ids=["while uWSGI starts", "while the app is loaded"])
def test_ctrl_c_at_the_very_start_ends_everything_at_once(tmp_path, wanted):
    stores = {"BLOBS": "file:blobs", "QUEUE": "sqlite:jobs.db", "TABLE": "sqlite:jobs.db", "FLEET": "process:machines"}
    places = {name: value.replace(":", f":{tmp_path}/") for name, value in stores.items()}
    environ = {**os.environ, **places, "SPOOL": f"{tmp_path}/spool", "PORT": str(free_port())}
    command = [Path(sys.prefix, "bin", "python"), "-m", "cli", "up"]
    with subprocess.Popen(command, cwd=ROOT, env=environ) as process:
        running = Service(url="", folder=tmp_path, process=process)
        ends = time.monotonic() + 30
        while len(children := family(running)) < wanted and time.monotonic() < ends:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
        assert process.wait(30) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is told on Linux only")
def test_the_service_ends_with_a_killed_parent():
    with service(**QUICK) as running:
        children = family(running)
        running.process.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive


@pytest.mark.skipif(sys.platform != "linux", reason="memory files and mount namespaces are Linux's")
def test_it_works_with_64_megabytes_of_shared_memory():
    if os.geteuid() == 0:
        space = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"', "sh")
    else:
        space = ("unshare", "--mount", "--map-root-user", "sh", "-c")
        space += ('mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"', "sh")
    with service(prefix=space, **QUICK) as running:
        accepted = running.upload(LARGE)
        assert running.finished(accepted["id"])["state"] == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="setpriv is Linux's")
def test_it_works_without_root_and_as_root():
    # Root's tests run it as nobody, who keeps one power: to read a Python that lies in root's home.
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    nobody += ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    user = nobody if os.geteuid() == 0 else ()
    with service(prefix=user, world=True, SANDBOX="strict", **QUICK) as running:
        accepted = running.upload(night_jpeg(640, 480))
        assert running.finished(accepted["id"])["state"] == "done"
        for process in family(running):
            assert os.geteuid() != 0 or process.uids().real == 65534


def family(running):
    """Every process of a service but the one that is told to end, workers in sessions of their own included."""
    found = {process.pid: process for process in psutil.Process(running.process.pid).children(recursive=True)}
    for pid in running.processes(running=""):
        with suppress(psutil.NoSuchProcess):
            found.setdefault(pid, psutil.Process(pid))
    found.pop(running.process.pid, None)
    return list(found.values())


def zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_of(pid):
    """Its command line; nothing once it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def until_answered(ask, bound_s=60):
    """Ask again while the service restarts a process."""
    ends = time.monotonic() + bound_s
    while True:
        try:
            return ask()
        except (requests.ConnectionError, requests.HTTPError):
            if time.monotonic() > ends:
                raise
