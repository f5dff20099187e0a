"""A worker's start: what goes on beside what, and what of it is not there to be imported."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from photos.codec import Codec
from photos.facts import PhotoFacts
from worker.engine import EngineProcess, SetupFailed

ROOT = Path(__file__).resolve().parents[2]
READY = {  # process → what it has imported when it is ready
    "supervisor": "import worker.__main__, worker.shift",
    "engine": "from worker.lean_import import lean\n"
    "import worker.engine_child\n"
    "with lean():\n"
    "    from model.engine import load_engine\n"
    "    load_engine('openvino', threads=1)",
    "zygote": "import photos.zygote, photos.operations, photos.trial\nphotos.operations.prepare()",
}
NEVER = {  # process → what its first photo does not need
    "supervisor": "numpy PIL cv2 rawpy tifffile simplejpeg openvino torch boto3 botocore flask click pydantic asyncio "
    "concurrent multiprocessing http.client urllib.request email ssl xml unittest",
    "engine": "PIL cv2 rawpy tifffile simplejpeg torch openvino.tools openvino_telemetry boto3 flask click argparse "
    "sqlite3 asyncio concurrent multiprocessing http email ssl xml unittest jobs",
    "zygote": "openvino torch boto3 flask click sqlite3 asyncio multiprocessing http email ssl unittest jobs worker "
    "model PIL.EpsImagePlugin PIL.FitsImagePlugin PIL.PsdImagePlugin PIL.Jpeg2KImagePlugin PIL.IcoImagePlugin",
}
FACTS = PhotoFacts(format="jpeg", width=64, height=48, orientation=1, layout="rgb", depth=8, grey=False, alpha=False)
MOST = {"supervisor": 230, "engine": 360, "zygote": 380}  # modules, Python's own included


@pytest.fixture
def imported():
    def imported(process):
        program = f"{READY[process]}\nimport sys\nprint(*(name for name, module in sys.modules.items() if module))"
        said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
        return set(said.stdout.split())

    return imported


@pytest.mark.parametrize("process", READY)
def test_a_process_imports_nothing_that_its_first_photo_does_not_need(imported, process):
    found = imported(process)
    needless = {name for name in found for never in NEVER[process].split() if f"{name}.".startswith(f"{never}.")}
    assert needless == set()
    assert len(found) <= MOST[process]


def test_the_first_photo_is_fetched_and_decoded_while_the_engine_loads(start, send, until, tmp_path):
    accepted = send()
    worker = start("loads_slowly")
    job = until(accepted, lambda job: job.phase == "decoding")
    assert worker.heartbeat.state == "loading"
    (tmp_path / "mark").touch()
    job = until(accepted, lambda job: job.finished)
    assert (job.state, job.attempts) == ("done", 1)


def test_a_photo_claimed_before_the_sandbox_was_refused_goes_back_with_its_attempt(start, send, ports, tmp_path):
    python = tmp_path / "python"
    script = ROOT / "tests" / "worker" / "refusing_zygote.py"
    python.write_text(f'#!/bin/sh\nshift 3\nexec env PYTHONPATH={ROOT} {sys.executable} {script} "$@"\n')
    python.chmod(0o755)
    accepted = send()
    with Codec(sandbox="strict", python=str(python)) as codec:
        worker = start("bright", codec=codec)
        assert worker.ended() == 3
    assert worker.desk.last_job_ms > 0, "the photo came before the refusal"
    job = ports.ledger.read(accepted.job.id)
    assert (job.state, job.attempts) == ("queued", 0)
    assert "SANDBOX=strict is not possible here" in worker.heartbeat.detail


def test_an_engine_hears_what_photo_comes_and_may_fail_to_prepare(start, send, until, tmp_path):
    accepted = send()
    start("foresees")
    assert until(accepted, lambda job: job.finished).state == "done"
    assert (tmp_path / "mark").read_text() == "rgb 64x48 8 8"


def test_an_engine_takes_its_photo_while_it_still_prepares_for_it(start, send, until, tmp_path):
    accepted = send()
    start("prepares_beside", stall_s=20.0)
    assert until(accepted, lambda job: job.finished).state == "done"
    assert (tmp_path / "mark").read_text() == "beside"


@pytest.fixture
def engine(tmp_path):
    made = []

    def engine(name):
        module = f"tests.worker.engines.{name}"
        made.append(EngineProcess(engine=str(tmp_path / "mark"), threads=1, stall_s=20, load_s=20, module=module))
        return made[-1]

    yield engine
    for each in made:
        each.stop()


def test_a_launched_engine_loads_before_anybody_waits_for_it(engine, tmp_path):
    process = engine("loads_slowly")
    process.launch()
    child = process._child.pid
    waiting = threading.Thread(target=process.start)
    waiting.start()
    (tmp_path / "mark").touch()
    waiting.join(30)
    assert (process.name, process._child.pid) == ("stand-in", child)
    process.start()
    assert process._child.pid == child


def test_a_launched_engine_that_cannot_be_loaded_is_tried_once_more_and_told(engine):
    process = engine("exits_on_load")
    process.launch()
    with pytest.raises(SetupFailed):
        process.start()


def test_a_hint_to_an_engine_that_is_gone_is_lost(engine):
    process = engine("bright")
    process.start()
    process.stop()
    process.expect(FACTS, depth=8)
    process.start()
    assert process.name == "stand-in"


def test_an_engine_that_cannot_be_loaded_leanly_is_loaded_whole(engine):
    process = engine("loads_whole_only")
    process.start()
    assert process.name == "stand-in"
