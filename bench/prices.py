"""What AWS asks: list prices of us-east-1 in dollars, 2026, each with the page that names it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from fleet.instance_types import BY_NAME
from fleet.simulation.figures import Figures

FLEET = Figures()  # what the simulation of the fleet rests on, said there once
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600


def _price(usd: float, says: str) -> float:
    known: float = field(default=usd, metadata={"source": says})
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Dollars per million requests or units, per hour, per GB, or per GB and month, as each name ends."""

    s3_put_million: float = _price(5.00, "aws.amazon.com/s3/pricing: PUT, COPY, POST, LIST; DELETE is free")
    s3_get_million: float = _price(0.40, "aws.amazon.com/s3/pricing: GET and all other requests")
    s3_gb_month: float = _price(0.023, "aws.amazon.com/s3/pricing: S3 Standard")
    sqs_million: float = _price(0.40, "aws.amazon.com/sqs/pricing: standard queues")
    sqs_free: float = _price(1e6, "aws.amazon.com/sqs/pricing: requests a month without charge")
    write_units_million: float = _price(0.625, "aws.amazon.com/dynamodb/pricing/on-demand: write request units")
    read_units_million: float = _price(0.125, "aws.amazon.com/dynamodb/pricing/on-demand: read request units")
    egress_gb: float = _price(0.09, "aws.amazon.com/ec2/pricing/on-demand: data transfer out to the internet")
    egress_free_gb: float = _price(100.0, "aws.amazon.com/ec2/pricing/on-demand: GB a month without charge")
    gpu_hour: float = _price(BY_NAME["g4dn.xlarge"].usd, "aws.amazon.com/ec2/pricing/on-demand: g4dn.xlarge")
    gpu_spot_hour: float = _price(FLEET.gpu_spot_hour, "aws.amazon.com/ec2/spot/pricing: g4dn.xlarge, about; it moves")
    cpu_hour: float = _price(BY_NAME["c7i.xlarge"].usd, "aws.amazon.com/ec2/pricing/on-demand: c7i.xlarge")
    cpu_spot_hour: float = _price(FLEET.cpu_spot_hour, "aws.amazon.com/ec2/spot/pricing: c7i.xlarge, about; it moves")
    host_hour: float = _price(0.0104, "aws.amazon.com/ec2/pricing/on-demand: t3.micro, 1 GiB")
    address_hour: float = _price(
        FLEET.address_hour, "aws.amazon.com/vpc/pricing: each public IPv4 address, in use or not"
    )
    volume_gb_month: float = _price(0.08, "aws.amazon.com/ebs/pricing: gp3, 125 MiB/s included")
    volume_mibs_month: float = _price(0.04, "aws.amazon.com/ebs/pricing: gp3, each MiB/s over those")
    snapshot_gb_month: float = _price(0.05, "aws.amazon.com/ebs/pricing: snapshots, standard tier")


def sourced(facts: object) -> list[tuple[str, float, str]]:
    """Name, figure and source of each field of a dataclass like Prices."""
    return [(each.name, getattr(facts, each.name), each.metadata["source"]) for each in fields(facts)]  # type: ignore[arg-type]
