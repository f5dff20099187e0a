"""Starts and stops machines: observes, lets the policy decide, acts."""

from __future__ import annotations

import logging
from dataclasses import replace

from fleet.idle import advised, noticed
from fleet.interest import heard, read_interest, write_interest
from fleet.machines import Fleet, LaunchRefused, NoCapacity, SlotTaken
from fleet.meter import MARGIN_MS, PERIOD_MS, due_ms, paid_ms, unused_ms
from fleet.outlook import Outlook, outlook
from fleet.policy import Launch, Policy, Stop, charges, decide, dollars, warm_charge
from fleet.presence import Presence
from fleet.purse import Purse
from fleet.slots import Slot, begun, failed, has_started, launched, settled, troubled, without_capacity, write_slot
from fleet.view import Reason, View, observe, recorded
from jobs.errors import RowChanged, RowExists, StoreBusy
from jobs.patience import learns, read_patience, write_patience
from jobs.ports import Ports
from jobs.settings import Settings

CACHE_MS = 1000
UNMEASURED_S = 25.0  # half of a typical cold start with a GPU
OFFERS = 8  # asked in one go: each rung of the ladder, and what is left of one that refused in part
Look = tuple[View, int]  # what was seen, and when
log = logging.getLogger(__name__)


class Launcher:
    """One of many that may run at once, in threads, greenlets and processes: rows and fleet keep the promises (S7, S8).

    With `patient` False it judges a worker's silence from a single look, for a tick that cron starts anew each time.
    """

    def __init__(self, ports: Ports, settings: Settings, fleet: Fleet, *, patient: bool = True) -> None:
        self._ports = ports
        self._fleet = fleet
        self._settings = settings
        self._policy = Policy.of(settings)
        self._purse = Purse(ports.table)
        self._presence = Presence(ports, settings)
        self._patient = patient
        self._gap_ms = max(self._policy.silent_ms, int(2000 * settings.tick_s))
        self._watching_since_ms = 0
        self._looked_ms = 0
        self._cached: tuple[int, Outlook] | None = None

    def look(self) -> Look:
        """A view in which the launches whose machines are gone have been settled. Raises StoreBusy."""
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

    def ensure(self, reason: Reason, look: Look | None = None) -> Outlook:
        """Start the machines that the work needs, without waiting for them, and tell what those who wait can expect.

        An upload that is not accepted yet is charged as a warm call. Goes by `look`, or by a new one. Raises StoreBusy.
        """
        view, now = look or self.look()
        if reason != "tick":
            self._presence.come()
        if reason in ("view", "upload"):
            view = replace(view, looks_pay=self._looks_pay(view, reason, now))
        launches = [action for action in decide(view, self._policy, now, reason=reason) if isinstance(action, Launch)]
        refusals = [self._launch(launch, now) for launch in launches]
        if launches:
            view, now = self.look()
        told = outlook(view, self._policy, now)
        self._cached = (now, told)
        return replace(told, refused=next(filter(None, refusals), None))

    def reap(self, look: Look | None = None) -> list[Stop]:
        """End the machines that must end (L2), and tell which. Goes by `look`, or by a new one. Raises StoreBusy."""
        view, now = look or self.look()
        stops = [action for action in decide(view, self._policy, now, reason="tick") if isinstance(action, Stop)]
        ending = {stop.machine.name for stop in stops}
        stops += [stop for stop in self._meter(view, now) if stop.machine.name not in ending]
        for stop in stops:
            slot = next(slot for slot in view.slots if slot.number == stop.machine.slot)
            try:
                noted = slot.stopping_ms or stop.why == "superseded"  # a superseded one's slot has a newer machine
                if not noted and not self._write(replace(slot, stopping_ms=now)):
                    continue  # somebody else saw to it
            except StoreBusy:
                if not stop.kill:
                    raise
                # Perhaps it is this very machine that holds the store's lock, frozen: it goes without a note.
            log.warning("machine %s ends: %s%s", stop.machine.name, stop.why, " (at once)" if stop.kill else "")
            try:
                self._fleet.stop(stop.machine, kill=stop.kill)
            except StoreBusy:
                log.exception("machine %s could not be ended; the next tick tries again", stop.machine.name)
        return stops

    def outlook(self) -> Outlook:
        """What those who wait can expect, at most a second old. Raises StoreBusy."""
        if self._cached is None or not 0 <= self._ports.clock() - self._cached[0] < CACHE_MS:
            view, now = self.look()
            self._cached = (now, outlook(view, self._policy, now))
        return self._cached[1]

    def glance(self, reason: Reason | None = None) -> Outlook:
        """What the rows tell, without a question to the fleet; with a reason, what `ensure` would make of it.

        A machine counts as up until a look has settled its slot. Raises StoreBusy.
        """
        now = self._ports.clock()
        view = recorded(self._ports, max_machines=self._policy.max_machines)
        told = outlook(view, self._policy, now)
        if reason is None or told.state != "none":
            return told
        view = replace(
            view,
            waiting=self._ports.ledger.waiting(),
            running=self._ports.ledger.running(),
            looks_pay=not self._policy.launch_usd or read_interest(self._ports.table).pays,
        )
        actions = decide(view, self._policy, now, reason=reason)
        launch = next((action for action in actions if isinstance(action, Launch)), None)
        if launch is None:
            return told
        if launch.slot.charged or self._purse.covers(charges(launch, self._policy, now), now):
            begins = begun(launch.slot, reason=launch.reason, now=now)
            slots = (begins if slot.number == begins.number else slot for slot in view.slots)
            return outlook(replace(view, slots=tuple(slots)), self._policy, now)
        return replace(told, refused="warm_budget_spent") if launch.warm else told

    def advise(self, look: Look) -> None:
        """Tell idle workers how long to wait, from when photos were taken in hand lately. Raises StoreBusy."""
        view, now = look
        signs = [each for each in (*view.heartbeats, *view.bridge) if each.last_job_ms]
        if not learns(self._settings) or not signs:
            return
        before = read_patience(self._ports.table)
        after = noticed(before, signs, now=now)
        if after is before:
            return
        if (after.quiet_s, after.deserted_s) != (before.quiet_s, before.deserted_s):
            start_s = sum(view.usual.get(phase, UNMEASURED_S) for phase in ("starting_machine", "loading_model"))
            after = advised(after, self._settings, start_s=start_s)
        write_patience(self._ports.table, after)  # lost when somebody else was faster: he saw the same photos

    def _looks_pay(self, view: View, reason: Reason, now: int) -> bool:
        """Note what this sign tells of the looks that met no machine. Where machines cost nothing each look pays."""
        if not self._policy.launch_usd or (reason == "view" and view.machines):
            return True
        before = read_interest(self._ports.table)
        after = heard(before, reason, now=now)
        if after is not before:
            write_interest(self._ports.table, after)
        return after.pays

    def _settled(self, slot: Slot, view: View, now: int) -> Slot:
        machine = view.machine_in(slot.number)
        if machine is not None and has_started(slot, machine.epoch, now=now):
            after = launched(slot, now=machine.launched_ms, usd_per_hour=machine.usd_per_hour)
        else:
            heartbeat = view.heartbeat_of(slot.number, slot.epoch)
            after = settled(slot, machine_is_up=machine is not None, heartbeat=heartbeat, now=now)
            if after.failures > slot.failures and self._fleet.was_taken(slot.number, slot.epoch):
                after = replace(slot, outcome="ended", stopping_ms=0)
        if after is slot:
            return slot
        try:
            written = self._write(after)
            if written is not None and after.outcome == "ended":
                unused = unused_ms(slot.paid_until_ms, now=now)
                paid_at_ms = paid_ms(slot.paid_until_ms, launched_ms=slot.launched_ms)
                self._purse.refund([dollars(slot.usd_per_hour, unused, self._policy, paid_at_ms)], now)
                sign = view.heartbeat_of(slot.number, slot.epoch)
                if slot.warm_ms and sign is not None and sign.last_job_ms:  # no warm call alone asked for it
                    self._purse.refund([warm_charge(self._policy, slot.warm_ms)], now)
        except StoreBusy:
            return slot  # settled at a later look; those who must be reaped are seen all the same
        return written or slot

    def _launch(self, launch: Launch, now: int) -> str | None:
        """Write the row, charge, start the machine; a code of the registry when a budget forbids it.

        Only who has written the row charges, so racing launchers never hold each other's budget; and every launch is
        charged before it is tried, so a crash can only cost budget, never pass it (S8).
        """
        costs = charges(launch, self._policy, now)
        if not launch.slot.charged and not self._purse.covers(costs, now):
            return self._refuse(launch, launch.slot, now)
        slot = self._write(begun(launch.slot, reason=launch.reason, now=now, warm=launch.warm))
        if slot is None:  # somebody else launches in this slot
            return None
        if not slot.charged and not self._purse.pay(costs, now):
            return self._refuse(launch, slot, now)
        paid_at_ms = slot.paid_until_ms - PERIOD_MS  # an earlier try may have paid, on the day before or as a warm one
        costs = charges(replace(launch, warm=bool(slot.warm_ms)), self._policy, paid_at_ms)
        for left in reversed(range(OFFERS)):
            after, again = self._asked(slot, now)
            if not again or not left:
                break
            begins = begun(after, reason=launch.reason, now=now)
            slot = self._write(replace(begins, asked_ms=slot.asked_ms, warm_ms=slot.warm_ms))
            if slot is None:  # somebody else goes on, at his own cost
                self._purse.refund(costs, now)
                return None
        if after.outcome not in ("launched", "launching"):
            self._purse.refund(costs, now)
        elif after.usd_per_hour:  # the budget was charged for the dearest machine
            over = dollars(self._policy.launch_usd - after.usd_per_hour, PERIOD_MS, self._policy, paid_at_ms)
            self._purse.refund([over] if self._policy.dollar_budget else [], now)
        self._write(after)
        return None

    def _asked(self, slot: Slot, now: int) -> tuple[Slot, bool]:
        """The slot after the fleet was asked for this epoch's machine, and whether to ask at once for another."""
        try:
            machine = self._fleet.launch(slot.number, slot.epoch)
        except SlotTaken as taken:
            if taken.epoch == slot.epoch:
                return launched(slot, now=self._ports.clock()), False
            return replace(slot, outcome="ended", epoch=max(slot.epoch, taken.epoch), answered=True), False
        except NoCapacity as error:
            log.warning("no capacity for slot %d: %s", slot.number, error)
            slot = replace(slot, outcome="no_capacity", answered=error.answered, charged=False)
            if not error.others:
                slot = without_capacity(slot, detail=str(error), now=now, again_ms=error.again_ms)
            return slot, error.others
        except LaunchRefused as error:
            log.exception("slot %d cannot be launched", slot.number)
            slot = replace(slot, answered=error.answered, charged=False)
            return failed(slot, outcome="refused", detail=str(error), now=now), False
        except StoreBusy as error:  # perhaps there is a machine; the epoch is tried again after its grace
            log.warning("the launch of slot %d had no answer: %s", slot.number, error)
            return replace(slot, charged=True), False
        log.info("machine %d-%d launched: %s (%s)", slot.number, slot.epoch, slot.reason, machine.name)
        return launched(slot, now=self._ports.clock(), usd_per_hour=machine.usd_per_hour), False

    def _refuse(self, launch: Launch, slot: Slot, now: int) -> str | None:
        """Leave the slot as it was for a warm call; note for those who wait that the budget is spent."""
        if not launch.warm and slot.outcome != "no_budget":
            unasked = replace(slot, answered=launch.slot.answered, charged=False)
            self._write(troubled(unasked, outcome="no_budget", detail="", now=now))
        elif slot is not launch.slot:
            self._write(replace(launch.slot, epoch=slot.epoch, revision=slot.revision))
        return "warm_budget_spent" if launch.warm else None

    def _meter(self, view: View, now: int) -> list[Stop]:
        """Pay for the machines' next minutes, and end those that the day's dollars do not cover any more."""
        ends = []
        for machine in view.machines if self._policy.dollar_budget else ():
            slot = next(slot for slot in view.slots if slot.number == machine.slot)
            length = due_ms(slot.paid_until_ms, now=now) if machine.usd_per_hour else 0
            if not length or slot.stopping_ms or slot.epoch != machine.epoch:
                continue
            cost = [dollars(machine.usd_per_hour, length, self._policy, now)]
            if not self._purse.pay(cost, now):
                ends.append(Stop(machine=machine, why="budget_spent", kill=False))
                continue
            paid = replace(slot, paid_until_ms=now + PERIOD_MS + MARGIN_MS, usd_per_hour=machine.usd_per_hour)
            if self._write(paid) is None:  # somebody else paid, or the slot has changed: at the next look
                self._purse.refund(cost, now)
        return ends

    def _write(self, slot: Slot) -> Slot | None:
        """The slot as written, or None when somebody else was faster."""
        try:
            return write_slot(self._ports.table, slot)
        except (RowExists, RowChanged):
            return None
