"""How AWS clients are made: late, once a process, with bounded waits, for any endpoint."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from jobs.clients import CONNECT_S, READ_S, TRIES, Clients, Declined, PermissionMissing, reaching
from jobs.clock import now_ms
from jobs.errors import StoreBusy, StoreUnusable
from jobs.ports import open_ports
from jobs.queue import SqsQueue
from jobs.settings import Settings


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's real account, and no question to the link-local address."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", os.devnull),
        ("AWS_SHARED_CREDENTIALS_FILE", os.devnull),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
    ):
        monkeypatch.setenv(name, value)


def test_waits_and_tries_are_bounded() -> None:
    config = Clients().client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (CONNECT_S, READ_S)
    assert config.retries == {"mode": "standard", "total_max_attempts": TRIES}
    assert Clients().client("sqs", read_s=30).meta.config.read_timeout == 30


def test_a_process_has_one_client_of_a_kind_and_its_child_another() -> None:
    clients = Clients()
    mine = clients.client("sqs")
    assert clients.client("sqs") is mine
    assert clients.client("sqs", read_s=30) is not mine
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, b"other" if clients.client("sqs") is not mine else b"same!")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 5) == b"other"
    os.close(reading)
    os.close(writing)


def test_threads_that_come_at_once_get_the_same_client() -> None:
    clients = Clients()
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(clients.client("sqs"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert len({id(client) for client in got}) == 1


def test_an_s3_of_somebody_else_is_addressed_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def link() -> str:
        return Clients().client("s3").generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "in/a"})

    assert link().startswith("https://photos.s3.")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example:9000")
    assert link().startswith("http://store.example:9000/photos/in/a?")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link()


def test_without_a_region_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(StoreUnusable, match="AWS_DEFAULT_REGION"):
        Clients().client("dynamodb")
    assert Clients(region="eu-west-1").client("dynamodb").meta.region_name == "eu-west-1"


def test_without_credentials_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    client = Clients().client("sqs")
    with pytest.raises(StoreUnusable, match="AWS_ACCESS_KEY_ID"), reaching("queue"):
        client.list_queues()


SSO = "sso_session = my\nsso_account_id = 123456789012\nsso_role_name = x\n[sso-session my]\nsso_region = us-east-1\n"


@pytest.mark.parametrize(
    ("config", "environ", "cure"),
    [
        ("", {"AWS_PROFILE": "nothere"}, "correct AWS_PROFILE"),
        ("", {"AWS_DEFAULT_REGION": "us east 1"}, "AWS_DEFAULT_REGION"),
        ("", {"AWS_ENDPOINT_URL": "localhost:1"}, "set AWS_ENDPOINT_URL to http://HOST:PORT"),
        ("[default\nregion", {}, "~/.aws/config"),
        ("[profile p]\nrole_arn = r\nsource_profile = none\n", {"AWS_PROFILE": "p"}, "~/.aws/config"),
        (f"[profile p]\n{SSO}sso_start_url = https://a.example\n", {"AWS_PROFILE": "p"}, "run `aws sso login`"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_with_its_cure(
    config: str, environ: dict[str, str], cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in that has ended is what an operator meets most."""
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnusable, match=cure), reaching("sqs"):
        Clients().client("sqs").list_queues()


def test_a_store_that_does_not_answer_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    client = Clients().client("sqs", tries=1)
    with pytest.raises(StoreBusy) as busy, reaching("queue"):
        client.list_queues()
    assert not isinstance(busy.value, StoreUnusable)


@pytest.mark.parametrize(
    ("code", "status", "fact"),
    [
        ("NoSuchBucket", 404, StoreUnusable),
        ("AccessDenied", 403, PermissionMissing),
        ("ExpiredToken", 400, StoreUnusable),
        ("SlowDown", 503, StoreBusy),
        ("InternalError", 500, StoreBusy),
        ("ThrottlingException", 400, StoreBusy),
        ("NoSuchKey", 404, Declined),
        ("ConditionalCheckFailedException", 400, Declined),
    ],
)
def test_what_a_service_answers_becomes_a_fact(code: str, status: int, fact: type[Exception]) -> None:
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(fact) as told, reaching("store"):
        raise ClientError(answer, "Something")
    assert type(told.value) is fact


def test_each_request_is_told_as_it_goes_out_retries_included(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    heard: list[tuple[str, str]] = []
    clients = Clients(heard=lambda service, operation: heard.append((service, operation)))
    with pytest.raises(StoreBusy), reaching("queue"):
        clients.client("sqs", tries=2).list_queues()
    assert heard == [("sqs", "ListQueues")] * 2


def test_a_laptop_loads_no_boto3() -> None:
    script = (
        "import sys\nfrom jobs.clock import now_ms\nfrom jobs.ports import open_ports\n"
        "from jobs.settings import Settings\n"
        "open_ports(Settings(blobs='file:/nowhere', queue='sqlite::memory:', table='sqlite::memory:'), clock=now_ms)\n"
        "print([name for name in sys.modules if name.startswith(('boto', 'urllib3'))])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_what_speaks_to_aws_is_made_beside_other_work() -> None:
    clients = Clients()
    stores = Settings(
        blobs="s3://photos", queue="https://sqs.eu-west-1.amazonaws.com/1/a", table="dynamodb://firstlight"
    )
    ports = open_ports(stores, clock=now_ms, clients=clients)
    ports.warm()
    for thread in threading.enumerate():
        if thread.name == "clients":
            thread.join(20)
    made = set(clients._made.values())
    assert {client.meta.service_model.service_name for client in made} == {"s3", "sqs", "dynamodb"}
    assert isinstance(ports.queue, SqsQueue)
    assert ports.queue.client() in made


def test_without_a_region_warming_leaves_the_complaint_to_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    ports = open_ports(Settings(table="dynamodb://firstlight"), clock=now_ms)
    ports.warm()
    with pytest.raises(StoreUnusable, match="AWS_DEFAULT_REGION"):
        ports.table.read("a")
