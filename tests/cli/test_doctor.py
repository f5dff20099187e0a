"""The doctor finds each planted fault, by its name and with its cure, and nothing where all is well."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from fleet.attendance import KEY as TICK
from fleet.checkup.checks import CHECKS
from fleet.checkup.finding import status as status_of
from fleet.checkup.questions import Questions
from fleet.checkup.rounds import run
from fleet.checkup.world import open_world
from fleet.pools import spare_pools
from fleet.slots import Slot, write_slot
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.heartbeat import Heartbeat, beat
from jobs.job import Lease
from jobs.ports import open_ports
from jobs.settings import Settings
from tests.cli.clouds import Installation
from tests.jobs.made import a_job

DAY_MS = 86_400_000
HOUR_S = 3600.0


def no_credentials(lamp: Installation, patch: pytest.MonkeyPatch) -> None:
    lamp.clients = Clients()
    patch.delenv("AWS_ACCESS_KEY_ID")
    patch.delenv("AWS_SECRET_ACCESS_KEY")


def no_region(lamp: Installation, patch: pytest.MonkeyPatch) -> None:
    lamp.clients = Clients()
    patch.delenv("AWS_DEFAULT_REGION")


def another_profile(lamp: Installation, patch: pytest.MonkeyPatch) -> None:
    lamp.clients = Clients()
    patch.setenv("AWS_PROFILE", "nothere")


def no_quota_for_gpus(lamp: Installation, _: object) -> None:
    lamp.cloud.region.weather.quotas["spot/gpu"] = 0


def no_image(lamp: Installation, _: object) -> None:
    lamp.retemplate(ImageId="ami-0123456789abcdef0")


def no_template(lamp: Installation, _: object) -> None:
    lamp.client("ec2").delete_launch_template(LaunchTemplateName=lamp.name)


def metadata_without_session(lamp: Installation, _: object) -> None:
    lamp.retemplate(MetadataOptions={"HttpTokens": "optional", "InstanceMetadataTags": "enabled"})


def metadata_without_tags(lamp: Installation, _: object) -> None:
    lamp.retemplate(MetadataOptions={"HttpTokens": "required"})


def stopping_only(lamp: Installation, _: object) -> None:
    lamp.retemplate(InstanceInitiatedShutdownBehavior="stop")


def no_role(lamp: Installation, _: object) -> None:
    lamp.retemplate(IamInstanceProfile=None)


def another_queue(lamp: Installation, _: object) -> None:
    lamp.retemplate(UserData="QkxPQlM9czM6Ly9vdGhlcgo=")  # BLOBS=s3://other


def a_template_with_a_subnet(lamp: Installation, _: object) -> None:
    lamp.retemplate(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": "subnet-1"}])


def no_such_subnet(lamp: Installation, _: object) -> None:
    lamp.settings = replace(lamp.settings, subnets="subnet-0123456789abcdef0")


def no_bucket(lamp: Installation, _: object) -> None:
    lamp.client("s3").delete_bucket(Bucket=lamp.name)


def an_open_bucket(lamp: Installation, _: object) -> None:
    lamp.client("s3").delete_public_access_block(Bucket=lamp.name)


def no_queue(lamp: Installation, _: object) -> None:
    lamp.client("sqs").delete_queue(QueueUrl=lamp.settings.queue)


def no_table(lamp: Installation, _: object) -> None:
    lamp.client("dynamodb").delete_table(TableName=lamp.name)


def dead_letters(lamp: Installation, _: object) -> None:
    lamp.client("sqs").send_message(QueueUrl=f"{lamp.settings.queue}-dead", MessageBody="somebody")


def an_orphan(lamp: Installation, _: object) -> None:
    lamp.launch(slot=7, epoch=3, age_s=60)


def an_old_machine(lamp: Installation, _: object) -> None:
    write_slot(lamp.ports.table, Slot(number=0, epoch=1, outcome="launched", launched_ms=now_ms()))
    lamp.launch(age_s=13 * HOUR_S)


def a_silent_machine(lamp: Installation, _: object) -> None:
    write_slot(lamp.ports.table, Slot(number=0, epoch=1, outcome="launched", launched_ms=now_ms()))
    lamp.launch(age_s=0.5 * HOUR_S)


def a_volume_left(lamp: Installation, _: object) -> None:
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "firstlight-project", "Value": lamp.name}]}]
    lamp.client("ec2").create_volume(AvailabilityZone="us-east-1a", Size=1, TagSpecifications=tags)


def a_blob_left(lamp: Installation, _: object) -> None:
    lamp.ports.blobs.put("in/00000000-0000-4000-8000-00000000dead", io.BytesIO(b"nobody's"))


def a_clock_ahead(lamp: Installation, _: object) -> None:
    lamp.clock = lambda: now_ms() + 600_000
    lamp.ports.table.replace(replace(lamp.ports.table.read(TICK), doc=json.dumps({"at_ms": lamp.clock()})))


def dollars_spent(lamp: Installation, _: object) -> None:
    spend(lamp, "dollars", 4_990_000)


def warm_launches_spent(lamp: Installation, _: object) -> None:
    spend(lamp, "warm_launches", 20)


def spend(lamp: Installation, counter: str, amount: int) -> None:
    day = now_ms() // DAY_MS
    lamp.ports.table.add(f"{counter}/{day}", amount, limit=None, expires_ms=(day + 1) * DAY_MS, now=now_ms())


def failing_machines(lamp: Installation, _: object) -> None:
    slot = Slot(number=0, epoch=3, outcome="ended", failures=3, detail="No engine.", not_before_ms=now_ms() + 90_000)
    write_slot(lamp.ports.table, slot)


def a_refused_launch(lamp: Installation, _: object) -> None:
    write_slot(lamp.ports.table, Slot(number=0, epoch=1, outcome="refused", detail="The group is gone: mend it."))


def refused_pools(lamp: Installation, _: object) -> None:
    spare_pools(lamp.ports.table, {"spot/g5.xlarge/us-east-1a": "InsufficientInstanceCapacity"}, now=now_ms())


def a_job_past_its_deadline(lamp: Installation, _: object) -> None:
    lamp.keep(deadline_ms=now_ms() - 300_000)


def an_abandoned_job(lamp: Installation, _: object) -> None:
    lamp.keep(state="running", lease=Lease(token="t", holder="w", until_ms=now_ms() - 300_000))
    at_work(lamp)


def a_job_without_attempts(lamp: Installation, _: object) -> None:
    lamp.keep(attempts=3)
    at_work(lamp)


def a_job_without_machine(lamp: Installation, _: object) -> None:
    lamp.keep(created_ms=now_ms() - 1_200_000)


def no_tick(lamp: Installation, _: object) -> None:
    lamp.ports.table.delete(lamp.ports.table.read(TICK))


def at_work(lamp: Installation) -> None:
    now = now_ms()
    beat(lamp.ports.table, Heartbeat(worker="w", slot=-1, epoch=0, state="ready", started_ms=now, beat_ms=now))


def no_worker(lamp: Installation, _: object) -> None:
    lamp.settings = replace(lamp.settings, fleet="none:")


def no_budget_set(lamp: Installation, _: object) -> None:
    lamp.settings = replace(lamp.settings, dollar_budget=0.0)


Plant = Callable[[Installation, pytest.MonkeyPatch], None]
FAULTS: list[tuple[Plant, str, int, str]] = [
    # what is planted, what is found, the exit status, what the cure names
    (no_credentials, "no_credentials", 2, "aws configure"),
    (no_quota_for_gpus, "quota_gpu_spot", 2, "--quota-code L-3819A6DF"),
    (no_image, "image_missing", 2, "make bake"),
    (metadata_without_session, "template_without_imdsv2", 2, "V2 only"),
    (no_table, "no_table", 2, "firstlight setup"),
    (dead_letters, "dead_letters", 1, "firstlight jobs replay"),
    (an_orphan, "orphan_machine", 2, "aws ec2 terminate-instances --instance-ids i-"),
    (a_silent_machine, "machine_silent", 2, "aws ec2 terminate-instances --instance-ids i-"),
    (a_clock_ahead, "clock_off", 2, "timedatectl set-ntp true"),
    (dollars_spent, "budget_dollars", 2, "DOLLAR_BUDGET=10"),
    (failing_machines, "setup_breaker", 2, "get-console-output"),
    (a_job_past_its_deadline, "job_past_deadline", 2, "firstlight tick --once"),
    (a_job_without_machine, "jobs_without_machine", 2, "firstlight machines list"),
    (no_tick, "tick_stale", 1, "firstlight tick"),
]
MORE: list[tuple[Plant, str, int, str]] = [
    (no_region, "no_region", 2, "AWS_DEFAULT_REGION"),
    (another_profile, "aws_settings", 2, "aws sts get-caller-identity"),
    (no_template, "no_template", 2, "make deploy"),
    (metadata_without_tags, "template_without_tags", 2, "Allow tags in metadata"),
    (stopping_only, "template_only_stops", 2, "Terminate"),
    (no_role, "template_without_role", 2, "instance profile"),
    (another_queue, "template_other_stores", 2, "set the same here"),
    (a_template_with_a_subnet, "template_names_subnet", 2, "SUBNETS"),
    (no_such_subnet, "subnet_gone", 2, "Correct SUBNETS"),
    (no_bucket, "no_bucket", 2, "firstlight setup"),
    (an_open_bucket, "bucket_open", 2, "Block Public Access"),
    (no_queue, "no_queue", 2, "firstlight setup"),
    (an_old_machine, "machine_too_old", 2, "aws ec2 terminate-instances --instance-ids i-"),
    (a_volume_left, "volume_left", 1, "aws ec2 delete-volume --volume-id vol-"),
    (a_blob_left, "orphan_blobs", 1, "firstlight tick"),
    (warm_launches_spent, "budget_warm", 1, "WARM_BUDGET=40"),
    (a_refused_launch, "launch_refused", 2, "next photo tries again"),
    (refused_pools, "pools_refused", 1, "SUBNETS"),
    (an_abandoned_job, "job_abandoned", 2, "firstlight tick --once"),
    (a_job_without_attempts, "job_without_attempts", 2, "firstlight jobs cancel 00000000-"),
    (no_worker, "no_worker", 1, "firstlight worker"),
    (no_budget_set, "no_dollar_budget", 1, "DOLLAR_BUDGET=5"),
]


def rows(*, slow: bool) -> list[object]:
    marks = [pytest.mark.slow] if slow else []
    return [pytest.param(*row, id=row[1], marks=marks) for row in (MORE if slow else FAULTS)]


@pytest.mark.parametrize(("plant", "code", "status", "cure"), [*rows(slow=False), *rows(slow=True)])
def test_a_planted_fault_is_found_alone_and_with_its_cure(
    lamp: Installation, monkeypatch: pytest.MonkeyPatch, plant: Plant, code: str, status: int, cure: str
) -> None:
    plant(lamp, monkeypatch)
    found = lamp.checked().findings
    assert [each.code for each in found] == [code]
    assert cure in found[0].cure
    assert found[0].says.endswith(".")
    assert found[0].cure.endswith(".")
    assert status_of(found) == status


def test_a_healthy_cloud_has_no_finding(lamp: Installation) -> None:
    report = lamp.checked()
    assert report.findings == []
    assert report.left_out == {}
    assert len(report.made) == 16


def test_a_healthy_cloud_at_work_has_no_finding(lamp: Installation) -> None:
    write_slot(lamp.ports.table, Slot(number=0, epoch=1, outcome="launched", launched_ms=now_ms()))
    lamp.launch(age_s=HOUR_S)
    now = now_ms()
    sign = Heartbeat(worker="slot0-1", slot=0, epoch=1, state="busy", started_ms=now, beat_ms=now, ready_ms=now)
    beat(lamp.ports.table, sign)
    lamp.keep(state="running", lease=Lease(token="t", holder="slot0-1", until_ms=now + 20_000), attempts=1)
    lamp.keep(created_ms=now - 1_200_000)
    assert lamp.checked().findings == []


def test_a_lacking_permission_is_named_and_the_other_checks_go_on(lamp: Installation) -> None:
    lamp.cloud.region.weather.next["DescribeInstances"] = ["UnauthorizedOperation"] * 3
    no_template(lamp, None)
    report = lamp.checked()
    codes = [each.code for each in report.findings]
    assert codes == ["no_template", "not_permitted"]
    assert "`machines`, `jobs`, `tick` could not be made" in report.findings[1].says
    assert "Allow ec2:DescribeInstances" in report.findings[1].cure
    assert report.left_out == {}
    assert {"quotas", "template", "volumes", "blobs", "budgets", "breakers"} <= set(report.made)


def test_an_account_that_does_not_answer_is_one_finding(lamp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    lamp.clients = Clients()
    report = lamp.checked()
    assert [each.code for each in report.findings] == ["aws_unreachable"]


def test_the_doctor_asks_only_what_changes_nothing(lamp: Installation) -> None:
    heard: list[str] = []
    clients = Clients(heard=lambda service, operation: heard.append(f"{service}:{operation}"))
    world = lamp.world()
    ports = open_ports(lamp.settings, clock=now_ms, clients=clients)
    questions = Questions(clients, clock=now_ms)
    assert run(replace(world, ports=ports, questions=questions), CHECKS).findings == []
    assert len(heard) > 20
    reading = ("Describe", "Get", "List", "Head", "Query", "BatchGet")
    assert [each for each in heard if not each.partition(":")[2].startswith(reading)] == []
    with pytest.raises(ValueError, match="no question"):
        questions.ask("ec2", "terminate_instances", InstanceIds=["i-1"])


def doctor(*arguments: str, **environ: str):
    return CliRunner(env=environ).invoke(main, ["doctor", *arguments])


@pytest.mark.slow
def test_the_command_tells_a_healthy_cloud(lamp: Installation) -> None:
    done = doctor(**lamp.settings.environ() | {"SANDBOX": "auto"})
    assert done.exit_code in (0, 1), done.output
    assert done.exit_code == 0 or "sandbox_incomplete" in done.output


def test_the_command_tells_findings_as_json(lamp: Installation) -> None:
    no_tick(lamp, None)
    no_image(lamp, None)
    done = doctor("--json", **lamp.settings.environ())
    told = json.loads(done.stdout)
    assert (done.exit_code, told["status"]) == (2, 2)
    assert {"image_missing", "tick_stale"} <= {each["code"] for each in told["findings"]}
    assert all(each["severity"] and each["says"] and each["cure"] for each in told["findings"])


@pytest.fixture
def laptop(tmp_path: Path) -> dict[str, str]:
    return {
        "BLOBS": f"file:{tmp_path}/blobs",
        "QUEUE": f"sqlite:{tmp_path}/jobs.db",
        "TABLE": f"sqlite:{tmp_path}/jobs.db",
        "FLEET": f"process:{tmp_path}/machines",
        "SPOOL": f"{tmp_path}/spool",
    }


def test_a_laptop_that_never_ran_is_healthy_and_left_as_it_was(laptop: dict[str, str], tmp_path: Path) -> None:
    done = doctor("--json", **laptop)
    told = json.loads(done.stdout)
    assert [each for each in told["findings"] if each["code"] != "sandbox_incomplete"] == []
    assert told["left_out"]["access"] == "does not apply: nothing of AWS is named"
    assert list(tmp_path.iterdir()) == []


def test_a_laptop_that_rests_is_healthy(laptop: dict[str, str]) -> None:
    assert CliRunner(env=laptop).invoke(main, ["tick", "--once"]).exit_code == 0
    told = json.loads(doctor("--json", **laptop).stdout)
    assert [each for each in told["findings"] if each["code"] != "sandbox_incomplete"] == []
    assert {"table", "blobs", "machines", "budgets", "breakers", "jobs", "tick"} <= set(told["made"])


def test_a_damaged_file_is_found(laptop: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_bytes(b"no database" * 1000)
    done = doctor(**laptop)
    assert done.exit_code == 2
    assert "table_unusable" in done.output
    assert "move a damaged file away" in done.output


def test_a_place_where_nothing_can_be_kept_is_found(laptop: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    done = doctor("--json", **laptop | {"SPOOL": f"{tmp_path}/var/spool", "BLOBS": f"file:{tmp_path}/var/blobs"})
    [found] = [each for each in json.loads(done.stdout)["findings"] if each["code"] == "nothing_can_be_kept"]
    assert done.exit_code == 2
    assert found["says"].startswith(f"Nothing can be kept in {tmp_path}/var: ")


def test_a_setting_that_cannot_be_used_is_a_finding(laptop: dict[str, str]) -> None:
    done = doctor(**laptop | {"ENGINE": "cuda"})
    assert done.exit_code == 2
    assert "use auto, torch, openvino or classical" in " ".join(done.output.split())


def test_a_laptops_stuck_photo_is_found_with_the_tick_that_should_have_ended_it(laptop: dict[str, str]) -> None:
    settings = Settings.read(laptop)
    ports = open_ports(settings, clock=now_ms)
    ports.ledger.insert(a_job(id="stuck", deadline_ms=now_ms() - 300_000))
    ports.blobs.put("in/stuck", io.BytesIO(b"a dark photo"))
    ports.close()
    world = open_world(settings, clock=now_ms, sleep=lambda _: None)
    assert [each.code for each in run(world, CHECKS).findings] == ["job_past_deadline", "tick_stale"]
    world.stores.close()
