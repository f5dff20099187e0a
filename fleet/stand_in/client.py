"""boto3's EC2 client without the network: the region's own calls, with botocore's errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.stand_in.region import Region
from fleet.stand_in.weather import Fault, Lost


class Client:
    """What `Ec2Fleet` needs. `before` is called ahead of each request, and may let others go first."""

    def __init__(self, region: Region, *, before: Callable[[str], None] = lambda _: None) -> None:
        self._region = region
        self._before = before

    def create_fleet(self, **wanted: Any) -> dict[str, Any]:
        return self._asked("create_fleet", wanted)

    def describe_instances(self, **wanted: Any) -> dict[str, Any]:
        return self._asked("describe_instances", wanted)

    def terminate_instances(self, **wanted: Any) -> dict[str, Any]:
        return self._asked("terminate_instances", wanted)

    def describe_subnets(self, **wanted: Any) -> dict[str, Any]:
        return self._asked("describe_subnets", wanted)

    def _asked(self, action: str, wanted: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import ClientError, ConnectionClosedError  # noqa: PLC0415 — a laptop needs no boto3

        self._before(action)
        try:
            answer: dict[str, Any] = getattr(self._region, action)(**wanted)
        except Lost as lost:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1") from lost
        except Fault as fault:
            told = {
                "Error": {"Code": fault.code, "Message": fault.message},
                "ResponseMetadata": {"HTTPStatusCode": fault.status},
            }
            raise ClientError(told, action) from fault
        self._before(action)
        return answer
