"""A region of EC2 in memory: tokens, pools, a list that lags, interruptions; no I/O, and time is an argument."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.instance_types import BY_NAME
from fleet.stand_in.instances import Instance
from fleet.stand_in.weather import Fault, Lost, Weather
from jobs.clock import Clock

FORGOTTEN_MS = 3_600_000  # a terminated instance stays in the list for about an hour
NOTICE_MS = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a ClientToken was answered with, and for which parameters."""

    wanted: Mapping[str, Any]
    answer: dict[str, Any]
    instances: tuple[str, ...]


def _nothing(instance: Instance) -> None:
    """Nobody wants to know."""


@dataclass(slots=True, kw_only=True)
class Region:
    """Speaks boto3's words: parameters and answers are those of its EC2 client. Raises Fault and Lost.

    `started` is told of each instance as it is launched, `ended` as it goes. `most_live` is the most there ever were.
    `subnets` holds the zone of each subnet, where they are not simply one a zone. `has_template` may raise Fault.
    """

    clock: Clock
    weather: Weather = field(default_factory=Weather)
    zones: tuple[str, ...] = ("us-east-1a", "us-east-1b", "us-east-1c")
    subnets: dict[str, str] = field(default_factory=dict)
    has_template: Callable[[str], bool] = bool
    started: Callable[[Instance], None] = _nothing
    ended: Callable[[Instance], None] = _nothing
    instances: dict[str, Instance] = field(default_factory=dict)
    tokens: dict[str, Promise] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    most_live: int = 0
    launches: int = 0
    lock: Any = field(default_factory=threading.RLock)

    def create_fleet(self, **wanted: Any) -> dict[str, Any]:
        with self.lock:
            fate = self._heard("CreateFleet")
            answer = self._fleet(wanted)
            if fate:
                raise Lost("CreateFleet")
            return answer

    def describe_instances(self, **wanted: Any) -> dict[str, Any]:
        with self.lock:
            fate = self._heard("DescribeInstances")
            then = self.clock() - self.weather.lag()
            shown = [
                each.described(then)
                for each in self.instances.values()
                if each.launched_ms <= then
                and (each.ended_ms is None or then - each.ended_ms < FORGOTTEN_MS)
                and _matches(each, wanted)
            ]
            if fate:
                raise Lost("DescribeInstances")
            return {"Reservations": [{"Instances": [each]} for each in shown]}

    def terminate_instances(self, **wanted: Any) -> dict[str, Any]:
        with self.lock:
            fate = self._heard("TerminateInstances")
            for name in wanted["InstanceIds"]:
                if name not in self.instances:
                    raise Fault("InvalidInstanceID.NotFound", f"The instance ID '{name}' does not exist")
            for name in wanted["InstanceIds"]:
                self.end(name, why="Client.UserInitiatedShutdown")
            if fate:
                raise Lost("TerminateInstances")
            return {"TerminatingInstances": [{"InstanceId": name} for name in wanted["InstanceIds"]]}

    def describe_subnets(self, **wanted: Any) -> dict[str, Any]:
        self._heard("DescribeSubnets")
        subnets = [
            {"SubnetId": f"subnet-{zone[-1]}", "AvailabilityZone": zone, "DefaultForAz": True} for zone in self.zones
        ]
        tagged = any(each["Name"].startswith("tag:") for each in wanted.get("Filters", ()))
        return {"Subnets": [] if tagged else subnets}

    def end(self, name: str, *, why: str) -> None:
        """The instance goes: terminated, interrupted, or powered off by itself."""
        with self.lock:
            instance = self.instances[name]
            if instance.ending_ms is not None:
                return
            now = self.clock()
            instance.ending_ms, instance.ended_ms = now, now + self.weather.shutdown_ms
            instance.why = why
        self.ended(instance)

    def announce(self, name: str, *, in_ms: int = NOTICE_MS) -> None:
        """A spot interruption notice: EC2 ends the machine at the time it names."""
        with self.lock:
            instance = self.instances[name]
            instance.notice_ms = self.clock()
            instance.action_ms = instance.notice_ms + in_ms

    def recommend(self, name: str) -> None:
        """A rebalance recommendation: an interruption is likelier than usual."""
        self.instances[name].rebalance_ms = self.clock()

    def elapse(self) -> None:
        """End the machines whose announced time has come."""
        now = self.clock()
        for instance in list(self.instances.values()):
            if instance.action_ms is not None and now >= instance.action_ms:
                self.end(instance.id, why="Server.SpotInstanceTermination")

    def live(self) -> list[Instance]:
        """What is billed now, or about to be, whatever the list shows."""
        now = self.clock()
        with self.lock:
            return [each for each in self.instances.values() if each.is_live(now)]

    def _heard(self, action: str) -> str:
        self.calls[action] = self.calls.get(action, 0) + 1
        return self.weather.before(action)

    def _fleet(self, wanted: dict[str, Any]) -> dict[str, Any]:
        token = wanted["ClientToken"]
        asked = {name: value for name, value in wanted.items() if name != "ClientToken"}
        if (known := self.tokens.get(token)) is not None:
            if known.wanted != asked:
                raise Fault("IdempotentParameterMismatch", f"{token} came with other parameters")
            gone = [name for name in known.instances if not self.instances[name].is_live(self.clock())]
            if gone and not self.weather.replays_ended:
                raise Fault("IdempotentInstanceTerminated", f"the instance of {token} is gone")
            return known.answer
        instances, errors = self._filled(wanted)
        answer = {
            "FleetId": f"fleet-{len(self.tokens):08x}",
            "Instances": [
                {"InstanceIds": [each.id], "InstanceType": each.type, "Lifecycle": each.market} for each in instances
            ],
            "Errors": errors,
        }
        self.tokens[token] = Promise(wanted=asked, answer=answer, instances=tuple(each.id for each in instances))
        for each in instances:
            self.started(each)
        return answer

    def _filled(self, wanted: dict[str, Any]) -> tuple[list[Instance], list[dict[str, Any]]]:
        """The first pool that has a machine gives it; before that, each that has none says so."""
        market = wanted["TargetCapacitySpecification"]["DefaultTargetCapacityType"]
        errors: list[dict[str, Any]] = []
        for config in wanted["LaunchTemplateConfigs"]:
            specification = config["LaunchTemplateSpecification"]
            template = specification.get("LaunchTemplateId") or specification["LaunchTemplateName"]
            if not self.has_template(template):
                raise Fault("InvalidLaunchTemplateName.NotFoundException", f"There is no template {template}")
            for override in config["Overrides"]:
                zone = self._zone(override["SubnetId"])
                code = self._over_quota(market, override["InstanceType"])
                if code := code or self.weather.refusal(market, override["InstanceType"], zone):
                    about = {"Overrides": {**override, "AvailabilityZone": zone}}
                    errors.append({"ErrorCode": code, "ErrorMessage": code, "LaunchTemplateAndOverrides": about})
                    continue
                return [self._launched(wanted, template, override, zone, market)], errors
        return [], errors

    def _launched(
        self, wanted: dict[str, Any], template: str, override: dict[str, Any], zone: str, market: str
    ) -> Instance:
        now = self.clock()
        tags = {
            tag["Key"]: tag["Value"]
            for specification in wanted.get("TagSpecifications", ())
            if specification["ResourceType"] == "instance"
            for tag in specification["Tags"]
        }
        instance = Instance(
            id=f"i-{self.launches:017x}",
            type=override["InstanceType"],
            subnet=override["SubnetId"],
            zone=zone,
            market=market,
            template=template,
            token=wanted["ClientToken"],
            launched_ms=now,
            running_ms=now + self.weather.boot_ms,
            tags=tags,
        )
        self.launches += 1
        self.instances[instance.id] = instance
        self.most_live = max(self.most_live, len(self.live()))
        return instance

    def _zone(self, subnet: str) -> str:
        known = self.subnets or {f"subnet-{zone[-1]}": zone for zone in self.zones}
        if subnet not in known:
            raise Fault("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
        return known[subnet]

    def _over_quota(self, market: str, type_: str) -> str:
        kind = BY_NAME[type_].flavour if type_ in BY_NAME else "cpu"
        quota = self.weather.quotas.get(f"{market}/{kind}")
        if quota is None or type_ not in BY_NAME:
            return ""
        used = sum(BY_NAME[each.type].vcpus for each in self.live() if each.market == market and each.type in BY_NAME)
        return "VcpuLimitExceeded" if used + BY_NAME[type_].vcpus > quota else ""


def _matches(instance: Instance, wanted: dict[str, Any]) -> bool:
    if "InstanceIds" in wanted and instance.id not in wanted["InstanceIds"]:
        return False
    for each in wanted.get("Filters", ()):
        name: str = each["Name"]
        if name.startswith("tag:") and instance.tags.get(name[4:]) not in each["Values"]:
            return False
    return True
