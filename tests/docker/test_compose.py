"""compose.yaml: the whole service, locked in, with settings that exist."""

import os
import re
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from jobs.settings import Settings
from tests.docker.test_images import DOCKERFILES, ROOT, lineage, stages

COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
KNOWN = {  # what the compose specification allows of a service, as far as we use it
    "build", "cap_drop", "command", "depends_on", "deploy", "environment", "healthcheck", "image", "init", "logging",
    "mem_limit", "pids_limit", "ports", "profiles", "read_only", "restart", "security_opt", "stop_grace_period",
    "tmpfs", "volumes",
}  # fmt: skip


def resolved(value):
    """${NAME:-default} as compose reads it where nothing is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_locked_in(name):
    service = SERVICES[name]
    assert set(service) <= KNOWN
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"][0].startswith("/tmp:")
    assert service["restart"] == "unless-stopped"
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.get("privileged")
    assert service["volumes"] == ["data:/data"]
    assert "data" in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_its_settings_exist_and_go_together(name):
    environment = {key: resolved(value) for key, value in SERVICES[name]["environment"].items()}
    assert set(environment) <= {each.name.upper() for each in fields(Settings)}
    settings = Settings.read(environment)
    assert settings.fleet == "none:"
    assert settings.sandbox == "strict"
    for place in (settings.blobs, settings.queue, settings.table):
        assert place.split(":", 1)[1].startswith("/data/")


def test_api_tick_and_workers_meet_in_the_same_stores():
    stores = ("BLOBS", "QUEUE", "TABLE")
    assert len({tuple(service["environment"][each] for each in stores) for service in SERVICES.values()}) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_its_image_is_built_from_a_target_that_exists_and_is_asked_for_its_health(name):
    service = SERVICES[name]
    builder = next(each for each in SERVICES.values() if each["image"] == service["image"] and "build" in each)["build"]
    file = Path(builder["dockerfile"]).stem
    assert (ROOT / "docker" / builder["context"]).resolve() == ROOT
    assert builder["target"] in stages(DOCKERFILES[file])
    assert "healthcheck" in service or "HEALTHCHECK" in dict(lineage(DOCKERFILES[file], builder["target"]))


def test_the_service_is_for_this_machine_alone_unless_told():
    assert [resolved(each) for each in SERVICES["api"]["ports"]] == ["127.0.0.1:8080:8080"]
    assert not any("ports" in service for name, service in SERVICES.items() if name != "api")


def test_a_gpu_is_asked_for_by_its_profile_only():
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["worker-gpu"]
    gpu = SERVICES["worker-gpu"]
    assert gpu["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
    assert gpu["environment"]["ENGINE"] == "torch"


def test_what_may_be_set_from_outside_is_told():
    """docker/README.md lists what docker/.env may hold."""
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker" / "compose.yaml").read_text()))
    told = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docker" / "README.md").read_text()))
    assert used <= told


@pytest.mark.parametrize(("state", "age_s", "status"), [
    ("ready", 1, 0), ("busy", 19, 0), ("loading", 1, 0), ("ready", 30, 1), ("setup_failed", 1, 1), ("defunct", 1, 1),
])  # fmt: skip
def test_a_worker_s_health_is_its_pulse(tmp_path, state, age_s, status):
    pulse = tmp_path / "pulse"
    pulse.write_text(state)
    os.utime(pulse, (pulse.stat().st_mtime - age_s,) * 2)
    assert asked("worker", PULSE_FILE=str(pulse)) == status


def test_without_a_pulse_a_worker_is_not_well(tmp_path):
    assert asked("worker", PULSE_FILE=str(tmp_path / "none")) == 1


def test_without_an_answer_the_api_is_not_well(unused_port):
    assert asked("api", PORT=str(unused_port)) == 1


def asked(part, **environ):
    """The exit status of the health check, as the image asks for it."""
    command = [sys.executable, "-ISs", str(ROOT / "docker" / "health.py"), part]
    return subprocess.run(command, env=environ, capture_output=True, check=False).returncode


@pytest.fixture
def unused_port():
    """A port that nobody else takes while it is held without listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
