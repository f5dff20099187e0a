"""Nobody's account in any test; and without Terraform, its tests are not there."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.jobs.clouds import nobody

REGISTRY = ("registry.terraform.io", 443)
MIRRORS = ("/opt", "/usr/share", "/usr/local/share", "/usr/local/lib", "/usr/lib", "/var/lib")
WITH_TERRAFORM = ["test_deployment.py", "test_roles.py"]


def plugins() -> str:
    """A folder of providers on this machine, or nothing."""
    if told := os.environ.get("TF_PLUGIN_DIR"):
        return told
    wanted = Path("registry.terraform.io/hashicorp/aws")
    folders = [each for mirror in MIRRORS for each in sorted(Path(mirror).glob("*/"))]
    folders += [each / "plugins" for each in folders]
    return next((str(each) for each in folders if (each / wanted).is_dir()), "")


def missing() -> str:
    """Why Terraform cannot be used here; empty where it can."""
    if shutil.which("terraform") is None:
        return "Terraform is not installed"
    if plugins():
        return ""
    try:
        socket.create_connection(REGISTRY, timeout=5).close()
    except OSError:
        return "Terraform's registry cannot be reached, and TF_PLUGIN_DIR names no provider"
    return ""


collect_ignore = WITH_TERRAFORM if missing() else []


def pytest_report_header() -> str:
    why = missing()
    return f"deploy/ is not applied to a fake: {why}" if why else "deploy/ is applied to a fake"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)
