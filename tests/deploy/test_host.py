"""The API host's first boot, as far as it can be read here: as a shell reads it, and what it writes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from jobs.settings import Settings
from tests.deploy.configuration import ROOT

GIVEN = {"domain": "photos.example.com", "region": "eu-central-1", "settings": "BLOBS=s3://photos\nIDLE_S=90\n"}
WAYS = {
    "image": {"image": "registry.example.com/firstlight-api:1", "source": ""},
    "source": {"image": "", "source": "https://example.com/firstlight.git#v1"},
}
SAYS = '#!/bin/sh\necho "$(basename "$0") $*" >> @/said\n'


def script(**given: str) -> str:
    """As Terraform's templatefile would have it."""
    text = (ROOT / "host.sh.tftpl").read_text()
    named = set(re.findall(r"(?<!\$)\$\{(\w+)\}", text))
    assert named == set(given)
    return re.sub(r"(?<!\$)\$\{(\w+)\}", lambda found: given[found[1]], text).replace("$${", "${")


@pytest.fixture(params=list(WAYS))
def booted(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Which way, and the folder that the script took for the root; the programs it calls only say how."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "curl", "dpkg", "systemctl", "git", "make", "id", "useradd", "rm", "install"):
        (programs / name).write_text(SAYS.replace("@", str(tmp_path)))
        (programs / name).chmod(0o755)
    for folder in ("etc/apt/apt.conf.d", "etc/caddy", "etc/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    text = script(**GIVEN, **WAYS[request.param]).replace(">/etc/", f">{tmp_path}/etc/")
    subprocess.run(["/bin/bash", "-c", text], env={"PATH": f"{programs}:/usr/bin:/bin"}, check=True, timeout=30)
    return request.param, tmp_path


def test_its_first_boot_leaves_settings_a_proxy_and_two_services(booted: tuple[str, Path]) -> None:
    way, root = booted
    settings = dict(line.split("=", 1) for line in (root / "etc/firstlight.env").read_text().splitlines())
    assert settings["BLOBS"] == "s3://photos"
    assert (settings["HOST"], settings["TRUSTED_PROXIES"], settings["SANDBOX"]) == ("127.0.0.1", "1", "strict")
    assert Settings.read(settings).port == 8080
    proxy = (root / "etc/caddy/Caddyfile").read_text()
    assert proxy.startswith("photos.example.com {\n")
    assert "reverse_proxy 127.0.0.1:8080" in proxy
    assert "header_up -*_*" in proxy  # or X_Forwarded_For would reach us as X-Forwarded-For
    assert "@inside path /metrics\n\trespond @inside 404" in proxy
    assert "Strict-Transport-Security" in proxy
    assert "Retries" in (root / "etc/apt/apt.conf.d/80retries").read_text()
    unit = (root / "etc/systemd/system/firstlight@.service").read_text()
    runs = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1]
    assert runs.endswith(" %i")
    assert ("--network host" in runs) == (way == "image")
    assert ("NoNewPrivileges=yes" in unit) == (way == "source")
    said = (root / "said").read_text()
    assert "systemctl enable firstlight@serve.service firstlight@tick.service" in said
    assert ("git clone --depth 1 --branch v1 https://example.com/firstlight.git /opt/firstlight" in said) == (
        way == "source"
    )
    assert ("podman" in said) == (way == "image")
    assert "ssh" not in said
