"""The stand-in over HTTP: boto3 in front, real processes behind, and everything that EC2 does and moto does not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.ec2 import Ec2Fleet
from fleet.fleets import READ_S, TRIES, open_fleet
from fleet.machines import LaunchRefused, NoCapacity, SlotTaken
from fleet.stand_in.cloud import KEYS, LocalCloud
from jobs.clients import Clients
from jobs.errors import StoreBusy
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.processes import is_alive, until, worker
from worker.notice import Metadata, Notice

CLOUD = Settings(fleet="ec2:lamp")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One cloud for all tests here: its start takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        cloud = LocalCloud(
            environ=os.environ,
            logs=tmp_path_factory.mktemp("machines"),
            command=worker("tells_its_environment"),
        )
        cloud.account.put_template("lamp", {"BLOBS": "s3://photos", "ENGINE": "torch"})
        yield cloud
        cloud.close()


@pytest.fixture
def empty(aws: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An emptied region, to which the environment leads."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    aws.region.instances.clear()
    aws.region.tokens.clear()
    yield
    aws.hosts.end_all()
    until(lambda: not aws.region.live())


@pytest.fixture
def fleet(empty: None, ports: Ports, clients: Clients) -> Ec2Fleet:
    return open_fleet(CLOUD, ports, clients=clients)


@pytest.fixture(scope="module")
def clients(aws: LocalCloud) -> Clients:
    """Shared: to make them takes longer than most of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        shared = Clients()
        shared.client("ec2", read_s=READ_S, tries=TRIES)
    return shared


def said(aws: LocalCloud, name: str) -> list[str]:
    log = aws.hosts._logs / f"{name}.log"
    return log.read_text().splitlines() if log.exists() else []


def running(aws: LocalCloud, name: str) -> int:
    until(lambda: said(aws, name))
    pid = aws.hosts.worker(name)
    assert pid is not None
    return pid


def test_a_launched_instance_runs_a_worker_with_its_slot_its_user_data_and_its_own_metadata(
    aws: LocalCloud, fleet: Ec2Fleet
) -> None:
    machine = fleet.launch(0, 3)
    assert fleet.machines()[0].name == machine.name
    running(aws, machine.name)
    told = json.loads(said(aws, machine.name)[0])
    assert told["arguments"] == ["--slot", "0", "--epoch", "3"]
    assert told["environ"]["BLOBS"] == "s3://photos"
    assert told["environ"]["ENGINE"] == "torch"
    assert told["environ"]["AWS_ENDPOINT_URL"] == aws.endpoint
    assert told["environ"]["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == f"{aws.endpoint}/imds/{machine.name}"
    (instance,) = aws.region.live()
    assert instance.zone == aws.region.subnets[instance.subnet]


def test_terminating_an_instance_ends_its_worker_by_sigterm(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    machine = fleet.launch(0, 1)
    pid = running(aws, machine.name)
    fleet.stop(machine, kill=False)
    until(lambda: not is_alive(pid))
    assert fleet.machines() == []
    until(lambda: said(aws, machine.name)[-1] == "ended in peace")


def test_an_instance_whose_worker_ends_is_terminated(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    machine = fleet.launch(0, 1)
    os.kill(running(aws, machine.name), signal.SIGTERM)
    until(lambda: not aws.region.live())
    assert aws.region.instances[machine.name].why == "Client.InstanceInitiatedShutdown"


def test_an_interruption_without_notice_pulls_the_plug(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    machine = fleet.launch(0, 1)
    pid = running(aws, machine.name)
    aws.region.end(machine.name, why="Server.SpotInstanceTermination")
    until(lambda: not is_alive(pid))
    assert said(aws, machine.name)[1:] == []


def test_an_interruption_is_announced_to_the_instance_and_then_happens(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    machine = fleet.launch(0, 1)
    pid = running(aws, machine.name)
    metadata = Metadata(f"{aws.endpoint}/imds/{machine.name}")
    assert metadata.notice() is None
    aws.region.recommend(machine.name)
    advised = metadata.notice()
    assert isinstance(advised, Notice)
    assert advised.kind == "rebalance"
    aws.region.announce(machine.name, in_ms=500)
    noticed = metadata.notice()
    assert isinstance(noticed, Notice)
    assert noticed.kind == "interruption"
    until(lambda: not is_alive(pid))
    assert aws.region.live() == []


def test_a_lost_answer_leaves_a_machine_that_the_same_epoch_finds(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    aws.region.weather.next["CreateFleet"] = ["lost_after"] * TRIES
    with pytest.raises(StoreBusy):
        fleet.launch(0, 1)
    (instance,) = aws.region.live()
    assert fleet.launch(0, 1).name == instance.id


def test_botocore_itself_repeats_a_lost_call_with_the_same_token(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    aws.region.weather.next["CreateFleet"] = ["lost_after"]
    assert fleet.launch(0, 1).name == aws.region.live()[0].id
    assert len(aws.region.live()) == 1


def test_ec2s_refusals_arrive_as_ec2_words_them(aws: LocalCloud, fleet: Ec2Fleet, clients: Clients) -> None:
    ec2 = clients.client("ec2", read_s=READ_S, tries=TRIES)
    fleet.launch(0, 1)
    (token,) = aws.region.tokens
    wanted = dict(aws.region.tokens[token].wanted)
    again = ec2.create_fleet(**wanted, ClientToken=token)
    assert again["Instances"][0]["InstanceIds"] == [aws.region.live()[0].id]
    with pytest.raises(ec2.exceptions.ClientError, match="IdempotentParameterMismatch"):
        ec2.create_fleet(**wanted | {"Type": "request"}, ClientToken=token)
    ec2.terminate_instances(InstanceIds=[aws.region.live()[0].id])
    with pytest.raises(SlotTaken):
        fleet.launch(0, 1)
    with pytest.raises(ec2.exceptions.ClientError, match="IdempotentInstanceTerminated"):
        ec2.create_fleet(**wanted, ClientToken=token)


def test_a_template_that_is_not_there_is_the_operators_matter(empty: None, ports: Ports, clients: Clients) -> None:
    fleet = open_fleet(Settings(fleet="ec2:candle"), ports, clients=clients)
    with pytest.raises(LaunchRefused, match="see FLEET"):
        fleet.launch(0, 1)


def test_a_launch_is_listed_with_its_type_and_price(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    aws.region.weather.dry_pools = {"spot": "InsufficientInstanceCapacity"}
    for epoch in (1, 2):
        with pytest.raises(NoCapacity):
            fleet.launch(0, epoch)
    machine = fleet.launch(0, 3)
    aws.region.weather.dry_pools = {}
    assert machine.usd_per_hour == fleet.machines()[0].usd_per_hour == 0.526


def test_metadata_wants_a_session_and_knows_the_instance(aws: LocalCloud, fleet: Ec2Fleet, tmp_path: Path) -> None:
    import requests

    machine = fleet.launch(2, 9)
    at = f"{aws.endpoint}/imds/{machine.name}/latest"
    assert requests.get(f"{at}/meta-data/instance-id", timeout=60).status_code == 401
    token = requests.put(f"{at}/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}, timeout=60).text
    session = {"X-aws-ec2-metadata-token": token}

    def told(path: str) -> str:
        return requests.get(f"{at}/meta-data/{path}", headers=session, timeout=60).text

    assert told("instance-id") == machine.name
    assert told("tags/instance/firstlight-slot") == "2"
    assert told("tags/instance/firstlight-epoch") == "9"
    role = told("iam/security-credentials/")
    assert json.loads(told(f"iam/security-credentials/{role}"))["Code"] == "Success"
    assert requests.get(f"{at}/meta-data/spot/instance-action", headers=session, timeout=60).status_code == 404


def test_everything_else_of_aws_is_there_too(aws: LocalCloud, clients: Clients) -> None:
    s3 = clients.client("s3", endpoint=aws.endpoint)
    s3.create_bucket(Bucket="a-bucket")
    s3.put_object(Bucket="a-bucket", Key="k", Body=b"photo")
    assert s3.get_object(Bucket="a-bucket", Key="k")["Body"].read() == b"photo"
    assert clients.client("sqs", endpoint=aws.endpoint).create_queue(QueueName="q")["QueueUrl"]
    tables = clients.client("dynamodb", endpoint=aws.endpoint)
    tables.create_table(
        TableName="a-table",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert "a-table" in tables.list_tables()["TableNames"]  # beside those of other tests in this process


def test_a_demonstration_may_interrupt_by_hand(aws: LocalCloud, fleet: Ec2Fleet) -> None:
    import requests

    machine = fleet.launch(0, 1)
    at = f"{aws.endpoint}/stand-in"
    assert requests.get(f"{at}/instances", timeout=60).json()[machine.name]["state"] == "running"
    assert requests.post(f"{at}/interrupt/{machine.name}", json={"notice": False}, timeout=60).status_code == 204
    assert aws.region.live() == []
    assert requests.post(f"{at}/interrupt/i-0", json={}, timeout=60).status_code == 404
    assert requests.post(f"{at}/weather", json={"throttled": 0.0}, timeout=60).status_code == 204
