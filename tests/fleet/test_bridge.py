"""The bridge: when it starts and ends, and that it counts as no machine."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fleet.bridge import (
    FAILED_PAUSE_MS,
    LOOK_MS,
    NEEDED_BYTES,
    SPARE_BYTES,
    WISH_MS,
    Bridge,
    Scene,
    Wish,
    bridge_settings,
    move,
)
from fleet.launcher import Launcher
from fleet.machines import LaunchRefused
from fleet.tick import run
from jobs.heartbeat import Heartbeat, beat
from jobs.patience import learns
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.photos import upload
from tests.fleet.processes import until
from tests.fleet.signs import show

NOBODY = Scene(up=False, wished=True, machine_ready=False, free=NEEDED_BYTES)
AT_WORK = replace(NOBODY, up=True)


@dataclass
class Shore:
    """A bridge over an in-memory fleet, its clock, and the memory that the test says is free."""

    ports: Ports
    clock: FakeClock
    fleet: Cloud
    wish: Wish
    bridge: Bridge
    free: list[int | None] = field(default_factory=lambda: [2 * NEEDED_BYTES])

    def look(self) -> str:
        self.clock.ms += LOOK_MS
        return self.bridge.tend()

    def wished(self) -> None:
        """Wish anew: a file's time moves on every few milliseconds only."""
        before = self.wish.made_ns()

        def made() -> bool:
            self.wish.make()
            return self.wish.made_ns() != before

        until(made)

    def sign(self, **facts: object) -> None:
        known = {"state": "ready", "started_ms": self.clock(), "beat_ms": self.clock(), "ready_ms": self.clock()}
        beat(self.ports.table, Heartbeat(worker="b1", slot=-1, epoch=0, bridge=True, **known | facts))


@pytest.fixture
def shore(world: tuple[Ports, Cloud], settings: Settings, clock: FakeClock) -> Shore:
    ports, fleet = world
    given = replace(
        settings, fleet="none:", bridge=1, heartbeat_s=5, lease_s=30, spool=settings.blobs.removeprefix("file:")
    )
    made = Shore(ports, clock, fleet, Wish(given), None)  # type: ignore[arg-type]
    made.bridge = Bridge(ports, given, fleet, free=lambda: made.free[-1])
    return made


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (NOBODY, "start"),
        (replace(NOBODY, wished=False), "wait"),
        (replace(NOBODY, machine_ready=True), "wait"),
        (replace(NOBODY, paused=True), "wait"),
        (replace(NOBODY, free=NEEDED_BYTES - 1), "wait"),
        (replace(NOBODY, free=None), "wait"),
        (AT_WORK, "wait"),
        (replace(AT_WORK, wished=False), "wait"),
        (replace(AT_WORK, free=SPARE_BYTES), "wait"),
        (replace(AT_WORK, free=SPARE_BYTES - 1), "stop"),
        (replace(AT_WORK, machine_ready=True), "stop"),
    ],
)
def test_it_is_there_while_it_is_wanted_has_room_and_no_machine_is_ready(scene: Scene, expected: str) -> None:
    assert move(scene) == expected


def test_nobody_starts_it_without_a_wish(shore: Shore) -> None:
    assert [shore.look() for _ in range(3)] == ["wait"] * 3
    assert shore.fleet.launches == []


def test_a_wish_starts_it_once_and_a_ready_machine_ends_it(shore: Shore) -> None:
    shore.wished()
    assert [shore.look() for _ in range(3)] == ["start", "wait", "wait"]
    show(shore.ports, slot=0, epoch=1, state="loading")
    assert shore.look() == "wait"
    show(shore.ports, slot=0, epoch=1, state="ready")
    assert shore.look() == "stop"
    [(_, kill)] = shore.fleet.stopped
    assert not kill  # it hands its photo back
    assert len(shore.fleet.launches) == 1


def test_a_machine_that_has_gone_silent_does_not_end_it(shore: Shore) -> None:
    show(shore.ports, slot=0, epoch=1, state="ready")
    shore.clock.pass_s(60)
    shore.wished()
    assert [shore.look(), shore.look()] == ["start", "wait"]


def test_while_a_machine_is_ready_a_wish_is_dropped(shore: Shore) -> None:
    show(shore.ports, slot=0, epoch=1, state="busy")
    shore.wished()
    assert shore.look() == "wait"
    show(shore.ports, slot=0, epoch=1, state="draining")
    assert shore.look() == "wait"
    shore.wished()
    assert shore.look() == "start"


def test_its_own_sign_of_life_is_no_ready_machine(shore: Shore) -> None:
    shore.wished()
    shore.look()
    shore.sign()
    assert shore.look() == "wait"
    assert shore.fleet.stopped == []


def test_a_wish_waits_for_room_for_a_while_and_says_so_once(shore: Shore, caplog: pytest.LogCaptureFixture) -> None:
    shore.free.append(NEEDED_BYTES - 1)
    shore.wished()
    assert [shore.look(), shore.look()] == ["wait", "wait"]
    assert caplog.text.count("no bridge: it needs") == 1
    shore.free.append(NEEDED_BYTES)
    assert shore.look() == "start"
    shore.fleet.lose(0)
    shore.sign(state="draining")
    shore.clock.ms += WISH_MS
    assert shore.look() == "wait"


def test_one_that_failed_is_not_tried_again_at_once(shore: Shore, caplog: pytest.LogCaptureFixture) -> None:
    shore.wished()
    shore.look()
    shore.sign(state="setup_failed", ready_ms=0, detail="no openvino")
    shore.fleet.lose(0)
    shore.wished()
    assert shore.look() == "wait"
    assert "no openvino" in caplog.text
    shore.clock.ms += FAILED_PAUSE_MS
    shore.wished()
    assert shore.look() == "start"


def test_one_that_was_idle_may_come_again_at_once(shore: Shore) -> None:
    shore.wished()
    shore.look()
    shore.sign(state="draining")
    shore.fleet.lose(0)
    assert shore.look() == "start"  # the wish still holds


def test_one_that_took_too_much_memory_is_not_tried_again_at_once(shore: Shore) -> None:
    shore.wished()
    assert shore.look() == "start"
    shore.free.append(SPARE_BYTES - 1)
    assert shore.look() == "stop"
    shore.sign(state="draining")
    shore.fleet.lose(0)
    shore.free.append(2 * NEEDED_BYTES)  # its own
    shore.wished()
    assert [shore.look(), shore.look()] == ["wait", "wait"]
    shore.clock.ms += FAILED_PAUSE_MS
    shore.wished()
    assert shore.look() == "start"


def test_one_that_cannot_be_started_is_not_tried_at_every_look(shore: Shore) -> None:
    shore.fleet.weather.append(LaunchRefused("no python"))
    shore.wished()
    assert [shore.look(), shore.look()] == ["start", "wait"]
    assert shore.fleet.launches == []


def test_one_that_an_earlier_tick_left_is_looked_after(shore: Shore) -> None:
    shore.fleet.launch(0, 1)
    show(shore.ports, slot=0, epoch=1, state="ready")
    assert shore.look() == "stop"


def test_it_ends_with_the_tick(shore: Shore) -> None:
    stop = threading.Event()
    shore.fleet.launch(0, 1)
    thread = threading.Thread(target=shore.bridge.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(60)
    assert shore.fleet.machines() == []


def test_it_spares_no_machine_and_nobody_is_told_that_one_is_ready(
    world: tuple[Ports, Cloud], settings: Settings, clock: FakeClock
) -> None:
    ports, fleet = world
    launcher = Launcher(ports, settings, fleet)
    known = {"started_ms": clock(), "beat_ms": clock(), "ready_ms": clock()}
    beat(ports.table, Heartbeat(worker="b1", slot=-1, epoch=0, state="ready", bridge=True, **known))
    assert launcher.outlook().state == launcher.glance().state == "none"
    told = launcher.ensure("view")
    assert (told.state, told.phase) == ("starting", "starting_machine")
    assert len(fleet.launches) == 1


def test_the_tick_wishes_while_a_photo_waits_and_no_machine_is_ready(
    ports: Ports, settings: Settings, tmp_path: Path
) -> None:
    wishes: list[str] = []
    stop = threading.Event()
    launcher = Launcher(ports, settings, Cloud(clock=ports.clock))
    ticking = threading.Thread(
        target=run, args=(ports, launcher, settings, stop), kwargs={"wish": lambda: wishes.append("")}
    )
    ticking.start()
    try:
        upload(ports, tmp_path)
        until(lambda: len(wishes) > 1)
    finally:
        stop.set()
        ticking.join(60)


def test_its_worker_takes_the_small_engine_leaves_a_core_and_hears_no_notice(settings: Settings) -> None:
    given = replace(
        settings, fleet="ec2:lamp", engine="torch", bridge=1, pulse_file="/tmp/pulse", idle_s=900, idle_least_s=25
    )
    its = bridge_settings(given)
    assert (its.engine, its.bridge, its.pulse_file, its.idle_s) == ("openvino", 0, "", 60)
    assert not learns(its)  # when photos come says how long to keep what is billed
    assert its.fleet.startswith("process:")
    assert its.engine_threads >= 1
    assert bridge_settings(replace(given, engine_threads=3)).engine_threads == 3
    assert (its.queue, its.table, its.blobs) == (given.queue, given.table, given.blobs)
