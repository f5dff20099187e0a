"""The fleet that the settings name."""

from __future__ import annotations

from fleet.ec2 import Ec2Fleet
from fleet.ladder import Terms
from fleet.machines import Fleet, LocalFleet, NoFleet
from jobs.clients import Clients
from jobs.ports import Ports
from jobs.settings import Settings

READ_S = 25.0  # CreateFleet answers once it has found a machine or asked every pool
TRIES = 2


def open_fleet(settings: Settings, ports: Ports, *, clients: Clients | None = None) -> Fleet:
    """What FLEET says. Local workers inherit this process's environment, and the settings over it."""
    scheme, _, rest = settings.fleet.partition(":")
    if scheme == "none":
        return NoFleet()
    if scheme == "ec2":
        aws = clients or Clients()
        return Ec2Fleet(
            lambda: aws.client("ec2", read_s=READ_S, tries=TRIES),
            ports.table,
            clock=ports.clock,
            terms=Terms.of(settings.fleet, settings.flavours),
            project=settings.project,
            slots=settings.max_machines,
            subnets=tuple(filter(None, (each.strip() for each in settings.subnets.split(",")))),
            hard_age_s=settings.hard_age_s,
            on_demand_budget=settings.on_demand_budget,
        )
    return LocalFleet(rest, clock=ports.clock, settings=settings.environ(), hard_age_s=settings.hard_age_s + 60.0)
