"""The fleet that the settings name."""

from __future__ import annotations

import logging
from functools import partial

from fleet.ec2 import Ec2Fleet
from fleet.ladder import Terms
from fleet.machines import Fleet, LocalFleet, NoFleet
from fleet.subnets import named_in
from jobs.clients import Clients, warmed
from jobs.ports import Ports
from jobs.queue import region_in
from jobs.settings import Settings

log = logging.getLogger(__name__)
READ_S = 25.0  # CreateFleet answers once it has found a machine or asked every pool
TRIES = 2


def open_fleet(settings: Settings, ports: Ports, *, clients: Clients | None = None) -> Fleet:
    """What FLEET says. Local workers inherit this process's environment, and the settings over it.

    EC2 is in the region that an SQS queue's URL names, or else where boto3 looks.
    """
    scheme, _, rest = settings.fleet.partition(":")
    if scheme == "none":
        return NoFleet()
    if scheme == "ec2":
        aws = clients or Clients(region=region_in(settings.queue))
        ec2 = partial(aws.client, "ec2", read_s=READ_S, tries=TRIES)
        warmed([ec2])
        if not settings.dollar_budget:
            log.warning("DOLLAR_BUDGET is not set: nothing but HARD_AGE_S bounds what EC2 machines cost a day")
        return Ec2Fleet(
            ec2,
            ports.table,
            clock=ports.clock,
            terms=Terms.of(settings.fleet, settings.flavours),
            project=settings.project,
            slots=settings.max_machines,
            subnets=named_in(settings.subnets),
            hard_age_s=settings.hard_age_s,
            on_demand_budget=settings.on_demand_budget,
        )
    return LocalFleet(rest, clock=ports.clock, settings=settings.environ(), hard_age_s=settings.hard_age_s + 60.0)
