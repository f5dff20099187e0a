"""What deploy/ and Packer must agree on, read as text."""

from __future__ import annotations

import re
from pathlib import Path

from bench.disks import CONFIG
from fleet.instance_types import BY_NAME
from fleet.requests import PROJECT_TAG

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = (ROOT / "ami" / "worker.pkr.hcl").read_text()


def test_deploy_finds_what_packer_tags() -> None:
    deploy = (ROOT / "deploy" / "machines.tf").read_text()
    for tag in (PROJECT_TAG, "firstlight-flavour"):
        assert f'"tag:{tag}"' in deploy
        assert re.search(rf"^\s+{tag}\s+= var\.", TEMPLATE, re.MULTILINE)


def test_each_flavour_is_baked_on_a_type_that_it_will_run_on() -> None:
    types = re.search(r"types = \{\n\s+cpu = \"(\S+)\"\n\s+gpu = \"(\S+)\"", TEMPLATE)
    assert types is not None
    assert [BY_NAME[name].flavour for name in types.groups()] == ["cpu", "gpu"]


def test_the_disk_is_encrypted_and_gp3_with_its_throughput_said() -> None:
    for line in ("encrypt_boot", "encrypted", "volume_type", "throughput"):
        assert re.search(rf"^\s+{line}\s+= (true|\"gp3\"|\d+)$", TEMPLATE, re.MULTILINE)


def test_the_plugin_is_named_in_a_file_of_its_own() -> None:
    """Debian's Packer 1.6 validates the template and does not know `required_plugins`."""
    assert "required_plugins" not in TEMPLATE
    assert "required_plugins" in (ROOT / "ami" / "plugins.pkr.hcl").read_text()


def test_the_trial_s_configuration_is_the_image_s() -> None:
    dockerfile = (ROOT / "docker" / "worker.Dockerfile").read_text()
    for pair in CONFIG["Env"]:
        name, _, value = pair.partition("=")
        assert f"{name}=" in dockerfile
        assert name == "PATH" or pair in dockerfile, f"{name} is another one than {value}"
    assert f"USER {CONFIG['User']}" in dockerfile
    assert all(f'"{word}"' in dockerfile for word in [*CONFIG["Entrypoint"], *CONFIG["Cmd"]])
