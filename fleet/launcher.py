"""Starts and stops machines: observes, lets the policy decide, acts."""

from __future__ import annotations

import logging
from dataclasses import replace

from fleet.machines import Fleet, LaunchRefused, NoCapacity, SlotTaken
from fleet.outlook import Outlook, outlook
from fleet.policy import Charge, Launch, Policy, Stop, charges, decide
from fleet.slots import Slot, begun, failed, settled, troubled, without_capacity, write_slot
from fleet.view import Reason, View, observe
from jobs.errors import RowChanged, RowExists, StoreBusy
from jobs.ports import Ports
from jobs.settings import Settings

CACHE_MS = 1000
log = logging.getLogger(__name__)


class Launcher:
    """One of many that may run at once, in threads, greenlets and processes: rows and fleet keep the promises (S7, S8).

    With `patient` False it judges a worker's silence from a single look, for a tick that cron starts anew each time.
    """

    def __init__(self, ports: Ports, settings: Settings, fleet: Fleet, *, patient: bool = True) -> None:
        self._ports = ports
        self._fleet = fleet
        self._policy = Policy.of(settings)
        self._patient = patient
        self._gap_ms = max(self._policy.silent_ms, int(2000 * settings.tick_s))
        self._watching_since_ms = 0
        self._looked_ms = 0
        self._cached: tuple[int, Outlook] | None = None

    def ensure(self, reason: Reason) -> Outlook:
        """Start the machines that the work needs, without waiting for them, and tell what those who wait can expect.

        An upload that is not accepted yet is charged as a warm call. Raises StoreBusy.
        """
        view, now = self._observe()
        launches = [action for action in decide(view, self._policy, now, reason=reason) if isinstance(action, Launch)]
        refusals = [self._launch(launch, now) for launch in launches]
        if launches:
            view, now = self._observe()
        told = outlook(view, self._policy, now)
        self._cached = (now, told)
        return replace(told, refused=next(filter(None, refusals), None))

    def reap(self) -> list[Stop]:
        """End the machines that must end (L2), and tell which. Raises StoreBusy."""
        view, now = self._observe()
        stops = [action for action in decide(view, self._policy, now, reason="tick") if isinstance(action, Stop)]
        for stop in stops:
            slot = next(slot for slot in view.slots if slot.number == stop.machine.slot)
            try:
                if not slot.stopping_ms and not self._write(replace(slot, stopping_ms=now)):
                    continue  # somebody else saw to it
            except StoreBusy:
                if not stop.kill:
                    raise
                # Perhaps it is this very machine that holds the store's lock, frozen: it goes without a note.
            log.warning("machine %s ends: %s%s", stop.machine.name, stop.why, " (at once)" if stop.kill else "")
            self._fleet.stop(stop.machine, kill=stop.kill)
        return stops

    def outlook(self) -> Outlook:
        """What those who wait can expect, at most a second old. Raises StoreBusy."""
        if self._cached is None or not 0 <= self._ports.clock() - self._cached[0] < CACHE_MS:
            view, now = self._observe()
            self._cached = (now, outlook(view, self._policy, now))
        return self._cached[1]

    def _observe(self) -> tuple[View, int]:
        """A view in which the launches whose machines are gone have been settled."""
        now = self._ports.clock()
        if not 0 <= now - self._looked_ms <= self._gap_ms:
            self._watching_since_ms = now if self._patient else 0
        self._looked_ms = now
        view = observe(
            self._ports,
            self._fleet,
            max_machines=self._policy.max_machines,
            watching_since_ms=self._watching_since_ms,
        )
        return replace(view, slots=tuple(self._settled(slot, view, now) for slot in view.slots)), now

    def _settled(self, slot: Slot, view: View, now: int) -> Slot:
        after = settled(
            slot,
            machine_is_up=view.machine_in(slot.number) is not None,
            heartbeat=view.heartbeat_of(slot.number, slot.epoch),
            now=now,
        )
        try:
            return after if after is slot else self._write(after) or slot
        except StoreBusy:
            return slot  # settled at a later look; those who must be reaped are seen all the same

    def _launch(self, launch: Launch, now: int) -> str | None:
        """Write the row, charge, start the machine; a code of the registry when a budget forbids it.

        Only who has written the row charges, so racing launchers never hold each other's budget; and every launch is
        charged before it is tried, so a crash can only cost budget, never pass it (S8).
        """
        costs = charges(launch, self._policy, now)
        if self._are_spent(costs, now):
            return self._refuse(launch, launch.slot, now)
        slot = self._write(begun(launch.slot, reason=launch.reason, now=now))
        if slot is None:  # somebody else launches in this slot
            return None
        if not self._charge(costs, now):
            return self._refuse(launch, slot, now)
        try:
            self._fleet.launch(slot.number, slot.epoch)
        except SlotTaken as taken:
            if taken.epoch == slot.epoch:
                after = replace(slot, outcome="launched")
            else:
                self._refund(costs, now)
                after = replace(slot, outcome="ended", epoch=max(slot.epoch, taken.epoch))
        except NoCapacity as error:
            log.warning("no capacity for slot %d: %s", slot.number, error)
            self._refund(costs, now)
            after = without_capacity(slot, detail=str(error), now=now)
        except LaunchRefused as error:
            log.exception("slot %d cannot be launched", slot.number)
            self._refund(costs, now)
            after = failed(slot, outcome="refused", detail=str(error), now=now)
        else:
            log.info("machine %d-%d launched: %s", slot.number, slot.epoch, launch.reason)
            trouble_ms = slot.trouble_ms if slot.failures else 0
            after = replace(slot, outcome="launched", refusals=0, trouble_ms=trouble_ms)
        self._write(after)
        return None

    def _refuse(self, launch: Launch, slot: Slot, now: int) -> str | None:
        """Leave the slot as it was for a warm call; note for those who wait that the budget is spent."""
        if not launch.warm and slot.outcome != "no_budget":
            self._write(troubled(slot, outcome="no_budget", detail="", now=now))
        elif slot is not launch.slot:
            self._write(replace(launch.slot, epoch=slot.epoch, revision=slot.revision))
        return "warm_budget_spent" if launch.warm else None

    def _are_spent(self, costs: list[Charge], now: int) -> bool:
        return any(
            cost.limit is not None
            and (self._ports.table.add(cost.counter, 0, limit=None, expires_ms=cost.expires_ms, now=now) or 0)
            >= cost.limit
            for cost in costs
        )

    def _charge(self, costs: list[Charge], now: int) -> bool:
        """Count the launch against every counter, or against none when one would pass its limit."""
        for done, cost in enumerate(costs):
            if self._ports.table.add(cost.counter, 1, limit=cost.limit, expires_ms=cost.expires_ms, now=now) is None:
                self._refund(costs[:done], now)
                return False
        return True

    def _refund(self, costs: list[Charge], now: int) -> None:
        for cost in costs:
            self._ports.table.add(cost.counter, -1, limit=None, expires_ms=cost.expires_ms, now=now)

    def _write(self, slot: Slot) -> Slot | None:
        """The slot as written, or None when somebody else was faster."""
        try:
            return write_slot(self._ports.table, slot)
        except (RowExists, RowChanged):
            return None
