"""One world under a virtual clock: visitors, our stores in memory, a region of EC2, workers, and who governs them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from fleet.bridge import IDLE_S
from fleet.ec2 import Ec2Fleet
from fleet.instance_types import Flavour
from fleet.ladder import Terms
from fleet.requests import EPOCH_TAG, SLOT_TAG
from fleet.simulation.agenda import Agenda
from fleet.simulation.blobs import WeightlessBlobs
from fleet.simulation.figures import Figures
from fleet.simulation.governors import Governor
from fleet.simulation.outcome import Life, Outcome
from fleet.simulation.traces import Capacity
from fleet.simulation.visits import Visit, photos_of
from fleet.simulation.weather import Drought, let_pass, zones_of
from fleet.simulation.worker import Pace, Worker
from fleet.stand_in.client import Client
from fleet.stand_in.instances import Instance
from fleet.stand_in.region import Region
from jobs.intake import Order, accept
from jobs.ports import Ports, open_ports
from jobs.settings import Settings

FORGOTTEN_MS = 3_600_000
AFTER_S = 8 * 3600.0  # the last photo's deadline, and a machine's idle time
ORDER = Order(ratio=None, format="jpeg", photo={}, size=0, sha256="", visitor="")


@dataclass(slots=True, kw_only=True)
class Sent:
    """A photo on its way: whose it is, which of his, and when it was accepted."""

    visit: Visit
    number: int
    accepted_ms: int


@dataclass(kw_only=True)
class World:
    """`visits` meet `govern`; `play` tells what became of it. The same arguments give the same outcome."""

    settings: Settings
    flavour: Flavour
    figures: Figures
    visits: Sequence[Visit]
    capacities: Sequence[Capacity]
    start_ms: int
    span_s: float
    seed: str
    old_boot: bool = False
    bridged: bool = False
    shift_s: float = 0.0
    agenda: Agenda = field(init=False)
    ports: Ports = field(init=False)
    region: Region = field(init=False)
    weather: Drought = field(init=False)
    governor: Governor = field(init=False)

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.start_ms)
        settings = replace(self.settings, queue="sqlite::memory:", table="sqlite::memory:")
        self.ports = replace(open_ports(settings, clock=self.agenda), blobs=WeightlessBlobs())
        self.weather = Drought(chance=Random(self.seed))
        zones = zones_of(self.capacities) or ("us-east-1a",)
        self.region = Region(
            clock=self.agenda, weather=self.weather, zones=zones, started=self._started, ended=self._ended
        )
        self.workers: dict[str, Worker] = {}
        self.lives: list[Life] = []
        self.waits_s: list[float] = []
        self.sent: dict[str, Sent] = {}
        self.launches = 0
        self.bridge: Worker | None = None

    def fleet(self) -> Ec2Fleet:
        client = Client(self.region)
        return Ec2Fleet(
            lambda: client,
            self.ports.table,
            clock=self.agenda,
            terms=Terms.of(self.settings.fleet, self.settings.flavours),
            project=self.settings.project,
            slots=self.settings.max_machines,
            hard_age_s=self.settings.hard_age_s,
            on_demand_budget=self.settings.on_demand_budget,
        )

    def play(self, govern: Callable[[World], Governor]) -> Outcome:
        self.governor = govern(self)
        let_pass(
            self.region,
            self.weather,
            self.agenda,
            self.capacities,
            span_s=self.span_s + AFTER_S,
            shift_s=self.shift_s,
            warned=lambda name: self.workers[name].heed(),
        )
        for visit in self.visits:
            self.agenda.at(visit.view_ms, lambda visit=visit: self._view(visit))  # type: ignore[misc]
        self.governor.start()
        self.agenda.play(self.start_ms + round(self.span_s * 1000))
        end_ms = self.agenda()
        while len(self.waits_s) < photos_of(self.visits) and self.agenda() < end_ms + AFTER_S * 1000:
            self.agenda.play(self.agenda() + 60_000)
        for instance in self.region.live():
            self._buried(instance, self.workers[instance.id])
        lost = sum(1 for job_id in self.sent if self._is_unfinished(job_id))
        failed = len(self.sent) - lost
        self.ports.close()
        return Outcome(
            lives=tuple(sorted(self.lives, key=lambda life: life.launched_ms)),
            waits_s=tuple(self.waits_s),
            failed=failed,
            unfinished=lost,
        )

    def _view(self, visit: Visit) -> None:
        self.governor.saw("view")
        self._wish()
        if not visit.photos:
            return
        self.agenda.after(visit.think_s, lambda: self._pick(visit, 0))

    def _pick(self, visit: Visit, number: int) -> None:
        self.governor.saw("pick")
        self.governor.saw("upload")
        self.agenda.after(visit.transfer_s[number], lambda: self._accepted(visit, number))

    def _accepted(self, visit: Visit, number: int) -> None:
        job = accept(self.ports, ORDER, io.BytesIO()).job
        if visit.together and number + 1 < visit.photos:  # picked together, sent one after the other
            self.agenda.after(visit.transfer_s[number + 1], lambda: self._accepted(visit, number + 1))
        self.sent[job.id] = Sent(visit=visit, number=number, accepted_ms=self.agenda())
        self.governor.changed()
        self._wish()
        free = [each for each in self.workers.values() if each.is_free]
        if free:
            free[0].take()
        elif self.bridge is not None and not any(each.is_ready for each in self.workers.values()):
            self.bridge.take()

    def _done(self, job_id: str) -> None:
        sent = self.sent.pop(job_id)
        self.waits_s.append((self.agenda() - sent.accepted_ms) / 1000 + self.figures.store_s)
        following = sent.number + 1
        if not sent.visit.together and following < sent.visit.photos:
            before_s = sent.visit.between_s[sent.number] - sent.visit.transfer_s[following]
            self.agenda.after(max(0.0, before_s), lambda: self._pick(sent.visit, following))
        elif following == sent.visit.photos and sent.visit.leaves_s is not None:
            self.agenda.after(self.figures.store_s + sent.visit.leaves_s, lambda: self.governor.left(job_id))

    def _started(self, instance: Instance) -> None:
        chance = Random(f"{self.seed}/boot/{self.launches}")
        self.launches += 1
        boot_s, load_s = self.figures.boot(self.flavour, chance, old=self.old_boot)
        pace = Pace(boot_s=boot_s, load_s=load_s, end_s=self.figures.end_s, work_s=self._work_s)
        self.workers[instance.id] = Worker(
            instance,
            pace,
            self.ports,
            self.agenda,
            self.settings,
            done=self._done,
            changed=lambda: self.governor.changed(),  # noqa: PLW0108 — there may be no governor yet
            gone=lambda name, why: self.region.end(name, why=why),
            ready=self._replace_bridge,
        )

    def _wish(self) -> None:
        """The bridge starts if there is to be one, and no machine is ready (fleet.bridge)."""
        if not self.bridged or self.bridge or any(each.is_ready for each in self.workers.values()):
            return
        host = Instance(
            id=f"bridge-{self.agenda()}",
            type="",
            subnet="",
            zone="",
            market="",
            template="",
            token="",
            launched_ms=self.agenda(),
            running_ms=self.agenda(),
            tags={SLOT_TAG: "-1", EPOCH_TAG: "0"},
        )
        slower = self.figures.bridge_work_s / self.figures.work_s(self.flavour)
        self.bridge = Worker(
            host,
            Pace(
                boot_s=0.0, load_s=self.figures.bridge_start_s, end_s=0.0, work_s=lambda job: self._work_s(job) * slower
            ),
            self.ports,
            self.agenda,
            replace(self.settings, idle_s=IDLE_S, idle_least_s=0.0, idle_most_s=0.0),
            done=self._done,
            changed=self.governor.changed,
            gone=lambda _, __: self._replace_bridge(),
            bridge=True,
        )

    def _replace_bridge(self) -> None:
        """A machine is ready, or nobody needs it."""
        if self.bridge is not None:
            self.bridge.die()
            self.bridge = None

    def _ended(self, instance: Instance) -> None:
        worker = self.workers.pop(instance.id)
        worker.die()
        self._buried(instance, worker)
        self.governor.changed()
        for name, each in list(self.region.instances.items()):
            if each.ended_ms is not None and self.agenda() - each.ended_ms > FORGOTTEN_MS:
                del self.region.instances[name]

    def _buried(self, instance: Instance, worker: Worker) -> None:
        spot = self.figures.hour(instance.type, "spot")
        life = Life(
            launched_ms=instance.launched_ms,
            ended_ms=self.agenda(),
            market=instance.market,
            usd_per_hour=spot if instance.market == "spot" else self.figures.hour(instance.type, "on-demand"),
            least_s=self.figures.least_billed_s,
            spot_per_hour=spot,
        )
        self.lives.append(worker.lived(life))

    def _work_s(self, job_id: str) -> float:
        sent = self.sent[job_id]
        return sent.visit.work_s[sent.number]

    def _is_unfinished(self, job_id: str) -> bool:
        job = self.ports.ledger.read(job_id)
        return job is not None and not job.finished
