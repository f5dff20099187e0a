"""Apply, run, destroy: `make deploy` onto the stand-in for AWS, photos through it, and nothing left behind.

The stand-in's EC2 launches real workers from the launch templates that Terraform has made. What it does not show: that
AWS takes these templates and policies (it checks neither), Terraform's waits for AWS, and the API's own host, which is
only planned here.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from bench.nights import night_jpeg
from bench.service import Service, service
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.orphans import Orphans
from jobs.ports import open_ports
from jobs.provision import MAX_RECEIVES
from jobs.settings import Settings
from tests.deploy.configuration import ROOT
from tests.deploy.deployment import (
    API_KEY,
    DESTROY_S,
    FLAVOURS,
    OPERATOR_KEY,
    PAGE,
    WORKER_KEY,
    Deployment,
    inventory,
)
from tests.deploy.policy import Call, actions, allows
from tests.e2e.conftest import light, opened
from tests.fleet.processes import until
from tests.jobs.clouds import nobody

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def _there(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, _nobody: None) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployment.cloud.endpoint)


@pytest.fixture(scope="module")
def running(deployment: Deployment) -> Iterator[Service]:
    """`firstlight up` with the settings that `make deploy` has written, signed with a key of its own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        nobody(monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", deployment.cloud.endpoint)
        # moto takes a policy's Deny without its condition, so "only by TLS" would be "nobody": off with it.
        Clients().client("s3").delete_bucket_policy(Bucket=deployment.bucket)
        settings = {**deployment.settings(), "AWS_ACCESS_KEY_ID": API_KEY, "TICK_S": 1, "UPLOAD_LIMIT": 0}
        with service(command="up", **settings) as running:
            yield running


def is_bright(running: Service, job_id: str, photo: bytes) -> bool:
    answer = requests.get(f"{running.url}/result/{job_id}", timeout=60)
    assert answer.history[0].status_code == 302
    return light(opened(answer.content)) > 2 * light(opened(photo))


def test_what_was_made_is_what_was_meant(deployment: Deployment) -> None:
    """By the account's own answers, not by the state's."""
    clients, settings = Clients(), deployment.settings()
    s3, bucket = clients.client("s3"), deployment.bucket
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    read, write = sorted(s3.get_bucket_cors(Bucket=bucket)["CORSRules"], key=lambda rule: rule["AllowedMethods"])
    assert (read["AllowedMethods"], read["AllowedOrigins"]) == (["GET", "HEAD"], ["*"])
    assert (write["AllowedMethods"], write["AllowedOrigins"]) == (["POST"], [PAGE])
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {each["Filter"]["Prefix"]: each["Expiration"]["Days"] for each in rules if "Expiration" in each} == {
        "in/": 3,
        "out/": 3,
    }
    assert [each["AbortIncompleteMultipartUpload"] for each in rules if "Expiration" not in each] == [
        {"DaysAfterInitiation": 1}
    ]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    open_call = Call(action="s3:GetObject", resource=f"arn:aws:s3:::{bucket}/in/a", context={})
    anybody = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    plain, tls = ({"aws:securetransport": (each,)} for each in ("false", "true"))
    assert not allows([policy, anybody], Call(action=open_call.action, resource=open_call.resource, context=plain))
    assert allows([policy, anybody], Call(action=open_call.action, resource=open_call.resource, context=tls))

    sqs = clients.client("sqs")
    queue = sqs.get_queue_attributes(QueueUrl=settings["QUEUE"], AttributeNames=["All"])["Attributes"]
    redrive = json.loads(queue["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == MAX_RECEIVES
    assert redrive["deadLetterTargetArn"].endswith("-dead")
    assert queue["SqsManagedSseEnabled"] == "true"
    ttl = clients.client("dynamodb").describe_time_to_live(TableName="firstlight")["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_s")


def test_each_template_names_the_newest_image_of_its_flavour_and_the_workers_settings(deployment: Deployment) -> None:
    ec2 = Clients().client("ec2")
    for flavour in FLAVOURS:
        told = ec2.describe_launch_template_versions(LaunchTemplateName=f"firstlight-{flavour}", Versions=["$Default"])
        data = told["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        image = ec2.describe_images(ImageIds=[data["ImageId"]])["Images"][0]
        assert image["Name"] == f"firstlight-{flavour}-new"
        assert data["MetadataOptions"]["HttpTokens"] == "required"
        assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
        assert data["BlockDeviceMappings"][0]["DeviceName"] == image["RootDeviceName"]
        lines = base64.b64decode(data["UserData"]).decode().splitlines()
        assert dict(line.split("=", 1) for line in lines) == deployment.settings()


def test_a_photo_goes_in_and_comes_out_bright(deployment: Deployment, running: Service) -> None:
    photo = night_jpeg(640, 400)
    job = running.upload(photo)
    assert running.finished(job["id"])["state"] == "done"
    assert is_bright(running, job["id"], photo)
    [machine] = deployment.cloud.region.live()
    assert machine.template == "firstlight-gpu"
    assert machine.subnet in deployment.settings()["SUBNETS"].split(",")
    again = requests.post(f"{running.url}/upload", files={"again": (None, job["id"])}, timeout=60).json()
    assert running.finished(again["id"])["state"] == "done"
    bearer = {"Authorization": f"Bearer {again['owner_token']}"}
    assert requests.delete(f"{running.url}/upload/{again['id']}", headers=bearer, timeout=10).status_code == 204


def test_a_page_elsewhere_sends_into_the_bucket(running: Service) -> None:
    photo, origin = night_jpeg(500, 400), {"Origin": PAGE}
    invited = requests.post(f"{running.url}/upload/direct", json={"size": len(photo)}, headers=origin, timeout=10)
    assert (invited.status_code, invited.headers["Access-Control-Allow-Origin"]) == (201, PAGE)
    form = invited.json()["upload"]
    sent = requests.post(form["url"], data=form["fields"], files={"file": photo}, headers=origin, timeout=30)
    assert sent.status_code == 201
    bearer = {"Authorization": f"Bearer {invited.json()['owner_token']}"}
    confirm = requests.post(running.url + invited.json()["confirm_url"], headers=origin | bearer, timeout=10)
    assert confirm.status_code == 202
    assert running.finished(invited.json()["id"])["state"] == "done"
    assert is_bright(running, invited.json()["id"], photo)


def test_each_call_of_that_journey_is_allowed_to_its_role_and_few_others_are(
    deployment: Deployment, running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request of the API and of the workers, as it went over the wire, against the policies in the account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", API_KEY)
    settings = Settings.read(deployment.settings())
    Orphans(open_ports(settings, clock=now_ms)).collect()  # the tick's, once an hour
    seen: dict[str, set[str]] = {}
    for role, key in (("api", API_KEY), ("worker", WORKER_KEY)):
        document = deployment.policies[role]
        calls = deployment.tap.of(key)
        assert len(calls) > 10
        assert [call for call in calls if not allows([document], call)] == []
        seen[role] = {call.action for call in calls}
        unused = actions(document) - seen[role]
        # What this journey may not show: machines and rows go only after it, a worker looks only for a photo that is
        # gone, removes a result only after a lost race and holds a message longer only for a slow photo, and the
        # account's first spot machine makes EC2 act by itself.
        later = {
            "api": {"ec2:TerminateInstances", "dynamodb:DeleteItem", "iam:CreateServiceLinkedRole"},
            "worker": {"s3:DeleteObject", "s3:ListBucket", "sqs:ChangeMessageVisibility"},
        }
        assert unused <= later[role]
    assert not {each for each in seen["worker"] if each.startswith(("ec2:", "iam:"))}


def operate(deployment: Deployment, running: Service, *words: str) -> str:
    """One of the operator's commands, with the settings that were written; what it printed."""
    environ = {**deployment.environ, **deployment.settings(), "SPOOL": str(running.folder / "spool")}
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT.parent,
        env=environ | {"AWS_ACCESS_KEY_ID": OPERATOR_KEY},
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    ).stdout


def test_the_doctor_finds_it_well(deployment: Deployment, running: Service) -> None:
    report = json.loads(operate(deployment, running, "doctor", "--json"))
    assert [each for each in report["findings"] if each["code"] != "sandbox_incomplete"] == []  # of this machine
    assert report["left_out"] == {}


def test_the_operators_policy_is_enough_to_operate_and_fits_into_iam(deployment: Deployment, running: Service) -> None:
    """Heard on the wire, as for the roles; after the doctor's call. `stop` is judged by the tag of what it ends."""
    job_id = running.upload(night_jpeg(320, 200))["id"]
    assert "PHOTO" in operate(deployment, running, "jobs", "list")
    assert job_id in operate(deployment, running, "jobs", "show", job_id)
    assert "no dead letters" in operate(deployment, running, "jobs", "replay")
    running.finished(job_id)
    assert "SLOT" in operate(deployment, running, "machines", "list")
    assert "asked to end" in operate(deployment, running, "machines", "stop", "--all")
    document, calls = deployment.policies["operator"], deployment.tap.of(OPERATOR_KEY)
    asked = {call.action for call in calls}
    assert {"ec2:TerminateInstances", "servicequotas:GetServiceQuota", "s3:GetBucketPublicAccessBlock"} <= asked
    assert [call for call in calls if not call.action.startswith("sts:") and not allows([document], call)] == []
    ours = {"aws:resourcetag/firstlight-project": ("firstlight",)}
    for action in ("ec2:GetConsoleOutput", "ec2:DeleteVolume"):  # the doctor names them as cures
        kind = "volume" if "Volume" in action else "instance"
        there = f"arn:aws:ec2:us-east-1:123456789012:{kind}/x"
        assert allows([document], Call(action=action, resource=there, context=ours))
        assert not allows([document], Call(action=action, resource=there))
    assert len(json.dumps(document, separators=(",", ":"))) < 5500  # of 6,144; an operator's own subnets may be more


def test_a_host_for_the_api_would_listen_to_browsers_alone_and_know_its_origin(deployment: Deployment) -> None:
    """Planned, not made: the stand-in's EC2 has no machines but the fleet's."""
    chosen = {
        "api_host": True,
        "api_domain": "photos.example.com",
        "api_image": "registry.example.com/firstlight-api:1",
        "api_ami": "ami-12345678",
        "api_zone": "Z0123456789ABC",
        "budget_email": "me@example.com",
        "settings": {"BRIDGE": "1"},
    }
    (deployment.folder / "host.tfvars.json").write_text(json.dumps(chosen))
    plan = deployment.folder / "host.plan"
    deployment.terraform(
        "plan", "-input=false", "-refresh=false", f"-var-file={deployment.folder}/host.tfvars.json", f"-out={plan}"
    )
    planned = json.loads(deployment.terraform("show", "-json", str(plan)))
    made = {each["address"]: each["change"]["after"] for each in planned["resource_changes"]}
    ports = {made[f'aws_vpc_security_group_ingress_rule.host["{port}"]']["from_port"] for port in (80, 443)}
    assert ports == {80, 443}
    host = made["aws_instance.host[0]"]
    assert host["metadata_options"][0]["http_tokens"] == "required"
    assert host["root_block_device"][0]["encrypted"] is True
    assert host["instance_type"] == "t3.small"  # the bridge needs room, and is a worker with the API's role
    may = {each["sid"]: each for each in made["data.aws_iam_policy_document.api"]["statement"]}
    [draining] = [each for each in deployment.policies["worker"]["Statement"] if each["Sid"] == "Queue"]
    assert sorted(may["Bridge"]["actions"]) == sorted(draining["Action"])
    assert may["Bridge"]["resources"] == [draining["Resource"]]
    assert "Bridge" not in {each["Sid"] for each in deployment.policies["api"]["Statement"]}
    assert "firstlight-project" not in json.dumps(host)
    cors = made["aws_s3_bucket_cors_configuration.blobs"]["cors_rule"]
    assert {"https://photos.example.com", PAGE} in [set(each["allowed_origins"]) for each in cors]
    assert planned["planned_values"]["outputs"]["api_url"]["value"] == "https://photos.example.com"
    assert made["aws_route53_record.host[0]"]["name"] == "photos.example.com"
    assert {each["notification_type"] for each in made["aws_budgets_budget.month[0]"]["notification"]} == {
        "ACTUAL",
        "FORECASTED",
    }


def test_subnets_of_two_networks_are_refused_at_the_plan(deployment: Deployment) -> None:
    """The account's own first network, and the one that was made."""
    networks: dict[str, list[str]] = {}
    for each in Clients().client("ec2").describe_subnets()["Subnets"]:
        networks.setdefault(each["VpcId"], []).append(each["SubnetId"])
    (one, *more), (other, *_) = networks.values()

    def plan(*subnets: str) -> str:
        chosen = f"-var=subnets={json.dumps(subnets)}"
        return deployment.terraform(
            "plan", "-input=false", "-refresh=false", "-no-color", "-target=aws_security_group.worker", chosen
        )

    with pytest.raises(subprocess.CalledProcessError) as refused:
        plan(one, other)
    said = " ".join(refused.value.stderr.replace("│", " ").split())
    assert "are of more than one VPC" in said
    assert "name subnets of one VPC" in said
    assert "aws_security_group.worker" in plan(one, more[0])


def test_destroying_ends_its_machines_and_leaves_nothing_but_baked_images(
    deployment: Deployment, running: Service
) -> None:
    """While a machine works and photos lie in the bucket. The API still runs, and must not be able to start another."""
    photo = night_jpeg(640, 400)
    running.upload(photo)
    until(deployment.cloud.region.live, within_s=60)
    assert Clients().client("s3").list_objects_v2(Bucket=deployment.bucket)["KeyCount"] > 0
    said = deployment.command("destroy", within_s=DESTROY_S)
    assert re.search(r"machine i-\w+ ends", said)
    assert "Nothing of it runs." in said
    assert "make bake-clean" in said
    left = inventory(deployment.cloud)
    assert left == deployment.before
    assert len(left["describe_images"]) == 2 * len(FLAVOURS)
    assert not (deployment.kept / "deploy.env").exists()
    assert json.loads(deployment.terraform("show", "-json")).get("values", {}) == {}
    assert "Nothing is deployed." in deployment.command("destroy", within_s=DESTROY_S)
