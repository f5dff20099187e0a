"""Terraform's files against the code that will meet what they make."""

from __future__ import annotations

import json
import re

import pytest

from ami.host.launch import NAME, VALUE
from fleet.requests import PROJECT_TAG
from jobs.clients import Clients
from jobs.provision import DAY_S, MAX_RECEIVES, RETENTION_S, TABLE_LAYOUT, Names, Provision
from jobs.settings import Settings
from tests.deploy.configuration import ROOT, resources, variables


def takes(variable: str, value: str, *, place: int = 0) -> bool:
    """Whether a variable's pattern, the one in that place, takes this value."""
    patterns = re.findall(r'regex\("(.*?)",', variables()[variable]["validation"][0]["condition"])
    return bool(re.search(patterns[place].replace("\\\\", "\\"), value))


def test_the_table_is_the_one_that_the_code_reads() -> None:
    table = resources()["aws_dynamodb_table.rows"]
    types = table["dynamic"][0]["attribute"]["for_each"]
    made = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": type_} for name, type_ in types.items()],
        "KeySchema": [{"AttributeName": table["hash_key"], "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index["name"],
                "KeySchema": [
                    {"AttributeName": index["hash_key"], "KeyType": "HASH"},
                    {"AttributeName": index["range_key"], "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": index["projection_type"]},
            }
            for index in table["global_secondary_index"]
        ],
        "BillingMode": table["billing_mode"],
    }
    assert made == TABLE_LAYOUT
    assert table["ttl"] == [{"attribute_name": "expires_s", "enabled": True}]


def test_queue_and_bucket_keep_things_as_long_as_setup_says() -> None:
    defaults = Settings()
    given = {name: facts.get("default") for name, facts in variables().items()}
    assert (given["keep_s"], given["job_deadline_s"], given["lease_s"]) == (
        defaults.keep_s,
        defaults.job_deadline_s,
        defaults.lease_s,
    )
    provision = Provision(Clients(), Names(bucket="b", queue="q", table="t"), defaults)
    text = (ROOT / "stores.tf").read_text()
    days, more = re.search(r"blob_days = ceil\(\(.*\) / (\d+)\) \+ (\d+)", text).groups()
    whole = -(-(given["job_deadline_s"] + given["keep_s"]) // int(days)) + int(more)
    assert (int(days), whole) == (DAY_S, provision._days())
    assert eval(re.search(r"message_s = ([\d *]+)", text)[1]) == RETENTION_S
    redrive = resources()["aws_sqs_queue.jobs"]["redrive_policy"]
    assert int(re.search(r"maxReceiveCount\D+(\d+)", redrive)[1]) == MAX_RECEIVES >= 20


def test_the_bucket_is_closed_and_forgets() -> None:
    known = resources()
    closed = known["aws_s3_bucket_public_access_block.blobs"]
    assert all(closed[each] is True for each in closed if each != "bucket")
    assert len(closed) == 5
    rule = known["aws_s3_bucket_server_side_encryption_configuration.blobs"]["rule"][0]
    assert rule["apply_server_side_encryption_by_default"] == [{"sse_algorithm": "AES256"}]
    assert not [each for each in known if each.startswith("aws_s3_bucket_versioning")]
    assert all(known[f"aws_sqs_queue.{each}"]["sqs_managed_sse_enabled"] for each in ("jobs", "dead"))


def test_a_machine_ends_with_its_host_and_tells_its_tags_to_nobody_but_itself() -> None:
    template = resources()["aws_launch_template.worker"]
    assert template["instance_initiated_shutdown_behavior"] == "terminate"
    assert template["metadata_options"] == [
        {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
            "instance_metadata_tags": "enabled",
        }
    ]
    disk = template["block_device_mappings"][0]["ebs"][0]
    assert (disk["encrypted"], disk["delete_on_termination"], disk["volume_type"]) == (True, True, "gp3")
    assert not {"subnet_id", "network_interfaces", "instance_market_options", "key_name"} & set(template)


def test_nobody_can_reach_a_worker() -> None:
    worker = "${aws_security_group.worker.id}"
    rules = {each: body for each, body in resources().items() if body.get("security_group_id") == worker}
    assert list(rules) == ["aws_vpc_security_group_egress_rule.worker"]
    assert {rules["aws_vpc_security_group_egress_rule.worker"][each] for each in ("from_port", "to_port")} == {443}
    assert not {"ingress", "egress"} & set(resources()["aws_security_group.worker"])


def test_the_settings_are_ones_that_the_service_and_a_machine_know() -> None:
    names = re.findall(r"^    ([A-Z_]+) +=", (ROOT / "settings.tf").read_text(), re.MULTILINE)
    assert {"BLOBS", "QUEUE", "TABLE", "FLEET", "SUBNETS", "IDLE_S"} <= set(names)
    assert set(names) - {each.upper() for each in Settings().environ()} == {"AWS_DEFAULT_REGION"}
    assert all(VALUE.fullmatch(sign) for sign in map(chr, range(32, 127)) if takes("settings", sign, place=1))
    assert all(NAME.fullmatch(name) for name in names)


def test_the_api_host_is_no_machine_of_the_fleet() -> None:
    """The reaper ends whatever carries the project's tag and no slot."""
    assert PROJECT_TAG not in json.dumps(resources()["aws_instance.host"])
    tagged = [each for each, body in resources().items() if PROJECT_TAG in json.dumps(body.get("tags", ""))]
    assert tagged == ["aws_subnet.own"]
    assert PROJECT_TAG not in (ROOT / "versions.tf").read_text().split("default_tags")[1].split("}")[0]


@pytest.mark.parametrize("name", ["README.md", "host.sh.tftpl"])
def test_nothing_in_it_is_a_secret(name: str) -> None:
    assert not re.search(
        r"AKIA[0-9A-Z]{12}|BEGIN [A-Z ]*PRIVATE KEY|aws_secret_access_key *= *\S", (ROOT / name).read_text()
    )


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        ("api_domain", "photos.example.com", "https://photos.example.com"),
        ("api_domain", "a-1.b.example", "photos.example.com/"),
        ("api_domain", "", "photos"),
        ("api_image", "registry.example.com:5000/a/b@sha256:0a", "a' ; reboot '"),
        ("api_source", "https://example.com/firstlight.git#v1", "git@example.com:firstlight.git"),
        ("allowed_origins", "http://127.0.0.1:8080", "https://a.example$(reboot)"),
        ("allowed_origins", "https://a.example", "https://a.example/"),
    ],
)
def test_what_a_newcomer_mistypes_is_refused_before_it_reaches_a_shell(variable: str, good: str, bad: str) -> None:
    assert takes(variable, good)
    assert not takes(variable, bad)


@pytest.mark.parametrize("sign", list(" ;&|$`'\"()<>\\!#~\n"))
def test_a_setting_is_a_word_to_any_shell(sign: str) -> None:
    """`. var/deploy.env` reads it."""
    assert not takes("settings", f"a{sign}b", place=1)


def test_the_address_is_there_before_the_host_downloads() -> None:
    """Associated with a host that runs, it takes the place of the address that its first boot works through."""
    assert "aws_eip.host" in str(resources()["aws_instance.host"]["depends_on"])
    assert "instance" not in resources()["aws_eip.host"]


def test_two_regions_of_an_account_are_no_trouble_to_each_other() -> None:
    """What an account has once, for all its regions, carries the region in its name."""
    known = resources()
    for kind in ("aws_iam_role", "aws_iam_policy", "aws_budgets_budget", "aws_s3_bucket"):
        for address, body in known.items():
            if address.startswith(f"{kind}."):
                assert "local.region" in body.get("name", body.get("bucket")), address
