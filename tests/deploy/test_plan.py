"""The plan as a screen."""

from __future__ import annotations

from deploy.plan import changes, erasing, summary


def change(address: str, *actions: str, mode: str = "managed", **facts: object) -> dict[str, object]:
    after = None if actions == ("delete",) else facts
    return {"address": address, "mode": mode, "change": {"actions": list(actions), "before": facts, "after": after}}


def test_each_change_is_a_line_and_the_dangerous_ones_come_last_in_capitals() -> None:
    plan = {
        "resource_changes": [
            change("aws_sqs_queue.dead", "delete", name="firstlight-dead"),
            change("aws_instance.host[0]", "delete", "create", instance_type="t3.micro"),
            change("aws_s3_bucket.blobs", "create", bucket="photos"),
            change("aws_launch_template.worker", "update", name="firstlight-gpu"),
        ]
    }
    assert [line.split() for line in changes(plan)] == [
        ["make", "aws_s3_bucket.blobs", "photos"],
        ["change", "aws_launch_template.worker", "firstlight-gpu"],
        ["REPLACE", "aws_instance.host[0]", "t3.micro"],
        ["DESTROY", "aws_sqs_queue.dead", "firstlight-dead"],
    ]
    assert summary(plan) == "1 to make, 1 to change, 1 to REPLACE, 1 to DESTROY"


def test_what_is_only_read_or_stays_is_no_change() -> None:
    plan = {"resource_changes": [change("data.x.y", "read", mode="data"), change("aws_vpc.own[0]", "no-op")]}
    assert changes(plan) == []
    assert summary(plan) == "nothing to change"


def test_whether_photos_go_is_told_as_it_is_deployed_and_as_it_is_wanted() -> None:
    def plan(*, deployed: bool, wanted: bool) -> dict[str, object]:
        bucket = change("aws_s3_bucket.blobs", "delete", force_destroy=deployed)
        return {"resource_changes": [bucket], "variables": {"force_destroy": {"value": wanted}}}

    assert erasing(plan(deployed=True, wanted=False)) == (True, False)
    assert erasing(plan(deployed=False, wanted=True)) == (False, True)
    nothing = {"resource_changes": [], "variables": {"force_destroy": {"value": False}}}
    assert erasing(nothing) == (False, False)
