"""Lean imports leave out what nobody asks for, and nothing that somebody does."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from worker.lean_import import lean

ROOT = Path(__file__).resolve().parents[2]
PICTURE = """
import contextlib, hashlib, sys
import numpy as np
from photos.raster import Raster
from worker.lean_import import lean
with lean() if sys.argv[2] == "lean" else contextlib.nullcontext():
    from model.engine import load_engine
    engine = load_engine(sys.argv[1], threads=1)
dark = np.random.default_rng(0).integers(0, 40, (96, 128, 3), np.uint8)
out = np.zeros_like(dark)
raster = Raster(layout="rgb", width=128, height=96, depth=8, curve="srgb", white=255.0)
engine.enhance(dark, raster, 8.0, out, lambda _: None)
print(hashlib.sha256(out.tobytes()).hexdigest())
"""


@pytest.fixture
def run(tmp_path):
    def run(program, *arguments):
        command = [sys.executable, "-c", program, *arguments]
        environ = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    return run


def test_a_module_for_later_loads_itself_when_something_in_it_is_asked_for(run, tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("from torch import export\nimport torch.optim as optim\n")
    (tmp_path / "torch/export.py").write_text("print('export is loaded')\nvalue = 1\n")
    (tmp_path / "torch/optim.py").write_text("print('optim is loaded')\nfrom torch.export import value\n")
    said = run(
        "from worker.lean_import import lean\n"
        "with lean():\n    import torch\n"
        "assert not hasattr(torch.export, '__wrapped__')\n"
        "print('torch is imported')\n"
        "print(torch.optim.value, torch.optim.value, hasattr(torch.optim, 'nothing'))\n"
    )
    wanted = ["torch is imported", "optim is loaded", "export is loaded", "1 1 False"]
    assert said.stdout.splitlines() == wanted, said.stderr


def test_outside_the_block_imports_are_as_always(run, tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("")
    (tmp_path / "torch/export.py").write_text("print('export is loaded')\n")
    said = run("from worker.lean_import import lean\nwith lean():\n    pass\nimport torch.export\nprint('imported')\n")
    assert said.stdout.splitlines() == ["export is loaded", "imported"], said.stderr


def test_garbage_is_collected_again_afterwards():
    assert gc.isenabled()
    with lean():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.parametrize("engine", ["openvino", pytest.param("torch", marks=pytest.mark.slow)])
def test_a_lean_engine_makes_the_same_picture(run, engine):
    said = [run(PICTURE, engine, how) for how in ("lean", "whole")]
    assert len(said[0].stdout) > 64, said[0].stderr
    assert said[0].stdout == said[1].stdout


@pytest.mark.slow
def test_enhancing_with_torch_asks_for_nothing_that_was_put_off(run):
    woken = (
        "from worker.lean_import import LATER\n"
        "put_off = {name: type(sys.modules[name]).__name__ for name in LATER if name in sys.modules}\n"
        "print(len(put_off) > 8, {name for name, kind in put_off.items() if kind != '_Shell'})\n"
    )
    said = run(PICTURE + woken, "torch", "lean")
    assert said.stdout.splitlines()[1:] == ["True set()"], said.stderr
