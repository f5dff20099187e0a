"""`make deploy` for somebody to whom something is missing: a sentence, and its cure."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.__main__ import main
from deploy.leaving import END_S, Leaving, MachinesRemain
from tests.deploy.conftest import Program, planning
from tests.jobs.clocks import FakeClock


def deploy(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--kept", str(folder / "var"), *words])


def test_without_terraform_it_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = deploy(tmp_path, "apply")
    assert told.exit_code == 1
    assert "terraform is not installed: https://" in told.output
    assert "TERRAFORM=tofu" in told.output


def test_an_old_terraform_is_told_so(tmp_path: Path, program: Program) -> None:
    program("""echo '{"terraform_version": "1.4.7"}'""")
    told = deploy(tmp_path, "apply")
    assert told.exit_code == 1
    assert "terraform is 1.4.7, and 1.5 is the least" in told.output


def test_without_credentials_the_cure_is_named(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("""echo '{"terraform_version": "1.11.4"}'""")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    for command in ("apply", "destroy"):
        told = deploy(tmp_path, command)
        assert told.exit_code == 1
        assert "set AWS_ACCESS_KEY_ID" in told.output
        assert "Traceback" not in told.output


class Ec2:
    """A client whose machines never end, however often they are told to."""

    def client(self, _: str) -> Ec2:
        return self

    def describe_instances(self, **_: object) -> dict[str, object]:
        return {"Reservations": [{"Instances": [{"InstanceId": "i-stubborn", "State": {"Name": "shutting-down"}}]}]}

    def terminate_instances(self, **_: object) -> dict[str, object]:
        return {}


def test_a_machine_that_does_not_end_is_waited_for_with_a_bound() -> None:
    clock = FakeClock()
    leaving = Leaving(Ec2(), "firstlight", sleep=clock.pass_s, monotonic=lambda: clock() / 1000)  # type: ignore[arg-type]
    began, said = clock(), []
    with pytest.raises(MachinesRemain, match=r"i-stubborn do not end.*run this again"):
        leaving.end_machines(said.append)
    assert said == ["machine i-stubborn ends"]
    assert END_S <= (clock() - began) / 1000 < 2 * END_S


def test_unasked_nothing_is_changed(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is no terminal here, so there is nobody to say yes."""
    planning(tmp_path, program, apply=f"touch {tmp_path}/applied")
    monkeypatch.setattr("deploy.__main__.account", lambda _: "123456789012")
    told = deploy(tmp_path, "apply")
    assert told.exit_code == 1
    assert "make    aws_s3_bucket.blobs" in told.output
    assert "AUTO=1 does it unasked" in told.output
    assert not (tmp_path / "applied").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_lets_terraform_end_in_order(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Left without a reader, Terraform dies of its next line, and forgets what AWS is just making."""
    kept = f"trap 'sleep 0.5; echo x: Creation complete; touch {tmp_path}/kept; exit 1' INT"
    os.mkfifo(tmp_path / "begun")
    planning(tmp_path, program, apply=f"{kept}; echo > {tmp_path}/begun; while :; do sleep 0.02; done")
    monkeypatch.setattr("deploy.__main__.account", lambda _: "123456789012")

    def interrupt() -> None:
        (tmp_path / "begun").read_text()
        os.kill(os.getpid(), number)

    threading.Thread(target=interrupt, daemon=True).start()
    told = deploy(tmp_path, "--auto", "apply")
    assert told.exit_code == 1
    assert (tmp_path / "kept").exists()
    assert "x: Creation complete" in told.output
    assert "Run the same again" in told.output


def test_photos_that_shall_stay_do_not_go_because_nobody_deployed_that_wish(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Terraform destroys a bucket as it was deployed, whatever the settings say meanwhile."""
    planning(tmp_path, program, apply="true")
    bucket = {"address": "aws_s3_bucket.blobs", "change": {"actions": ["delete"], "before": {"force_destroy": True}}}
    plan = {"resource_changes": [bucket], "variables": {"force_destroy": {"value": False}}}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    monkeypatch.setattr("deploy.__main__.account", lambda _: "123456789012")
    told = deploy(tmp_path, "--auto", "destroy")
    assert told.exit_code == 1
    assert "force_destroy is false in your settings and true" in told.output
    assert "run `make deploy` first" in told.output
