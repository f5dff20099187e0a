"""An Auto Scaling group that tracks the backlog for each machine, as AWS documents it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fleet.machines import Fleet, Machine
from fleet.simulation.agenda import Agenda
from fleet.simulation.figures import Figures
from fleet.simulation.governors import Sign, launched
from jobs.queue import Queue

SLACK = 0.9  # the alarm that scales in watches for a tenth below the target


@dataclass(slots=True, kw_only=True)
class ScalingGroup:
    """Target tracking on messages that wait for each machine in service, once a metric period.

    Out when the metric was above the target for `alarm_out` periods in a row: to as many as would bring it back, at
    once. In when it was below for `alarm_in` periods: one fewer, and none while one still warms up. With no machine the
    metric is above as soon as anything waits (metric math), else a group at zero would never start. Lowest capacity 0.
    Sources: docs.aws.amazon.com, EC2 Auto Scaling user guide: scaling based on Amazon SQS, target tracking.
    """

    fleet: Fleet
    queue: Queue
    agenda: Agenda
    figures: Figures
    most: int
    target: float
    warm_up_s: float
    alarm_out: int
    epochs: dict[int, int] = field(default_factory=dict)
    wanted: int = 0
    above: int = 0
    below: int = 0

    def start(self) -> None:
        self.agenda.after(self.figures.metric_s, self._measure)

    def saw(self, sign: Sign) -> None:
        """A group hears nothing of visitors."""

    def left(self, photo: str) -> None:
        """Nor that they leave."""

    def changed(self) -> None:
        """A group hears of it through its metric, if at all."""

    def _measure(self) -> None:
        self.agenda.after(self.figures.metric_s, self._measure)
        machines = self.fleet.machines()
        now = self.agenda()
        serving = [each for each in machines if now - each.launched_ms >= self.warm_up_s * 1000]
        warming = len(machines) - len(serving)
        waiting = self.queue.depth().visible
        metric = waiting / len(serving) if serving else float(waiting)
        is_above = metric > self.target if serving else waiting > 0
        self.above = self.above + 1 if is_above else 0
        self.below = self.below + 1 if metric < self.target * SLACK else 0
        if self.above >= self.alarm_out:
            needed = math.ceil(waiting / self.target) if not serving else math.ceil(len(serving) * metric / self.target)
            self.wanted = min(self.most, max(self.wanted, needed))
        if self.below >= self.figures.alarm_in and not warming and self.wanted:
            self.wanted -= 1
        self._adjust(machines)

    def _adjust(self, machines: list[Machine]) -> None:
        up = {machine.slot for machine in machines}
        for slot in range(self.most):
            if len(up) >= self.wanted:
                break
            if slot not in up and launched(self.fleet, slot, self.epochs):
                up.add(slot)
        for machine in sorted(machines, key=lambda each: each.launched_ms)[: max(0, len(machines) - self.wanted)]:
            self.fleet.stop(machine, kill=False)
