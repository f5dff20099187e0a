"""Nobody's account in any test; and without Terraform, its tests are not there."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.stand_in.cloud import LocalCloud, fair
from jobs.clients import Clients
from tests.deploy.deployment import Deployment, bake, environ_of, inventory, operator_policy, policy_of, written
from tests.deploy.wire import Tap
from tests.jobs.clouds import nobody

REGISTRY = ("registry.terraform.io", 443)
MIRRORS = ("/opt", "/usr/share", "/usr/local/share", "/usr/local/lib", "/usr/lib", "/var/lib")
Program = Callable[[str], None]
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


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program called terraform, by its shell script."""

    def make(script: str) -> None:
        file = tmp_path / "terraform"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return make


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        nobody(monkeypatch)
        folder = tmp_path_factory.mktemp("deployment")
        cloud = LocalCloud(environ=os.environ, logs=folder / "machines", weather=fair(boot_s=0.5))
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
        tap = Tap(cloud.server._http.app)
        cloud.server._http.app = tap
        bake(Clients())
        written(folder)
        made = Deployment(
            cloud=cloud, tap=tap, folder=folder, environ=environ_of(cloud, plugins()), before=inventory(cloud)
        )
        said = made.command("apply")
        assert "make    aws_s3_bucket.blobs" in said
        assert "DESTROY" not in said
        cloud.region.subnets = cloud.account.subnets()
        resources = made.resources()
        tap.templates = {
            each["name"]: {
                "id": each["id"],
                "image": each["image_id"],
                "group": each["vpc_security_group_ids"][0],
                "role": resources["aws_iam_role.worker"]["arn"],
            }
            for address, each in resources.items()
            if address.startswith("aws_launch_template.")
        }
        made.policies = {role: policy_of(Clients(), role) for role in ("api", "worker")}
        made.policies["operator"] = operator_policy(Clients())
        yield made
        cloud.close()


def planning(folder: Path, program: Program, *, apply: str, outputs: str = "{}") -> None:
    """A Terraform that would make a bucket."""
    plan = {
        "resource_changes": [
            {"address": "aws_s3_bucket.blobs", "change": {"actions": ["create"], "after": {"bucket": "photos"}}}
        ]
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    program(f"""
case "$2" in
  version) echo '{{"terraform_version": "1.11.4"}}' ;;
  show) cat {folder}/plan.json ;;
  apply) {apply} ;;
  state) echo aws_s3_bucket.blobs ;;
  destroy) {apply} ;;
  output) echo '{outputs}' ;;
esac""")
