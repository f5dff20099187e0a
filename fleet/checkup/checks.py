"""Every check: what it looks at, by whom it is judged, and what it needs."""

from __future__ import annotations

from fleet.attendance import last_tick_ms
from fleet.checkup import (
    access,
    backlog,
    breakers,
    bucket,
    budget,
    clock,
    clockwork,
    leftovers,
    network,
    queues,
    quotas,
    rows,
    strays,
    template,
    terms,
)
from fleet.checkup.finding import Finding
from fleet.checkup.questions import naming_permission
from fleet.checkup.rounds import Check
from fleet.checkup.world import World
from fleet.ladder import Terms
from fleet.machines import Machine
from fleet.pools import refused_pools
from fleet.roster import machines_seen
from fleet.slots import read_slots
from jobs.heartbeat import FORGET_AFTER_MS, Heartbeat, heartbeats

LOOK_AGAIN_S = 2.0


def _heartbeats(world: World) -> list[Heartbeat]:
    return heartbeats(world.stores.table, since_ms=world.clock() - FORGET_AFTER_MS)


def _workers(world: World) -> int:
    step_ms = int(world.settings.heartbeat_s * 1000)
    return sum(each.is_fresh(now=world.clock(), heartbeat_ms=step_ms) for each in _heartbeats(world))


def _machines(world: World) -> list[Machine]:
    with naming_permission("ec2"):
        return [each.machine for each in machines_seen(world.settings, world.questions, world.clock)]


def _template(world: World) -> list[Finding]:
    settings = world.settings
    offered = Terms.of(settings.fleet, settings.flavours)
    stores = {"BLOBS": settings.blobs, "QUEUE": settings.queue, "TABLE": settings.table}
    found: list[Finding] = []
    for name in dict.fromkeys(offered.templates[flavour] for flavour in offered.flavours):
        found += template.findings(template.observed(world.asks, name, stores=stores))
    return found


def _quotas(world: World) -> list[Finding]:
    known = quotas.observed(world.asks, world.settings)
    return quotas.findings(known, region=world.asks.region(), machines=world.settings.max_machines)


def _strays(world: World) -> list[Finding]:
    settings = world.settings
    return strays.findings(
        strays.Strays(
            machines=_machines(world),
            slots=read_slots(world.stores.table, up_to=settings.max_machines),
            heartbeats=_heartbeats(world),
            ready_deadline_ms=int(settings.ready_deadline_s * 1000),
            hard_age_ms=int(settings.hard_age_s * 1000),
            heartbeat_ms=int(settings.heartbeat_s * 1000),
            ec2=settings.fleet.startswith("ec2:"),
        ),
        world.clock(),
    )


def _volumes(world: World) -> list[Finding]:
    return strays.volume_findings(strays.volumes_left(world.settings, world.asks))


def _leftovers(world: World) -> list[Finding]:
    left = leftovers.observed(world.stores)
    if left:
        world.sleep(LOOK_AGAIN_S)
        left &= leftovers.observed(world.stores)
    return leftovers.findings(left)


def _breakers(world: World) -> list[Finding]:
    now, table = world.clock(), world.stores.table
    slots = read_slots(table, up_to=world.settings.max_machines)
    ec2 = world.settings.fleet.startswith("ec2:")
    return breakers.findings(slots, refused_pools(table, now=now), ec2=ec2, now=now)


def _backlog(world: World) -> list[Finding]:
    jobs, unreadable = backlog.unfinished(world.stores)
    waits = backlog.Backlog(
        jobs=jobs,
        workers=_workers(world),
        machines=len(_machines(world)),
        terms=world.stores.ledger.terms,
        patience_ms=int((world.settings.ready_deadline_s + world.settings.target_wait_s) * 1000),
        unreadable=unreadable,
    )
    return backlog.findings(waits, world.clock())


def _clockwork(world: World) -> list[Finding]:
    work = clockwork.Clockwork(
        last_tick_ms=last_tick_ms(world.stores.table),
        unfinished=world.stores.ledger.waiting() + world.stores.ledger.running(),
        machines=len(_machines(world)),
        workers=_workers(world),
    )
    return clockwork.findings(work, world.settings, world.clock())


CHECKS: tuple[Check, ...] = (
    Check(name="settings", look=lambda world: terms.findings(world.settings)),
    Check(
        name="access",
        look=lambda world: access.findings(access.observed(world.asks)),
        cloud=("blobs", "queue", "table", "fleet"),
        service="sts",
    ),
    Check(
        name="clock",
        look=lambda world: clock.findings(world.asks.ahead_ms),
        cloud=("blobs", "queue", "table", "fleet"),
        needs=("access",),
    ),
    Check(
        name="bucket",
        look=lambda world: bucket.findings(bucket.observed(world.asks, world.settings.blobs)),
        cloud=("blobs",),
        needs=("access",),
        service="s3",
    ),
    Check(
        name="queue",
        look=lambda world: queues.findings(queues.observed(world.asks, world.settings.queue)),
        cloud=("queue",),
        needs=("access",),
        service="sqs",
    ),
    Check(name="table", look=lambda world: rows.findings(rows.observed(world)), needs=("access", "table")),
    Check(name="quotas", look=_quotas, cloud=("fleet",), needs=("access",), service="service-quotas"),
    Check(name="template", look=_template, cloud=("fleet",), needs=("access",), service="ec2"),
    Check(
        name="subnets",
        look=lambda world: network.findings(network.observed(world.asks, world.settings), world.settings),
        cloud=("fleet",),
        needs=("access",),
        service="ec2",
    ),
    Check(name="machines", look=_strays, needs=("access", "table")),
    Check(name="volumes", look=_volumes, cloud=("fleet",), needs=("access",), service="ec2"),
    Check(name="blobs", look=_leftovers, needs=("access", "bucket", "table"), service="s3"),
    Check(
        name="budgets",
        look=lambda world: budget.findings(budget.observed(world.stores.table, world.clock()), world.settings),
        needs=("access", "table"),
    ),
    Check(name="breakers", look=_breakers, needs=("access", "table")),
    Check(name="jobs", look=_backlog, needs=("access", "table")),
    Check(name="tick", look=_clockwork, needs=("access", "table")),
)
