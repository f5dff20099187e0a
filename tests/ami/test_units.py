"""What the machine's units promise, read as text: that whatever ends, ends the machine, and nothing waits for more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

AMI = Path(__file__).resolve().parents[2] / "ami"
UNITS = sorted([*AMI.glob("host/units/*"), *AMI.glob("host/gpu/*.service")])


def settings(unit: Path) -> dict[str, list[str]]:
    """Values by `Section.Name`, in order."""
    section, found = "", dict[str, list[str]]()
    for line in unit.read_text().splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(f"{section}.{name}", []).append(value)
    return found


def unit(name: str) -> dict[str, list[str]]:
    return settings(AMI / "host" / "units" / name)


@pytest.mark.parametrize("name", ["launch", "worker", "deadman"])
def test_a_machine_whose_part_fails_powers_off(name: str) -> None:
    assert unit(f"firstlight-{name}.service")["Unit.FailureAction"] == ["poweroff-force"]


def test_nothing_that_all_others_need_can_fail_unseen() -> None:
    """Units that are not started because of another have no failure of their own, and so no action."""
    for name in ("launch", "worker", "deadman"):
        for needed in " ".join(unit(f"firstlight-{name}.service").get("Unit.Requires", [])).split():
            assert unit(needed)["Unit.FailureAction"] == ["poweroff-force"]


@pytest.mark.parametrize("name", ["worker", "deadman"])
def test_a_machine_whose_worker_or_deadman_ends_powers_off(name: str) -> None:
    told = unit(f"firstlight-{name}.service")
    assert told["Unit.SuccessAction"] == ["poweroff-force"]
    assert told.get("Service.Restart", ["no"]) == ["no"]


def test_a_deadman_that_hangs_powers_off() -> None:
    told = unit("firstlight-deadman.service")
    assert told["Service.Type"] == ["notify"]
    assert int(told["Service.WatchdogSec"][0]) >= 4 * 5  # four looks
    assert "Service.TimeoutStartSec" in told


def test_the_deadman_does_not_depend_on_what_it_watches() -> None:
    told = unit("firstlight-deadman.service")
    needed = " ".join(told.get("Unit.Requires", []) + told.get("Unit.After", []) + told.get("Unit.BindsTo", []))
    assert "firstlight" not in needed
    assert unit("firstlight-deadman.timer")["Timer.OnBootSec"] == ["20s"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_no_unit_waits_for_the_whole_system(path: Path) -> None:
    told = settings(path)
    assert told["Unit.DefaultDependencies"] == ["no"]
    words = " ".join(value for name in ("Wants", "Requires", "After") for value in told.get(f"Unit.{name}", []))
    assert not re.search(r"sysinit|basic\.target|network-online|multi-user", words)


def test_the_target_starts_every_unit_of_ours() -> None:
    wanted = " ".join(unit("firstlight.target")["Unit.Wants"]).split()
    ours = {path.name for path in UNITS if path.parent.name == "units" and path.name.startswith("firstlight-")}
    assert ours - set(wanted) == {"firstlight-deadman.service"}  # by its timer


@pytest.mark.parametrize("name", ["launch", "worker", "deadman", "read-ahead"])
def test_nothing_of_ours_runs_as_root_or_gains_privileges(name: str) -> None:
    told = unit(f"firstlight-{name}.service")
    assert told["Service.NoNewPrivileges"] == ["yes"]
    assert told["Service.CapabilityBoundingSet"] == [""]
    assert told["Service.RootDirectory"] == ["/opt/firstlight/image"]
    assert told["Service.ProtectSystem"] == ["strict"]
    assert name == "worker" or told["Service.User"] == ["firstlight-launch"]  # the worker's is the image's own


def test_every_program_that_a_unit_starts_exists() -> None:
    folder = AMI.parent
    for path in UNITS:
        for command in settings(path).get("Service.ExecStart", []):
            for file in re.findall(r"/mnt/(\w+\.py)", command):
                assert (AMI / "host" / file).is_file()
            for file in re.findall(r"/app/(\S+\.py)", command):
                assert (folder / file).is_file()


def test_a_gpu_is_kept_awake_and_its_modules_load_when_they_are_called() -> None:
    told = settings(AMI / "host" / "gpu" / "firstlight-gpu.service")
    assert "--persistence-mode" in told["Service.ExecStart"][0].split()  # older drivers start without
    dockerfile = (AMI.parent / "docker" / "worker.Dockerfile").read_text()
    assert "CUDA_MODULE_LOADING=LAZY" in dockerfile
    assert "CUDA_MODULE_LOADING" in (AMI / "provision.sh").read_text(), "the first photo at bake time runs otherwise"


def test_a_gpu_s_worker_may_open_the_driver_s_devices_and_no_others() -> None:
    told = settings(AMI / "host" / "gpu" / "gpu.conf")
    assert told["Service.DevicePolicy"] == ["closed"]
    assert told["Service.DeviceAllow"] == ["char-nvidia* rw"]
