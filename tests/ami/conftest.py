"""The host's programs are scripts, no package: they are loaded by their path."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

AMI = Path(__file__).resolve().parents[2] / "ami"


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"ami_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def deadman() -> ModuleType:
    return loaded(AMI / "host" / "deadman.py")


@pytest.fixture(scope="session")
def launch() -> ModuleType:
    return loaded(AMI / "host" / "launch.py")


@pytest.fixture(scope="session")
def image() -> ModuleType:
    return loaded(AMI / "image.py")
