"""What we send to EC2 and how we know our machines again: tags that name project, slot, epoch and deadline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fleet.instance_types import Market, usd_per_hour
from fleet.ladder import Terms
from fleet.machines import Machine
from fleet.orders import Order

# The host reads slot and epoch from its own tags, so no characters that instance metadata forbids in a tag's name.
PROJECT_TAG = "firstlight-project"
SLOT_TAG = "firstlight-slot"
EPOCH_TAG = "firstlight-epoch"
DEADLINE_TAG = "firstlight-deadline"
UP = ("pending", "running", "stopping", "stopped")  # the states of an instance that is not gone
LOST_SLOT = 1_000_000  # the slot of a machine whose tags cannot be read: surplus, and so reaped


def token(order: Order, *, project: str) -> str:
    """EC2 answers it once. At most 64 characters, for a project has at most 32."""
    return f"{project}-{order.slot}-{order.epoch}"


def create_fleet_request(order: Order, terms: Terms, *, project: str) -> dict[str, Any]:
    """CreateFleet's parameters: the same for everybody who tries this order."""
    assert order.offer is not None
    market = order.offer.market
    template = terms.templates[order.offer.flavour]
    named = "LaunchTemplateId" if template.startswith("lt-") else "LaunchTemplateName"
    deadline = datetime.fromtimestamp(order.deadline_ms / 1000, UTC)
    tags = {
        PROJECT_TAG: project,
        SLOT_TAG: str(order.slot),
        EPOCH_TAG: str(order.epoch),
        DEADLINE_TAG: f"{deadline:%Y-%m-%dT%H:%M:%SZ}",
        "Name": f"{project}-worker-{order.slot}",
    }
    request: dict[str, Any] = {
        "Type": "instant",
        "ClientToken": token(order, project=project),
        "TargetCapacitySpecification": {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": market},
        "LaunchTemplateConfigs": [
            {
                "LaunchTemplateSpecification": {named: template, "Version": "$Default"},
                "Overrides": [{"InstanceType": pool.type, "SubnetId": pool.subnet.id} for pool in order.offer.pools],
            }
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for kind in ("instance", "volume")
        ],
    }
    if market == "spot":
        request["SpotOptions"] = {"AllocationStrategy": "price-capacity-optimized"}
    else:
        request["OnDemandOptions"] = {"AllocationStrategy": "lowest-price"}
    return request


def machine_of(instance: dict[str, Any]) -> Machine:
    """One of DescribeInstances' instances, by its tags."""
    tags = {each["Key"]: each["Value"] for each in instance.get("Tags", [])}
    slot, epoch = tags.get(SLOT_TAG, ""), tags.get(EPOCH_TAG, "")
    market: Market = "spot" if instance.get("InstanceLifecycle") == "spot" else "on-demand"
    readable = slot.isdecimal() and epoch.isdecimal()
    return Machine(
        slot=int(slot) if readable else LOST_SLOT,
        epoch=int(epoch) if readable else 0,
        launched_ms=int(instance["LaunchTime"].timestamp() * 1000),
        name=instance["InstanceId"],
        usd_per_hour=usd_per_hour(instance.get("InstanceType", ""), market),
    )


def ordered_machine(order: Order) -> Machine:
    """The machine that EC2 answered with, before its list shows it; found by its tags, its market may be unknown."""
    market: Market = order.offer.market if order.offer is not None else "on-demand"
    return Machine(
        slot=order.slot,
        epoch=order.epoch,
        launched_ms=order.answered_ms,
        name=order.machine,
        usd_per_hour=usd_per_hour(order.type, market),
    )
