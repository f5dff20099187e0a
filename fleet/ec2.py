"""Machines on EC2: one `instant` fleet of one machine for each slot and epoch, spot first.

                    ┌─ machine ─▶ noted in the order ─▶ launched
    order ─▶ CreateFleet(token = slot-epoch) ─ none ─▶ its pools are spared ten minutes ─▶ next epoch, next offer
                    └─ no answer ─▶ the same order again, by whoever looks next: EC2 answers a token once

Why no machine is launched twice: EC2 takes a token once, every call of an epoch carries its token, and nobody goes on
to the next epoch before EC2 has answered for this one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

from fleet.ladder import Terms
from fleet.machines import LaunchRefused, Machine, NoCapacity, SlotTaken
from fleet.offers import Offers, meant
from fleet.orders import Order, read_order, read_orders, write_order
from fleet.refusals import QUOTA, consequence, cure, is_capacity
from fleet.requests import PROJECT_TAG, UP, create_fleet_request, machine_of, ordered_machine
from fleet.subnets import SubnetCalls
from jobs.clients import Declined, reaching
from jobs.clock import Clock
from jobs.errors import FirstlightError, StoreBusy, StoreUnusable
from jobs.table import JobTable

LISTING_LAG_MS = 60_000  # EC2's list may miss a machine for so long after its launch
LISTING_KEPT_MS = 2_000
MOST_PAGES = 20
UNNAMED = "unnamed"  # a machine that EC2 says it has launched, and whose id we do not know yet
STOP_S = 60.0  # an instance needs that long to shut down
TRIES = 5
TAKEN = "Server.Spot"  # SpotInstanceTermination, SpotInstanceShutdown
log = logging.getLogger(__name__)


class Ec2Calls(SubnetCalls, Protocol):
    """What we use of boto3's EC2 client, in its own words."""

    def create_fleet(self, **wanted: Any) -> dict[str, Any]: ...

    def describe_instances(self, **wanted: Any) -> dict[str, Any]: ...

    def terminate_instances(self, **wanted: Any) -> dict[str, Any]: ...


class Ec2Fleet:
    """A Fleet. Every process of ours may have one; rows in the table hold what they must agree on."""

    def __init__(
        self,
        ec2: Callable[[], Ec2Calls],
        table: JobTable,
        *,
        clock: Clock,
        terms: Terms,
        project: str,
        slots: int,
        subnets: Sequence[str] = (),
        hard_age_s: float = 12 * 3600.0,
        on_demand_budget: int = 0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ec2 = ec2
        self._table = table
        self._clock = clock
        self._terms = terms
        self._project = project
        self._slots = slots
        self._offers = Offers(
            ec2, table, terms=terms, project=project, subnets=subnets, on_demand_budget=on_demand_budget
        )
        self._hard_age_ms = int(hard_age_s * 1000)
        self._sleep = sleep
        self._listing: tuple[int, list[dict[str, Any]]] | None = None

    def machines(self) -> list[Machine]:
        orders = read_orders(self._table, up_to=self._slots)
        asked_ms, listed = self._listed()
        up = [machine_of(each) for each in listed if each["State"]["Name"] in UP]
        shown = {each["InstanceId"] for each in listed}
        for order in orders:
            found = [each for each in up if (each.slot, each.epoch) == (order.slot, order.epoch)]
            if found and order.machine in ("", UNNAMED):  # its launch had no answer; the list may lose it once more
                with suppress(SlotTaken):
                    self._noted(order, found[0].name, "")
            elif not found and order.machine not in shown and abs(asked_ms - order.answered_ms) < LISTING_LAG_MS:
                up.append(ordered_machine(order))
        return sorted(up, key=lambda machine: (machine.slot, machine.epoch))

    def launch(self, slot: int, epoch: int) -> Machine:
        order = self._order(slot, epoch)
        self._listing = None
        request = create_fleet_request(order, self._terms, project=self._project)
        try:
            with reaching("ec2"):
                answer = self._ec2().create_fleet(**request)
        except StoreUnusable as error:
            self._withdraw(order)
            raise LaunchRefused(str(error), answered=False) from error
        except Declined as error:
            raise self._declined(order, error.code, str(error)) from error
        except StoreBusy as error:
            if is_capacity(code := _code_behind(error)):
                raise self._declined(order, code, str(error)) from error
            raise
        if made := [each for each in answer.get("Instances", []) if each.get("InstanceIds")]:
            return ordered_machine(self._noted(order, made[0]["InstanceIds"][0], made[0].get("InstanceType", "")))
        raise self._refused(order, answer.get("Errors", []))

    def stop(self, machine: Machine, *, kill: bool) -> None:
        """Both ways alike: EC2 lets the host shut down, which ends the worker by SIGTERM."""
        del kill
        if machine.name == UNNAMED:  # the list will name it
            return
        self._listing = None
        try:
            with reaching("ec2"):
                self._ec2().terminate_instances(InstanceIds=[machine.name])
        except Declined as error:
            if error.code != "InvalidInstanceID.NotFound":
                raise StoreBusy(f"ec2: {error}") from error

    def was_taken(self, slot: int, epoch: int) -> bool:
        reasons = [
            each.get("StateReason", {}).get("Code", "")
            for each in self._listed()[1]
            if (machine_of(each).slot, machine_of(each).epoch) == (slot, epoch)
        ]
        return any(reason.startswith(TAKEN) for reason in reasons)

    def stop_all(self) -> None:
        ends = time.monotonic() + STOP_S
        while machines := self.machines():
            for machine in machines:
                self.stop(machine, kill=False)
            if time.monotonic() > ends:
                log.error("these machines do not end: %s", ", ".join(machine.name for machine in machines))
                return
            self._sleep(1.0)

    def _listed(self) -> tuple[int, list[dict[str, Any]]]:
        """When EC2 was asked, at most two seconds ago, and our instances in every state as it told them."""
        now, kept = self._clock(), self._listing
        if kept is None or not 0 <= now - kept[0] < LISTING_KEPT_MS:
            self._listing = kept = (now, list(self._pages()))
        return kept

    def _pages(self) -> Iterator[dict[str, Any]]:
        wanted: dict[str, Any] = {"Filters": [{"Name": f"tag:{PROJECT_TAG}", "Values": [self._project]}]}
        for _ in range(MOST_PAGES):
            with _asking():
                answer = self._ec2().describe_instances(**wanted)
            for reservation in answer["Reservations"]:
                yield from reservation["Instances"]
            if not answer.get("NextToken"):
                return
            wanted["NextToken"] = answer["NextToken"]
        raise StoreBusy("ec2: the list of machines does not end")

    def _order(self, slot: int, epoch: int) -> Order:
        """What to ask EC2 for: what was asked in this epoch before, or the best offer now.

        Raises SlotTaken, NoCapacity, LaunchRefused.
        """
        for _ in range(TRIES):
            old = read_order(self._table, slot)
            if old is not None and old.epoch >= epoch:
                if old.epoch > epoch or old.machine:
                    raise SlotTaken(slot, old.epoch)
                if old.offer is not None:
                    return old
            now = self._clock()
            chosen = self._offers.best(now)
            if not self._offers.reserve(chosen, now):
                continue
            order = Order(slot=slot, epoch=epoch, offer=chosen, deadline_ms=now + self._hard_age_ms)
            if written := write_order(self._table, replace(order, revision=old.revision if old else 0)):
                return written
            self._offers.release(chosen, now, now)
        raise StoreBusy(f"ec2: the order of slot {slot} changed too often")

    def _noted(self, order: Order, machine: str, type_: str) -> Order:
        """The order with its machine, as written. Raises SlotTaken when the slot has gone on."""
        for _ in range(TRIES):
            noted = replace(order, machine=machine, type=type_ or order.type, answered_ms=self._clock())
            if written := write_order(self._table, noted):
                return written
            now_there = read_order(self._table, order.slot)
            if now_there is None or now_there.epoch < order.epoch:
                order = replace(order, revision=now_there.revision if now_there else 0)
            elif now_there.epoch > order.epoch:
                raise SlotTaken(order.slot, now_there.epoch)
            elif now_there.machine not in ("", UNNAMED):
                return now_there
            else:
                order = replace(order, revision=now_there.revision)
        raise StoreBusy(f"ec2: the order of slot {order.slot} changed too often")

    def _refused(self, order: Order, errors: list[dict[str, Any]]) -> FirstlightError:
        """EC2 has answered this epoch: no machine."""
        assert order.offer is not None
        codes: dict[str, str] = {}
        for error in errors or [{}]:
            code = error.get("ErrorCode", "NoMachine")
            if consequence(code) == "operator":
                self._release(order)
                return LaunchRefused(cure(code, error.get("ErrorMessage", "")))
            override = error.get("LaunchTemplateAndOverrides", {}).get("Overrides", {})
            codes |= meant(order.offer, code, override)
        self._release(order)
        return self._spare(order, codes)

    def _declined(self, order: Order, code: str, said: str) -> FirstlightError:
        """EC2 has not taken the call, or had taken its token before."""
        wanted = order.offer
        assert wanted is not None
        match consequence(code):
            case "token_used":
                _, listed = self._listed()
                epochs = [machine_of(each).epoch for each in listed if machine_of(each).slot == order.slot]
                if code == "IdempotentParameterMismatch":
                    order = self._noted(order, UNNAMED, "")
                return SlotTaken(order.slot, max(order.epoch, *epochs, 0))
            case "operator":
                self._withdraw(order)
                return LaunchRefused(cure(code, said), answered=False)
            case _:
                if not self._withdraw(order):
                    return StoreBusy(f"ec2: another launcher tries slot {order.slot}")
                return self._spare(order, meant(wanted, code, {}), answered=False)

    def _withdraw(self, order: Order) -> bool:
        """EC2 took no call: the next try of this epoch asks anew. False when another launcher was faster."""
        if write_order(self._table, replace(order, offer=None, released=True)) is None:
            return False
        self._give_back(order)
        return True

    def _release(self, order: Order) -> None:
        """Give back what the order had reserved, once, though other launchers may hear the same refusal."""
        if not order.released and write_order(self._table, replace(order, released=True)) is not None:
            self._give_back(order)

    def _give_back(self, order: Order) -> None:
        if order.offer is not None and not order.released:
            self._offers.release(order.offer, order.deadline_ms - self._hard_age_ms, self._clock())

    def _spare(self, order: Order, codes: dict[str, str], *, answered: bool = True) -> FirstlightError:
        """Remember who refused, and tell whether somebody else may be asked at once."""
        assert order.offer is not None
        now = self._clock()
        if QUOTA in codes.values():
            log.error("%s", cure(QUOTA, ""))
        none = self._offers.spare(codes, now)
        if none is None:
            said = f"{order.offer.flavour}, {order.offer.market}: {', '.join(sorted(set(codes.values())))}"
            return NoCapacity(said, others=True, answered=answered)
        none.answered = answered
        return none


@contextmanager
def _asking() -> Iterator[None]:
    """To those who only look, an answer that we do not understand is a store that is away."""
    try:
        with reaching("ec2"):
            yield
    except Declined as error:
        raise StoreBusy(f"ec2: {error}") from error


def _code_behind(busy: StoreBusy) -> str:
    response: dict[str, Any] = getattr(busy.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
