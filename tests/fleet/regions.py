"""An EC2 fleet over the stand-in's region, and a launcher over it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from fleet.ec2 import Ec2Fleet
from fleet.ladder import Terms
from fleet.launcher import Launcher
from fleet.stand_in.client import Client
from fleet.stand_in.instances import Instance
from fleet.stand_in.region import Region
from fleet.stand_in.weather import Weather
from fleet.subnets import named_in
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock

CLOUD = Settings(fleet="ec2:firstlight", on_demand_budget=2)


@dataclass
class World:
    """One region and one set of stores; fleets and launchers of it are made as needed, one for each process."""

    ports: Ports
    clock: FakeClock
    region: Region = field(init=False)

    def __post_init__(self) -> None:
        self.region = Region(clock=self.clock)

    @property
    def weather(self) -> Weather:
        return self.region.weather

    def fleet(self, **settings: Any) -> Ec2Fleet:
        wanted = replace(CLOUD, **settings)
        client = Client(self.region)
        return Ec2Fleet(
            lambda: client,
            self.ports.table,
            clock=self.clock,
            terms=Terms.of(wanted.fleet, wanted.flavours),
            project=wanted.project,
            slots=wanted.max_machines,
            subnets=named_in(wanted.subnets),
            hard_age_s=wanted.hard_age_s,
            on_demand_budget=wanted.on_demand_budget,
            sleep=self.clock.pass_s,
        )

    def launcher(self, **settings: Any) -> Launcher:
        return Launcher(self.ports, replace(CLOUD, **settings), self.fleet(**settings))

    def only(self) -> Instance:
        (instance,) = self.region.live()
        return instance
