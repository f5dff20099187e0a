"""What follows from observed facts: the families' judgements that no stand-in can show."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from fleet.checkup import (
    access,
    backlog,
    breakers,
    bucket,
    budget,
    clock,
    clockwork,
    computer,
    network,
    queues,
    quotas,
    rounds,
    rows,
    strays,
    template,
    terms,
)
from fleet.checkup.access import Access
from fleet.checkup.backlog import Backlog
from fleet.checkup.bucket import Bucket
from fleet.checkup.budget import Spent
from fleet.checkup.checks import CHECKS
from fleet.checkup.clockwork import Clockwork
from fleet.checkup.computer import Computer
from fleet.checkup.finding import Finding, status
from fleet.checkup.queues import Queues
from fleet.checkup.quotas import Quota
from fleet.checkup.rounds import Check
from fleet.checkup.rows import Table
from fleet.checkup.strays import Strays
from fleet.checkup.template import Template
from fleet.checkup.world import World
from fleet.ladder import Subnet
from fleet.slots import Slot
from jobs.clients import Declined
from jobs.errors import StoreBusy
from jobs.ports import Ports
from jobs.settings import Settings
from jobs.table import Row
from jobs.transitions import Terms
from tests.fleet.views import machine

NOW = 1_800_000_000_000
HERE = Computer(python=(3, 12), sandbox="auto")
CLOUD = Settings(
    fleet="ec2:lt", blobs="s3://bbb", queue="https://sqs.eu-west-1.amazonaws.com/1/q", table="dynamodb://ttt"
)
WISE = replace(CLOUD, dollar_budget=5.0, warm_budget=20, idle_s=90.0)


def codes(findings: list[Finding]) -> list[str]:
    return [each.code for each in findings]


@pytest.mark.parametrize(
    ("facts", "code", "severity"),
    [
        ({"python": (3, 10)}, "python_untried", "error"),
        ({"python": (3, 14)}, "python_untried", "error"),
        ({"sandbox_refusal": "no seccomp"}, "sandbox_refused", "error"),
        ({"sandbox": "off"}, "sandbox_off", "warning"),
        ({"sandbox_missing": ("Landlock",)}, "sandbox_incomplete", "warning"),
        ({"engine_refusal": "torch is not installed"}, "engine_missing", "error"),
        ({"room_bytes": 500_000_000}, "little_room", "warning"),
        ({"room_bytes": 50_000_000}, "little_room", "error"),
    ],
)
def test_a_computer_is_judged_by_what_it_lacks(facts: dict[str, object], code: str, severity: str) -> None:
    assert computer.findings(HERE) == []
    (found,) = computer.findings(replace(HERE, **facts))
    assert (found.code, found.severity) == (code, severity)


@pytest.mark.parametrize(
    ("facts", "code", "cure"),
    [
        ({"region": ""}, "no_region", "AWS_DEFAULT_REGION"),
        ({"credentials": False}, "no_credentials", "aws configure"),
        ({"reachable": False}, "aws_unreachable", "AWS_ENDPOINT_URL"),
        ({"refusal": "ExpiredToken"}, "credentials_refused", "aws sso login"),
        ({"refusal": "RequestTimeTooSkewed", "ahead_ms": -1_000_000}, "clock_off", "timedatectl"),
        ({"arn": "arn:aws:iam::1:root"}, "root_identity", "IAM role"),
    ],
)
def test_access_fails_for_one_reason_at_a_time(facts: dict[str, object], code: str, cure: str) -> None:
    (found,) = access.findings(replace(Access(region="us-east-1"), **facts))
    assert found.code == code
    assert cure in found.cure


def test_who_may_is_no_finding() -> None:
    assert access.findings(Access(region="us-east-1", arn="arn:aws:sts::1:assumed-role/api/x")) == []


@pytest.mark.parametrize(
    ("ahead_ms", "severity"), [(None, None), (2000, None), (-40_000, "warning"), (600_000, "error")]
)
def test_a_clock_may_be_off_by_less_than_a_lease(ahead_ms: int | None, severity: str | None) -> None:
    assert [each.severity for each in clock.findings(ahead_ms)] == ([severity] if severity else [])


def test_a_quota_is_measured_by_the_smallest_machine_and_by_how_many_there_may_be() -> None:
    def found(vcpus: float | None, *, machines: int = 1, place: int = 0) -> list[tuple[str, str]]:
        plenty = Quota(flavour="gpu", market="spot", vcpus=None)
        known = [plenty] * place + [Quota(flavour="cpu", market="on-demand", vcpus=vcpus)]
        return [(each.code, each.severity) for each in quotas.findings(known, region="eu-west-1", machines=machines)]

    assert found(None) == found(4) == []
    assert found(3) == [("quota_cpu_on_demand", "error")]
    assert found(3, place=1) == [("quota_cpu_on_demand", "warning")]
    assert found(4, machines=2) == [("quota_cpu_on_demand", "warning")]


def test_settings_that_nobody_should_want_are_told() -> None:
    assert terms.findings(Settings()) == terms.findings(WISE) == []
    assert codes(terms.findings(CLOUD)) == ["no_dollar_budget", "no_warm_budget", "long_idle"]
    assert codes(terms.findings(replace(WISE, table="sqlite:x.db"))) == ["stores_out_of_reach"]
    assert codes(terms.findings(Settings(max_machines=0))) == ["no_machines"]
    assert codes(terms.findings(Settings(ready_deadline_s=50_000.0, job_deadline_s=60_000.0))) == ["ready_after_end"]
    assert codes(terms.findings(Settings(job_deadline_s=60.0))) == ["deadline_before_machine"]
    assert codes(terms.findings(Settings(host="0.0.0.0"))) == ["no_upload_limit"]


def test_stores_are_judged_by_what_keeps_them_safe_and_empty() -> None:
    assert codes(bucket.findings(Bucket(name="b", exists=True, region="a", ours="b"))) == ["bucket_elsewhere"]
    assert codes(bucket.findings(Bucket(name="b", exists=True, expires=False))) == ["bucket_keeps_all"]
    assert codes(queues.findings(Queues(url="q", exists=True))) == ["no_dead_letter_queue"]
    assert codes(queues.findings(Queues(url="q", exists=True, receives=3))) == ["dead_too_soon"]
    odd = Table(name="t", active=False, missing=("due",), expires=False)
    assert codes(rows.findings(odd)) == ["table_not_active", "no_index", "no_expiry"]


def test_one_zone_is_told_and_no_subnet_is_an_error() -> None:
    one = Subnet(id="subnet-1", zone="us-east-1a")
    assert codes(network.findings([one], WISE)) == ["one_zone"]
    assert codes(network.findings([], WISE)) == ["no_subnet"]
    assert network.findings([one, Subnet(id="subnet-2", zone="us-east-1b")], WISE) == []


def test_a_resting_laptop_needs_no_tick_and_a_working_one_does() -> None:
    rests = Clockwork(last_tick_ms=None, unfinished=0, machines=0, workers=0)
    assert clockwork.findings(rests, Settings(), NOW) == []
    assert codes(clockwork.findings(rests, WISE, NOW)) == ["tick_stale"]
    for needs in (replace(rests, unfinished=1), replace(rests, machines=1)):
        (found,) = clockwork.findings(needs, Settings(), NOW)
        assert (found.code, found.severity) == ("tick_stale", "error")
    assert clockwork.findings(replace(rests, last_tick_ms=NOW - 60_000), WISE, NOW) == []


@pytest.mark.parametrize(
    ("spent", "code"),
    [
        (Spent(launches=10), "budget_launches"),
        (Spent(warm_launches=20), "budget_warm"),
        (Spent(on_demand=2), "budget_on_demand"),
        (Spent(dollars=4.999), "budget_dollars"),
    ],
)
def test_a_budget_that_the_next_launch_would_pass_is_told(spent: Spent, code: str) -> None:
    given = replace(WISE, launch_budget=10)
    assert budget.findings(Spent(launches=9, warm_launches=19, on_demand=1, dollars=1.0), given) == []
    assert codes(budget.findings(spent, given)) == [code]


@pytest.mark.parametrize(
    ("epoch", "age_s", "code"),
    [
        (2, 100, None),
        (3, 301, "orphan_machine"),
        (3, 100, None),
        (1, 1, "orphan_machine"),
        (2, 43_501, "machine_too_old"),
    ],
)
def test_a_machine_of_another_launch_and_one_too_old_are_told(epoch: int, age_s: int, code: str | None) -> None:
    up = Strays(
        machines=[machine(0, 2, age_s=age_s)],
        slots=[Slot(number=0, epoch=epoch)],
        heartbeats=[],
        ready_deadline_ms=300_000,
        hard_age_ms=43_200_000,
        heartbeat_ms=5000,
        ec2=False,
    )
    assert codes(strays.findings(up, NOW)) == ([code] if code else [])


def test_a_row_that_cannot_be_read_is_told() -> None:
    idle = Backlog(jobs=[], workers=0, machines=0, terms=Terms(lease_ms=1, keep_ms=1), patience_ms=1)
    assert backlog.findings(idle, NOW) == []
    assert codes(backlog.findings(replace(idle, unreadable=["job/x"]), NOW)) == ["row_unreadable"]


def test_a_row_that_cannot_be_read_keeps_no_check_from_being_made(ports: Ports, settings: Settings) -> None:
    ports.blobs.put("in/odd", io.BytesIO(b"photo"))
    ports.table.insert(Row(key="job/odd", doc="not a document", group="queued"))
    here = World(settings=settings, clock=ports.clock, sleep=lambda _: None, ports=ports, questions=None)
    report = rounds.run(here, CHECKS)
    assert sorted(codes(report.findings)) == ["row_unreadable", "tick_stale"]


@pytest.mark.parametrize(
    ("data", "image", "code"),
    [
        ({}, {"State": "pending"}, "image_not_available"),
        ({}, {"Architecture": "arm64"}, "image_architecture"),
        ({"BlockDeviceMappings": [{"Ebs": {"Encrypted": False}}]}, {}, "template_open_disk"),
        ({"UserData": base64.b64encode(b"AWS_SECRET_ACCESS_KEY=x\n").decode()}, {}, "template_holds_secret"),
    ],
)
def test_a_template_is_judged_by_its_image_its_disks_and_its_words(
    data: dict[str, object], image: dict[str, str], code: str
) -> None:
    whole = {
        "ImageId": "ami-1",
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        "IamInstanceProfile": {"Name": "worker"},
    }
    there = {"State": "available", "Architecture": "x86_64"}
    assert template.findings(Template(name="t", data=whole, image=there)) == []
    assert codes(template.findings(Template(name="t", data=whole | data, image=there | image))) == [code]


@pytest.mark.parametrize(
    ("fact", "code"), [(Declined("Odd", {}), "not_answered"), (StoreBusy("away"), "not_reachable")]
)
def test_a_check_that_cannot_be_made_is_told_and_the_others_go_on(fact: Exception, code: str) -> None:
    def fails(_: World) -> list[Finding]:
        raise fact

    here = World(settings=Settings(), clock=lambda: NOW, sleep=lambda _: None, ports=None, questions=None)
    looks: dict[str, Callable[[World], list[Finding]]] = {"broken": fails, "fine": lambda _: []}
    report = rounds.run(here, [Check(name=name, look=look) for name, look in looks.items()])
    assert (codes(report.findings), report.made[-1]) == ([code], "fine")


def test_a_breaker_says_where_to_read_on() -> None:
    slot = Slot(number=0, failures=4, outcome="ended", not_before_ms=NOW + 60_000)
    at_home, away = (breakers.findings([slot], {}, ec2=ec2, now=NOW)[0].cure for ec2 in (False, True))
    assert "0.log" in at_home
    assert "get-console-output" in away
    assert "the next try is at 08:01 UTC" in away


def test_the_exit_status_is_the_worst() -> None:
    told = [Finding(code="a", severity=severity, says="", cure="") for severity in ("warning", "error")]
    assert [status([]), status(told[:1]), status(told)] == [0, 1, 2]
