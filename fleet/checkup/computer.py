"""This computer: its Python, the sandbox that photos are read in, the engine, and room for uploads."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.checkup.finding import Finding, error, warning

PYTHONS = ((3, 11), (3, 13))
ROOM_PHOTOS = 10  # the largest photos that should find room


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """`sandbox_missing` are the layers that this machine lacks, `sandbox_refusal` why no photo can be read at all;
    `engine_refusal` why no engine can be had. `closed` are places that the settings name and nothing can be kept in;
    `room_bytes` is free where uploads arrive.
    """

    python: tuple[int, int]
    sandbox: str
    sandbox_missing: tuple[str, ...] = ()
    sandbox_refusal: str = ""
    engine_refusal: str = ""
    closed: tuple[str, ...] = ()
    spool: str = ""
    room_bytes: int = 1 << 40
    photo_bytes: int = 100_000_000


def findings(computer: Computer) -> list[Finding]:
    found = []
    if not PYTHONS[0] <= computer.python <= PYTHONS[1]:
        here = ".".join(map(str, computer.python))
        found.append(
            error(
                "python_untried",
                f"This is Python {here}, and Firstlight is made for 3.11 to 3.13.",
                "Install one of them, then: make clean run PYTHON=python3.12",
            )
        )
    if computer.sandbox_refusal:
        found.append(
            error(
                "sandbox_refused",
                f"Photos cannot be read here with SANDBOX={computer.sandbox}: {computer.sandbox_refusal}",
                "Run where Linux has seccomp and libseccomp (Debian: apt install libseccomp2), or set SANDBOX=auto.",
            )
        )
    if computer.sandbox == "off":
        found.append(
            warning(
                "sandbox_off",
                "SANDBOX=off: whoever sends a photo meets an unguarded decoder.",
                "Set SANDBOX=auto, or strict to refuse photos where a layer is missing.",
            )
        )
    elif computer.sandbox_missing:
        found.append(
            warning(
                "sandbox_incomplete",
                f"Photos are read without {', '.join(computer.sandbox_missing)} on this machine.",
                "Where strangers may send photos use Linux 5.13 or later with libseccomp; for yourself it is fine.",
            )
        )
    if computer.engine_refusal:
        found.append(
            error(
                "engine_missing",
                f"No worker can start here: {computer.engine_refusal}",
                "Install what is named there, or set ENGINE=auto.",
            )
        )
    if computer.closed:
        found.append(
            error(
                "nothing_can_be_kept",
                f"Nothing can be kept in {' and '.join(computer.closed)}: it is no folder, or not open for writing.",
                "Give write access there, move a file away that stands in the place of a folder, or name another place "
                "by SPOOL, BLOBS, QUEUE and TABLE.",
            )
        )
    if computer.room_bytes < ROOM_PHOTOS * computer.photo_bytes:
        full = computer.room_bytes < computer.photo_bytes
        found.append(
            (error if full else warning)(
                "little_room",
                f"{computer.room_bytes / 1e9:.1f} GB are free in {computer.spool}, where uploads arrive; the largest "
                f"photo takes {computer.photo_bytes / 1e9:.1f} GB.",
                "Make room there, or name another folder by SPOOL.",
            )
        )
    return found
