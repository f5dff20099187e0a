"""Nothing is applied or destroyed where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.__main__ import main
from deploy.place import chosen_region, elsewhere
from tests.deploy.conftest import Program, planning

TOLD = {"region": "eu-central-1", "api_role": "arn:aws:iam::123456789012:role/firstlight-api-eu-central-1"}


def test_the_region_is_chosen_as_terraform_does() -> None:
    plan = {"variables": {"region": {"value": "eu-west-1"}}}
    environ = {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-east-1"}
    assert chosen_region(plan, environ) == "eu-west-1"
    assert chosen_region({"variables": {"region": {}}}, environ) == "us-west-2"
    assert chosen_region({}, {"AWS_DEFAULT_REGION": "us-east-1"}) == "us-east-1"
    assert chosen_region({}, {}) == ""


def test_the_place_of_what_is_deployed_is_held() -> None:
    assert elsewhere(TOLD, account="123456789012", region="eu-central-1") == ""
    assert elsewhere(TOLD, account="123456789012", region="") == ""
    assert elsewhere({}, account="123456789012", region="us-east-1") == ""
    assert 'Set region = "eu-central-1"' in elsewhere(TOLD, account="123456789012", region="us-east-1")
    assert "credentials are of 210987654321" in elsewhere(TOLD, account="210987654321", region="eu-central-1")


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_with_another_region_in_the_shell_nothing_is_forgotten(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Terraform takes what it cannot find for gone; AWS bills it on."""
    told = {name: {"value": value} for name, value in TOLD.items()}
    planning(tmp_path, program, apply=f"touch {tmp_path}/done", outputs=json.dumps(told))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("deploy.__main__.account", lambda _: "123456789012")
    result = CliRunner().invoke(main, ["--kept", str(tmp_path / "var"), "--auto", command])
    assert result.exit_code == 1
    assert "It is deployed in eu-central-1, and us-east-1 is chosen now" in result.output
    assert not (tmp_path / "done").exists()
