"""Making the stores: all they need, once, and said in words."""

from __future__ import annotations

import json
import uuid

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from jobs.blobs import S3Blobs
from jobs.clock import now_ms
from jobs.errors import StoreUnusable
from jobs.provision import MAX_RECEIVES
from jobs.queue import SqsQueue
from jobs.table import DynamoTable
from tests.jobs.clouds import Cloud


def a_name() -> str:
    return f"firstlight-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def cloud(moto: Cloud) -> Cloud:
    return moto


def setup(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["setup", *arguments])


def test_what_was_made_is_private_short_lived_and_named_by_the_settings_it_prints(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://photos.example")
    name = a_name()
    made = setup("--name", name)
    assert made.exit_code == 0, made.output
    lines = dict(line.removeprefix("  export ").split("=", 1) for line in made.output.splitlines() if "export" in line)
    bucket = f"{name}-123456789012-us-east-1"
    assert lines["BLOBS"] == f"s3://{bucket}"
    assert lines["TABLE"] == f"dynamodb://{name}"
    assert lines["QUEUE"].endswith(f"/123456789012/{name}")

    s3, sqs, dynamodb = (cloud.clients.client(service) for service in ("s3", "sqs", "dynamodb"))
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"] == {"Days": 3}
    read, write = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert (read["AllowedMethods"], read["AllowedOrigins"]) == (["GET", "HEAD"], ["*"])
    assert (write["AllowedMethods"], write["AllowedOrigins"]) == (["POST"], ["https://photos.example"])

    queue = sqs.get_queue_attributes(QueueUrl=lines["QUEUE"], AttributeNames=["All"])["Attributes"]
    redrive = json.loads(queue["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == MAX_RECEIVES >= 20
    assert redrive["deadLetterTargetArn"].endswith(f"{name}-dead")

    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert {each["Projection"]["ProjectionType"] for each in table["GlobalSecondaryIndexes"]} == {"KEYS_ONLY"}
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_s")


def test_to_make_it_again_changes_nothing_and_keeps_what_is_there(cloud: Cloud) -> None:
    name = a_name()
    first = setup("--name", name, "--bucket", name)
    cloud.clients.client("s3").put_object(Bucket=name, Key="in/a", Body=b"photo")
    again = setup("--name", name, "--bucket", name)
    assert (again.exit_code, again.output) == (0, first.output)
    assert cloud.clients.client("s3").get_object(Bucket=name, Key="in/a")["Body"].read() == b"photo"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(cloud: Cloud) -> None:
    name = a_name()
    told = setup("--name", name, "--dry-run")
    assert told.exit_code == 0
    assert f"bucket {name}-123456789012-us-east-1" in told.output
    assert f"table {name}" in told.output
    assert "export" not in told.output
    assert name not in cloud.clients.client("dynamodb").list_tables()["TableNames"]


def test_without_an_account_the_cure_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    told = setup("--bucket", "photos")
    assert told.exit_code == 1
    assert "set AWS_ACCESS_KEY_ID" in told.output
    assert "Traceback" not in told.output


def test_a_store_that_was_never_made_says_so(cloud: Cloud) -> None:
    with pytest.raises(StoreUnusable, match="firstlight setup"):
        S3Blobs("never-made", "", cloud.clients).open("in/a")
    with pytest.raises(StoreUnusable, match="firstlight setup"):
        SqsQueue(f"{cloud.endpoint}/123456789012/never-made", cloud.clients, clock=now_ms).send("a")
    with pytest.raises(StoreUnusable, match="firstlight setup"):
        DynamoTable("never-made", cloud.clients).read("a")
