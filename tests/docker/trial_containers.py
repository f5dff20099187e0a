"""What the images must do, in containers locked in as compose.yaml has them; `make try-images` builds and runs them."""

import io
import os
import re
import shutil
import signal
import statistics
import tempfile
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image

from tests.docker.containers import Api, Container, Worker, waited
from tests.photos.heic import heic
from tests.photos.making import dng, many_scans, png, saved, scene, tiff

USER = 10001
LZW = 5
API_PROCESSES = 2
QUICK = {"HEARTBEAT_S": "0.5", "LEASE_S": "3", "TICK_S": "0.5"}
DARK = scene(480, 640) // 6
DEEP = (DARK.astype(np.uint16) << 8) + 77


def three(grey):
    return [grey, np.full_like(grey, 1 << 7), np.full_like(grey, 1 << 7)]


def counts():
    """A dark Bayer mosaic, a little above the black level of `dng`."""
    return (np.random.default_rng(1).integers(0, 600, (480, 640)) + 540).astype(np.uint16)


PHOTOS = {
    "jpeg": lambda: saved(DARK, "JPEG", quality=92),
    "png": lambda: saved(DARK, "PNG"),
    "png of 16 bits": lambda: png(DEEP, 2, 16),
    "webp": lambda: saved(DARK, "WEBP"),
    "tiff": lambda: tiff(DARK),
    "tiff of 16 bits": lambda: tiff(DEEP, compression="deflate"),
    "tiff of 16 bits in lzw": lambda: cv2.imencode(".tiff", DEEP, [cv2.IMWRITE_TIFF_COMPRESSION, LZW])[1].tobytes(),  # noqa: PLW0108
    "avif": lambda: saved(DARK, "AVIF", quality=90),
    "heic": lambda: heic(three(DARK[..., 0])),
    "raw": lambda: dng(counts(), "RGGB"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders():
    """(data, pulse) folders that the containers' user owns."""
    top = Path(tempfile.mkdtemp(prefix="firstlight-trial-"))
    top.chmod(0o755)
    made = top / "data", top / "pulse"
    for each in made:
        each.mkdir()
        os.chown(each, USER, USER)
    yield made
    shutil.rmtree(top)


@pytest.fixture(scope="module")
def api(folders):
    with Api(data=folders[0], **QUICK) as api:
        waited("the API answers", api.answers)
        yield api


@pytest.fixture(scope="module")
def tick(folders, api):
    with Container("firstlight-api:latest", "tick", data=folders[0], memory="256m", **QUICK) as tick:
        yield tick


@pytest.fixture
def worker(folders, api, tick):
    with Worker(data=folders[0], pulse=folders[1], **QUICK) as worker:
        waited("the worker is ready", lambda: worker.says("ready"))
        yield worker


def bright(result):
    picture = Image.open(io.BytesIO(result))
    return float(np.asarray(picture.convert("RGB"), np.float32).mean())


def test_every_format_comes_back_bright(api, worker):
    jobs = {name: api.upload(make(), name="night") for name, make in PHOTOS.items()}
    for name, job in jobs.items():
        ended = api.ended(job)
        assert ended["state"] == "done", (name, ended["error"], worker.logs()[-2000:])
        assert bright(api.result(job)) > 40, name
    assert "photos are read without" not in worker.logs()  # the sandbox has all its layers in here


def test_the_page_and_its_parts_are_served(api):
    page = api.get("/")
    assert 'id="page"' in page.text, "the plain form is there, not the built page"
    parts = re.findall(r'"(/assets/[\w.-]+)"', page.text)
    assert {Path(each).suffix for each in parts} == {".js", ".css"}
    for each in parts:
        part = api.get(each)
        assert len(part.content) > 1000
        assert "immutable" in part.headers["Cache-Control"]
        assert part.headers["Content-Encoding"] in ("gzip", "br"), "it was not compressed by the build"


@pytest.mark.parametrize("format_", ["png", "webp", "tiff"])
def test_every_format_can_be_asked_for(api, worker, format_):
    job = api.upload(PHOTOS["tiff of 16 bits"](), format=format_)
    assert api.ended(job)["state"] == "done"
    assert Image.open(io.BytesIO(api.result(job))).format.lower() == format_


def test_a_container_has_no_power_and_writes_nowhere_else(api, worker):
    for container in (api, worker):
        status = container.run("cat", "/proc/1/status").stdout
        facts = dict(line.split(":", 1) for line in status.splitlines())
        assert facts["Uid"].split() == [str(USER)] * 4
        assert {int(facts[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert facts["NoNewPrivs"].strip() == "1"
        assert container.run("touch", "/app/here", check=False).returncode != 0
        assert "firstlight, version" in container.run("firstlight", "--version").stdout
        for gone in ("pip", "gcc", "node", "npm", "apt-get update"):
            assert container.run("sh", "-c", gone, check=False).returncode != 0
        assert container.run("python", "-c", "import pip", check=False).returncode != 0


def test_health_tells_a_working_container_from_a_stopped_one(api, tick, worker):
    check = ("python", "-ISs", "/app/docker/health.py")
    assert api.run(*check, "api").stdout == "fine\n"
    assert worker.run(*check, "worker").stdout == "fine\n"
    waited(
        "the tick has shown itself",
        lambda: tick.run("python", "/app/docker/health.py", "tick", check=False).returncode == 0,
    )
    supervisor = worker.named("-m worker")[0]
    supervisor.suspend()
    waited("the silence is seen", lambda: worker.run(*check, "worker", check=False).returncode == 1)
    supervisor.resume()
    waited("the voice is heard", lambda: worker.run(*check, "worker", check=False).returncode == 0)


def test_the_dead_leave_no_zombies(api, worker):
    """A decoder outlives its zygote as an orphan, and dies of it; whoever is PID 1 has to bury it."""
    job = api.upload(many_scans(5000, 60))
    decoder = waited("a decoder is at work", lambda: _decoders(worker))
    for container in (worker, api):
        for zygote in _zygotes(container):
            os.kill(zygote.pid, signal.SIGKILL)
    waited("it is gone and buried", lambda: not psutil.pid_exists(decoder[0].pid))
    ended = api.ended(job)
    assert ended["state"] in ("done", "failed"), ended
    job = api.upload(PHOTOS["jpeg"]())
    assert api.ended(job)["state"] == "done"
    for container in (worker, api):
        waited("all are buried", lambda each=container: all(one.status() != "zombie" for one in each.processes()))


def _zygotes(container):
    """Not their children, whose command line is the same."""
    named = container.named("photos.zygote")
    return [each for each in named if each.ppid() not in {one.pid for one in named}]


def _decoders(container):
    named = container.named("photos.zygote")
    return [each for each in named if each.ppid() in {one.pid for one in named}]


def large():
    """Takes this machine long enough to be met in the middle."""
    return saved(np.tile(DARK, (10, 10, 1)), "JPEG", quality=90)


def test_sigterm_hands_the_photo_back_and_the_next_worker_makes_it(api, tick, worker, folders):
    job = api.upload(large())
    waited("the work has begun", lambda: api.status(job)["state"] == "running")
    status, seconds = worker.stop(30)
    assert status == 0
    assert seconds < 20, "it was killed"
    assert api.status(job)["state"] == "queued"
    with Worker(data=folders[0], pulse=folders[1], **QUICK):
        ended = api.ended(job)
    assert (ended["state"], ended["attempts"]) == ("done", 1)
    print(f"\nSIGTERM in the middle of a photo → the container has ended: {seconds:.2f} s")


def test_a_sigterm_during_the_first_imports_is_heard(folders):
    """PID 1 has no default action for signals; tini is there, and the program behind it has."""
    with Worker(data=folders[0], pulse=folders[1]) as worker:
        waited("Python has been started", lambda: worker.named("-m worker"))
        status, seconds = worker.stop(30)
    assert status in (0, 128 + signal.SIGTERM)
    assert seconds < 20, "it was killed"


def test_a_killed_container_costs_an_attempt_and_no_photo(api, tick, worker, folders):
    job = api.upload(large())
    waited("the work has begun", lambda: api.status(job)["state"] == "running")
    worker.kill()
    with Worker(data=folders[0], pulse=folders[1], **QUICK):
        ended = api.ended(job)
    assert (ended["state"], ended["attempts"]) == ("done", 2)


def test_the_api_ends_in_order(folders):
    with Api(data=folders[0]) as api:
        waited("the API answers", api.answers)
        waited("uWSGI's processes have loaded", lambda: len(_zygotes(api)) == API_PROCESSES)  # before, they are deaf
        status, seconds = api.stop(80)
    assert status == 0
    print(f"\nSIGTERM → the API has ended: {seconds:.2f} s")


def test_start_to_ready_is_measured(folders, api):
    """Five of each, graphs kept by an earlier start; the engine's own start is within."""
    apis, workers = [], []
    for _ in range(5):
        with Api(data=folders[0]) as another:
            waited("the API answers", another.answers)
            apis.append((another.sofar(), another.cpu_s()))
        with Worker(data=folders[0], pulse=folders[1]) as another:
            waited("the worker is ready", lambda: another.says("ready"))
            workers.append((another.sofar(), another.cpu_s()))
    for name, pairs in (("API", apis), ("worker", workers)):
        for unit, figures in zip(("s", "CPU s"), zip(*pairs, strict=True), strict=True):
            middle, least, most = statistics.median(figures), min(figures), max(figures)
            print(f"\nstart → ready, {name}: {middle:.2f} {unit} ({least:.2f}–{most:.2f})")


@pytest.mark.skipif(not os.environ["FIRSTLIGHT_GPU_IMAGE"], reason="built with --torch only")
def test_the_gpu_flavour_works_on_a_cpu_too(api, folders):
    with Worker(data=folders[0], pulse=folders[1], flavour="gpu", **QUICK) as worker:
        waited("PyTorch is ready", lambda: worker.says("ready"))
        print(f"\nstart → ready, worker with PyTorch: {worker.sofar():.2f} s")
        job = api.upload(PHOTOS["jpeg"]())
        assert api.ended(job)["state"] == "done"
        assert "torch engine ready" in worker.logs()
