"""Each role tried on a fake that enforces IAM: our adapters get through, and what it should not do is denied.

The policies are those that `make deploy` has put into the account; the fake, ministack 1.5 with AUTH=true, checks
actions, resources and most conditions. Not enforced there, and so judged by our own reading of the policy language
(tests/deploy/policy.py): `dynamodb:LeadingKeys`, and all that a launch needs, for it knows CreateFleet's parts as `*`.
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from fleet.instance_types import TYPES
from fleet.stand_in.cloud import KEYS
from jobs.clients import Clients, PermissionMissing
from jobs.clock import now_ms
from jobs.errors import BlobNotFound
from jobs.heartbeat import Heartbeat, beat, heartbeats
from jobs.ports import Ports, open_ports
from jobs.provision import Names, Provision
from jobs.settings import Settings
from jobs.table import Row
from tests.deploy.deployment import Deployment
from tests.deploy.policy import Call, allows
from tests.deploy.wire import ACCOUNT, EC2, REGION
from tests.fleet.processes import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
PROGRAM = Path(__file__).resolve().parents[2] / ".venv-ministack" / "bin" / "ministack"
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
HOUR_MS = 3_600_000
THERE, GONE = "0e0e3a4c-5d7e-4a53-9be2-0d2a7f3f1c11", "7f6f0a3a-91a4-4a0e-8a53-2d5b1c9e7d22"


class Account:
    """An account on the fake, with the stores, a stranger's beside them, and a user for each role."""

    def __init__(self, endpoint: str, monkeypatch: pytest.MonkeyPatch, policies: dict[str, Any]) -> None:
        self._endpoint = endpoint
        self._monkeypatch = monkeypatch
        self.be(ACCOUNT, "root")  # to this fake, a number is that account's root
        names = Names(bucket=f"firstlight-{ACCOUNT}-{REGION}", queue="firstlight", table="firstlight")
        provision = Provision(Clients(), names, Settings(), sleep=lambda _: None)
        for step in provision.steps():
            step.do()
        self.settings = Settings(
            blobs=f"s3://{names.bucket}", queue=provision.queue_url, table=f"dynamodb://{names.table}"
        )
        clients = Clients()
        clients.client("s3").create_bucket(Bucket="somebody-elses")
        clients.client("s3").put_object(Bucket="somebody-elses", Key="in/a", Body=b"secret")
        self.dead = clients.client("sqs").get_queue_url(QueueName="firstlight-dead")["QueueUrl"]
        iam = clients.client("iam")
        self._keys = {}
        worker = policies["worker"]
        others = [each for each in worker["Statement"] if each["Sid"] != "ReadPhotos"]
        for role, document in (policies | {"blind-worker": worker | {"Statement": others}}).items():
            iam.create_user(UserName=role)
            iam.put_user_policy(UserName=role, PolicyName=role, PolicyDocument=json.dumps(document))
            made = iam.create_access_key(UserName=role)["AccessKey"]
            self._keys[role] = made["AccessKeyId"], made["SecretAccessKey"]

    def be(self, key: str, secret: str) -> None:
        for name, value in {
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
        }.items():
            self._monkeypatch.setenv(name, value)

    def root(self) -> Clients:
        self.be(ACCOUNT, "root")
        return Clients()

    def as_(self, role: str) -> tuple[Ports, Clients]:
        """The service's own ports and clients, with that role's credentials."""
        self.be(*self._keys[role])
        clients = Clients()
        return open_ports(self.settings, clock=now_ms, clients=clients), clients


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    assert PROGRAM.exists(), "the second fake is missing: make .venv-ministack/.ready (make test-all does it)"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | KEYS
    environ |= {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    with subprocess.Popen([PROGRAM], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            until(lambda: listens(port), within_s=60)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.kill()


@pytest.fixture(scope="module")
def made(endpoint: str, deployment: Deployment) -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        yield Account(endpoint, monkeypatch, deployment.policies)


@pytest.fixture
def account(made: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    made._monkeypatch = monkeypatch
    return made


def is_denied(call: Callable[..., Any], **asked: Any) -> bool:
    """Whether IAM says no. Whatever else goes wrong is raised."""
    try:
        call(**asked)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return True
    return False


def test_the_api_gets_through_with_all_it_does_to_the_stores(account: Account) -> None:
    ports, _ = account.as_("api")
    ports.blobs.put("in/a", io.BytesIO(b"photo"), if_absent=True)
    ports.blobs.copy("in/a", "in/b")
    assert ports.blobs.open("in/b").read() == b"photo"
    assert ports.blobs.look("in/a", first=3).head == b"pho"
    assert sorted(ports.blobs.keys("in/")) == ["in/a", "in/b"]
    ports.blobs.delete("in/b")
    link = ports.blobs.link("in/a", seconds=60, filename="a.jpg", media_type="image/jpeg")
    assert requests.get(link, timeout=10).content == b"photo"
    form = ports.blobs.admit("in/c", size=5, seconds=60)
    assert requests.post(form.url, data=form.fields, files={"file": b"photo"}, timeout=10).status_code == 201
    ports.queue.send("a")
    assert ports.queue.depth().visible == 1
    row = ports.table.insert(Row(key="job/a", doc="{}", due_ms=1, group="queued"))
    row = ports.table.replace(row)
    assert list(ports.table.read_many(["job/a"])) == ["job/a"]
    assert [each.key for each in ports.table.due(now=2, limit=9)] == ["job/a"]
    assert ports.table.count("queued") == 1
    assert ports.table.add("spent", 3, limit=5, expires_ms=now_ms() + HOUR_MS, now=now_ms()) == 3
    ports.table.delete(row)


def test_a_worker_gets_through_with_all_it_does(account: Account) -> None:
    ports, _ = account.as_("api")
    ports.blobs.put("in/w", io.BytesIO(b"photo"))
    ports.queue.send("w")
    ports, _ = account.as_("worker")
    assert ports.blobs.open("in/w").read() == b"photo"
    ports.blobs.put("out/w/1", io.BytesIO(b"bright"))
    ports.blobs.delete("out/w/1")
    message = ports.queue.receive(wait_s=1, visibility_s=30)
    ports.queue.change_visibility(message, 60)
    ports.queue.delete(message)
    sign = Heartbeat(worker="w", slot=0, epoch=1, state="ready", started_ms=1, beat_ms=now_ms())
    beat(ports.table, sign)
    beat(ports.table, sign)
    ports, _ = account.as_("api")
    assert [each.worker for each in heartbeats(ports.table, since_ms=0)] == ["w"]


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_photo_that_is_gone_is_missing_and_not_forbidden(account: Account, role: str) -> None:
    ports, _ = account.as_(role)
    with pytest.raises(BlobNotFound, match=f"in/{GONE}"):
        ports.blobs.open(f"in/{GONE}")


def test_a_worker_that_may_not_read_is_told_so_and_takes_nothing_for_gone(account: Account) -> None:
    ports, _ = account.as_("api")
    ports.blobs.put(f"in/{THERE}", io.BytesIO(b"photo"))
    ports, _ = account.as_("worker")
    assert ports.blobs.open(f"in/{THERE}").read() == b"photo"
    ports, _ = account.as_("blind-worker")
    with pytest.raises(PermissionMissing):
        ports.blobs.open(f"in/{THERE}")


def test_a_worker_is_denied_what_it_should_not_do(account: Account) -> None:
    bucket, queue = account.settings.blobs.removeprefix("s3://"), account.settings.queue
    _, clients = account.as_("worker")
    s3, sqs, dynamodb, ec2, iam = (clients.client(each) for each in ("s3", "sqs", "dynamodb", "ec2", "iam"))
    key = {"row_key": {"S": "job/a"}}
    tries: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (ec2.describe_instances, {}),
        (ec2.run_instances, {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}),
        (ec2.terminate_instances, {"InstanceIds": ["i-0123456789abcdef0"]}),
        (ec2.create_tags, {"Resources": ["i-0123456789abcdef0"], "Tags": [{"Key": "a", "Value": "b"}]}),
        (s3.list_buckets, {}),
        (s3.list_objects_v2, {"Bucket": "somebody-elses"}),
        (s3.list_objects_v2, {"Bucket": bucket}),
        (s3.list_objects_v2, {"Bucket": bucket, "Prefix": "in/"}),
        (s3.list_objects_v2, {"Bucket": bucket, "Prefix": f"in/{GONE[:-1]}"}),
        (s3.list_objects_v2, {"Bucket": bucket, "Prefix": f"out/{GONE}"}),
        (s3.get_object, {"Bucket": bucket, "Key": "out/a/1"}),
        (s3.get_object, {"Bucket": "somebody-elses", "Key": "in/a"}),
        (s3.put_object, {"Bucket": bucket, "Key": "in/forged", "Body": b""}),
        (s3.delete_object, {"Bucket": bucket, "Key": "in/a"}),
        (s3.delete_bucket, {"Bucket": bucket}),
        (sqs.send_message, {"QueueUrl": queue, "MessageBody": "forged"}),
        (sqs.purge_queue, {"QueueUrl": queue}),
        (sqs.receive_message, {"QueueUrl": account.dead}),
        (dynamodb.delete_table, {"TableName": "firstlight"}),
        (dynamodb.scan, {"TableName": "firstlight"}),
        (dynamodb.delete_item, {"TableName": "firstlight", "Key": key}),
        (dynamodb.put_item, {"TableName": "firstlight", "Item": key}),
        (dynamodb.get_item, {"TableName": "another", "Key": key}),
        (dynamodb.list_tables, {}),
        (iam.list_users, {}),
        (iam.create_access_key, {"UserName": "api"}),
        (clients.client("sts").assume_role, {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/x", "RoleSessionName": "xx"}),
    ]
    assert [call.__name__ for call, asked in tries if not is_denied(call, **asked)] == []


def test_the_api_is_denied_what_it_should_not_do(account: Account) -> None:
    bucket, queue = account.settings.blobs.removeprefix("s3://"), account.settings.queue
    _, clients = account.as_("api")
    s3, sqs, dynamodb, ec2, iam = (clients.client(each) for each in ("s3", "sqs", "dynamodb", "ec2", "iam"))
    tries: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (s3.list_buckets, {}),
        (s3.get_object, {"Bucket": "somebody-elses", "Key": "in/a"}),
        (s3.put_bucket_policy, {"Bucket": bucket, "Policy": "{}"}),
        (s3.delete_bucket, {"Bucket": bucket}),
        (sqs.receive_message, {"QueueUrl": queue}),
        (sqs.purge_queue, {"QueueUrl": queue}),
        (sqs.send_message, {"QueueUrl": account.dead, "MessageBody": "forged"}),
        (dynamodb.delete_table, {"TableName": "firstlight"}),
        (dynamodb.scan, {"TableName": "firstlight"}),
        (ec2.run_instances, {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}),
        (ec2.create_launch_template, {"LaunchTemplateName": "mine", "LaunchTemplateData": {"ImageId": "ami-1"}}),
        (ec2.stop_instances, {"InstanceIds": ["i-0123456789abcdef0"]}),
        (ec2.authorize_security_group_ingress, {"GroupId": "sg-12345678", "IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}),
        (iam.create_access_key, {"UserName": "worker"}),
        (iam.attach_user_policy, {"UserName": "api", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (clients.client("sts").assume_role, {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/x", "RoleSessionName": "xx"}),
    ]
    assert [call.__name__ for call, asked in tries if not is_denied(call, **asked)] == []


def test_the_api_ends_machines_of_its_project_alone(account: Account, deployment: Deployment) -> None:
    """The fake knows no machine's tags, and so denies all; that ours is allowed is our own reading."""
    made = account.root().client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    name = made["Instances"][0]["InstanceId"]
    _, clients = account.as_("api")
    assert clients.client("ec2").describe_instances()["Reservations"]
    assert is_denied(clients.client("ec2").terminate_instances, InstanceIds=[name])
    for project in ("firstlight", "another"):
        tag = {"aws:resourcetag/firstlight-project": (project,)}
        end = Call(action="ec2:TerminateInstances", resource=f"{EC2}:instance/{name}", context=tag)
        assert allows([deployment.policies["api"]], end) == (project == "firstlight")


def test_a_launch_is_of_our_images_in_our_network_with_our_role_and_tag(deployment: Deployment) -> None:
    """Judged by our own reading of the policy language."""
    mine = {"aws:requesttag/firstlight-project": ("firstlight",)}
    other = {"aws:requesttag/firstlight-project": ("another",)}
    to_ec2, to_lambda = ({"iam:passedtoservice": (f"{each}.amazonaws.com",)} for each in ("ec2", "lambda"))
    launch, fleet = "ec2:RunInstances", "ec2:CreateFleet"
    role = f"arn:aws:iam::{ACCOUNT}:role"
    spot = f"{role}/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    copied = mine | {"ec2:createaction": ("CopyImage",)}
    denied = [
        Call(action=launch, resource=f"{EC2}:instance/*"),
        Call(action=launch, resource=f"{EC2}:instance/*", context=other),
        Call(action=launch, resource=f"{EC2}:volume/*"),
        Call(action=launch, resource=f"arn:aws:ec2:{REGION}::image/ami-00000000000000000", context=mine),
        Call(action=launch, resource=f"{EC2}:subnet/subnet-00000000", context=mine),
        Call(action=launch, resource=f"{EC2}:security-group/sg-00000000", context=mine),
        Call(action=launch, resource=f"{EC2}:launch-template/lt-00000000", context=mine),
        Call(action=fleet, resource=f"{EC2}:launch-template/lt-00000000", context=mine),
        Call(action=launch, resource=f"{EC2}:key-pair/mine", context=mine),
        Call(action="ec2:CreateTags", resource=f"{EC2}:instance/i-0", context=mine),
        Call(action="ec2:CreateTags", resource=f"{EC2}:instance/i-0", context=copied),
        Call(action="ec2:TerminateInstances", resource=f"{EC2}:instance/i-0"),
        Call(action="iam:PassRole", resource=f"{role}/firstlight-api-{REGION}", context=to_ec2),
        Call(action="iam:PassRole", resource=f"{role}/Admin", context=to_ec2),
        Call(action="iam:PassRole", resource=f"{role}/firstlight-worker-{REGION}", context=to_lambda),
        Call(
            action="iam:CreateServiceLinkedRole",
            resource=spot,
            context={"iam:awsservicename": ("autoscaling.amazonaws.com",)},
        ),
    ]
    api = deployment.policies["api"]
    assert [call for call in denied if allows([api], call)] == []
    for type_, ours in {**{each.name: True for each in TYPES}, "p5.4xlarge": False, "g6.48xlarge": False}.items():
        wanted = mine | {"ec2:instancetype": (type_,)}
        assert allows([api], Call(action=launch, resource=f"{EC2}:instance/*", context=wanted)) is ours


@pytest.mark.parametrize("key", ["counter/dollars/1", "slot/0", "order/0", "guest/a", "key/a"])
def test_a_worker_cannot_change_money_machines_or_invitations(deployment: Deployment, key: str) -> None:
    """Judged by our own reading of the policy language; its heartbeat and jobs it can."""
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/firstlight"
    worker = [deployment.policies["worker"]]

    def write(*keys: str) -> Call:
        return Call(action="dynamodb:UpdateItem", resource=table, context={"dynamodb:leadingkeys": keys})

    assert not allows(worker, write(key))
    assert not allows(worker, write("job/a", key))
    assert allows(worker, write("job/a"))
    assert not allows(worker, Call(action="dynamodb:Query", resource=f"{table}/index/due"))
