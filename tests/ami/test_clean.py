"""Removing machine images that nobody needs, on moto."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ami.conftest import AMI, loaded

PROJECT, FLAVOUR = "firstlight-project", "firstlight-flavour"


@pytest.fixture(scope="session")
def clean() -> ModuleType:
    return loaded(AMI / "clean.py")


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Any:
    import boto3
    from moto import mock_aws

    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("ec2")


def bake(ec2: Any, flavour: str, number: int, project: str = "firstlight") -> tuple[str, str]:
    """An image as Packer leaves it, and its snapshot."""
    tags = [{"Key": PROJECT, "Value": project}, {"Key": FLAVOUR, "Value": flavour}]
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 6}}
    image = ec2.register_image(
        Name=f"{project}-{flavour}-{number}", RootDeviceName="/dev/xvda", BlockDeviceMappings=[mapping]
    )["ImageId"]
    told = ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
    snapshot = told[0]["Ebs"]["SnapshotId"]
    ec2.create_tags(Resources=[image, snapshot], Tags=tags)
    return image, snapshot


def images(ec2: Any) -> set[str]:
    return {each["ImageId"] for each in ec2.describe_images(Owners=["self"])["Images"]}


def test_all_but_the_newest_of_each_flavour_go(clean: ModuleType) -> None:
    made = [
        clean.Baked(id=f"{flavour}{day}", flavour=flavour, made=f"2026-11-0{day}", snapshots=())
        for flavour in ("cpu", "gpu")
        for day in (2, 1, 3)
    ]
    assert [each.id for each in clean.outdated(made, keep=1, used=())] == ["cpu1", "gpu1", "cpu2", "gpu2"]
    assert [each.id for each in clean.outdated(made, keep=1, used={"cpu1"})] == ["gpu1", "cpu2", "gpu2"]
    assert clean.outdated(made, keep=3, used=()) == []
    assert len(clean.outdated(made, keep=0, used=())) == 6


@given(st.lists(st.tuples(st.sampled_from(["cpu", "gpu"]), st.dates()), max_size=20), st.integers(0, 4))
def test_what_stays_is_never_older_than_what_goes(clean: ModuleType, made: list[Any], keep: int) -> None:
    known = [
        clean.Baked(id=str(at), flavour=kind, made=day.isoformat(), snapshots=()) for at, (kind, day) in enumerate(made)
    ]
    gone = clean.outdated(known, keep=keep, used=())
    for flavour in ("cpu", "gpu"):
        stay = [each.made for each in known if each.flavour == flavour and each not in gone]
        assert len(stay) == min(keep, sum(each.flavour == flavour for each in known))
        assert all(max((each.made for each in gone if each.flavour == flavour), default="") <= day for day in stay)


def test_without_yes_nothing_is_removed(clean: ModuleType, ec2: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        bake(ec2, "cpu", number)
    before = images(ec2)
    assert clean.main([], "firstlight") == 0
    assert images(ec2) == before
    assert "2 images and 0 lone snapshots of firstlight would go" in capsys.readouterr().out


def test_images_and_their_snapshots_go_and_others_stay(clean: ModuleType, ec2: Any) -> None:
    foreign, _ = bake(ec2, "cpu", 0, project="other")
    bakes = [bake(ec2, "cpu", number) for number in range(3)]
    template = {"ImageId": bakes[0][0]}
    ec2.create_launch_template(LaunchTemplateName="firstlight-cpu", LaunchTemplateData=template)
    assert clean.main(["--yes", "--keep", "0"], "firstlight") == 0
    assert bakes[0][0] in images(ec2)
    assert foreign in images(ec2)
    assert not {bakes[1][0], bakes[2][0]} & images(ec2)
    left = {each["SnapshotId"] for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    assert bakes[0][1] in left
    assert not {bakes[1][1], bakes[2][1]} & left


def test_a_snapshot_whose_image_is_gone_is_found_by_its_tag(clean: ModuleType, ec2: Any) -> None:
    image, snapshot = bake(ec2, "gpu", 1)
    ec2.deregister_image(ImageId=image)
    assert clean.main(["--yes"], "firstlight") == 0
    assert snapshot not in {each["SnapshotId"] for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
