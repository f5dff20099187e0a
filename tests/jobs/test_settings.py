"""Settings: every default is the laptop, every name is in README's table, what cannot work is refused in words."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.settings import BadSetting, Settings

README = Path(__file__).parents[2] / "README.md"


def test_an_empty_environment_is_the_laptop() -> None:
    assert Settings.read({}) == Settings()
    assert Settings.read({"PORT": "", "MAX_MACHINES": "  "}) == Settings()


def test_each_field_is_read_from_its_name_in_capitals() -> None:
    settings = Settings.read({"PORT": " 9090 ", "LEASE_S": "40.5", "BLOBS": "file:/data", "PATH": "/bin"})
    assert (settings.port, settings.lease_s, settings.blobs) == (9090, 40.5, "file:/data")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT='eighty' is not a number"),
        ({"MAX_MACHINES": "1.5"}, "MAX_MACHINES='1.5' is not a number"),
        ({"MAX_MACHINES": "-1"}, "MAX_MACHINES must not be negative"),
        ({"HEARTBEAT_S": "10", "LEASE_S": "40"}, "LEASE_S must be more than 4 × HEARTBEAT_S"),
        ({"ENGINE": "magic"}, "use auto, torch, openvino or classical"),
        ({"SANDBOX": "on"}, "use strict, auto or off"),
        ({"QUEUE": "rabbit://x"}, "QUEUE='rabbit://x' is not known: use sqlite:"),
        ({"FLEET": "lambda:x"}, "use process:, ec2:, none:"),
        ({"LEASE_S": "nan"}, "LEASE_S must not be"),
        ({"HEARTBEAT_S": "nan"}, "HEARTBEAT_S must not be"),
        ({"IDLE_S": "inf"}, "IDLE_S must not be"),
        ({"HEARTBEAT_S": "0"}, "HEARTBEAT_S must be more than 0"),
        ({"TICK_S": "0"}, "TICK_S must be more than 0"),
        ({"BLOBS": "s3:photos"}, "use s3://BUCKET or s3://BUCKET/PREFIX"),
        ({"BLOBS": "s3://photos/a b"}, "BLOBS='s3://photos/a b' is not complete"),
        ({"QUEUE": "https://sqs.eu-west-1.amazonaws.com"}, "use https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"),
        ({"TABLE": "dynamodb:jobs"}, "use dynamodb://NAME"),
        ({"FLAVOURS": "gpu,tpu"}, "use `gpu,cpu`"),
        ({"PROJECT": "firstlight-of-the-photo-lab-north-2"}, "use up to 32 letters"),
        ({"PROJECT": "my photos"}, "use up to 32 letters"),
        ({"BRIDGE": "2"}, "use 0 or 1"),
        ({"BRIDGE": "1"}, "BRIDGE=1 is no use where machines are processes of this computer: leave it out"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name_with_what_would_do(environ, sentence) -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.read(environ)
    assert sentence in str(refused.value)


def test_the_clouds_stores_are_named_by_their_schemes() -> None:
    stores = {
        "BLOBS": "s3://photos.example/dark/ones",
        "QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/firstlight",
        "TABLE": "dynamodb://firstlight",
    }
    settings = Settings.read(stores)
    assert (settings.blobs, settings.queue, settings.table) == tuple(stores.values())


@pytest.mark.parametrize(
    "stores", [{"BLOBS": "s3://photos"}, {"QUEUE": "http://127.0.0.1:5000/1/a"}, {"TABLE": "dynamodb://jobs"}]
)
def test_the_cloud_without_boto3_is_refused_with_the_cure(stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(BadSetting, match=r"pip install -e '\.\[cloud\]'"):
        Settings.read(stores)


@given(
    st.builds(
        Settings,
        host=st.from_regex(r"[a-z.]{1,12}", fullmatch=True),
        port=st.integers(0, 65535),
        heartbeat_s=st.floats(0.1, 9),
        lease_s=st.floats(37, 1e6),
        target_wait_s=st.floats(0, 1e6),
        upload_limit=st.integers(0, 10**6),
    )
)
@hypothesis_settings(max_examples=50, deadline=None)
def test_a_child_process_reads_what_its_parent_had(settings: Settings) -> None:
    assert Settings.read(settings.environ()) == settings


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]


def test_each_setting_is_in_the_readmes_table() -> None:
    rows = re.findall(r"^\|\s*`([A-Z][A-Z_]+)`\s*\|", README.read_text(), re.MULTILINE)
    assert {each.name.upper() for each in fields(Settings)} - set(rows) == set()


def test_the_readmes_table_has_no_setting_that_does_not_exist() -> None:
    rows = re.findall(r"^\|\s*`([A-Z][A-Z_]+)`\s*\|", README.read_text(), re.MULTILINE)
    assert set(rows) - {each.name.upper() for each in fields(Settings)} == set()


def test_each_setting_says_what_it_is_about() -> None:
    assert all(each.metadata.get("about") for each in fields(Settings))
