"""The passage of one photo through a running service: sent, waited for, its picture laid beside it.

waiting ─▶ sending ─▶ in line ─▶ enhancing ─▶ fetching ─▶ done
              └─────────┴───────────┴────────────┴──────▶ failed
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cli.remote import NotServed, Remote

Stage = Literal["waiting", "sending", "in line", "enhancing", "fetching", "done", "failed"]
ENDED: tuple[Stage, ...] = ("done", "failed")
SLOW_WAIT_S, BUSY_WAIT_S = 20, 2  # a long poll while nothing moves; while a photo is enhanced, progress is worth a look


@dataclass(slots=True, kw_only=True)
class Passage:
    """`photo` is None where only its picture is fetched, by `job_id`; then `target` lacks its suffix until the end.

    `share` is how much of the stage is done (0…1), `trouble` why the service is asked again; `out` says that all of the
    photo has gone out once. Written by one thread, read by the one that draws.
    """

    name: str
    target: Path
    photo: Path | None = None
    job_id: str = ""
    stage: Stage = "waiting"
    share: float = 0.0
    note: str = ""
    trouble: str = ""
    out: bool = False

    @property
    def unanswered(self) -> bool:
        """Whether the service may have taken the photo and we have not heard of it."""
        return self.stage == "sending" and self.out and not self.job_id

    @property
    def ended(self) -> bool:
        return self.stage in ENDED

    def hear(self, why: str) -> None:
        """The service is asked again, and why."""
        self.note = self.trouble = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of each photo. `ratio` is `auto` or a number as text; without `wait` it is only sent."""

    ratio: str
    format: str
    direct: bool
    force: bool
    wait: bool


class TargetTaken(NotServed):
    """There is a picture already, and nobody said that it may go."""

    def __init__(self, target: Path) -> None:
        super().__init__(f"{target} is already there; --force replaces it.")


def travel(passage: Passage, remote: Remote, wish: Wish) -> None:
    """Take the photo all the way. Raises NotServed, OSError and Stopped; what was accepted stays in `job_id`."""
    remote.told = passage.hear
    if wish.wait and passage.target.exists() and not wish.force:
        raise TargetTaken(passage.target)
    if passage.photo is not None:
        passage.stage = "sending"
        passage.job_id = _sent(passage, passage.photo, remote, wish)
    if not wish.wait:
        passage.stage = "done"
        return
    status = _waited(passage, remote)
    result = status["result"]
    passage.stage, passage.share = "fetching", 0.0
    if passage.photo is None:
        passage.target = passage.target.with_name(passage.target.name + SUFFIXES.get(result["media_type"], ""))
    _fetched(passage, remote, passage.target, size=int(result["size"]), force=wish.force)
    passage.note = f"×{result['ratio']:.3g}"
    passage.stage, passage.share = "done", 1.0


SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/tiff": ".tif"}


def _sent(passage: Passage, photo: Path, remote: Remote, wish: Wish) -> str:
    size = photo.stat().st_size

    def sent(number: int) -> None:
        passage.share = number / max(1, size)
        passage.out = passage.out or number >= size

    if wish.direct:
        ratio: Any = "auto" if wish.ratio == "auto" else float(wish.ratio)
        invited = remote.invitation(size, {"ratio": ratio, "format": wish.format}) if size else None
        if invited is not None:
            return str(remote.upload_directly(photo, invited, sent=sent)["id"])
    fields = {"ratio": wish.ratio, "format": wish.format}
    return str(remote.upload(photo, fields, key=str(uuid.uuid4()), sent=sent)["id"])


def _waited(passage: Passage, remote: Remote) -> dict[str, Any]:
    """The status of the finished photo; the service ends every photo by its deadline. Raises NotServed."""
    passage.stage, passage.share = "in line", 0.0
    etag, wait_s = "", 0
    while True:
        status, etag = remote.status(passage.job_id, wait_s=wait_s, etag=etag)
        wait_s = BUSY_WAIT_S if passage.stage == "enhancing" else SLOW_WAIT_S
        if status is None:
            continue
        if status["state"] == "done":
            return status
        if status["state"] in ("failed", "cancelled"):
            why = status.get("error") or {"detail": f"The photo was {status['state']}.", "cure": "Send it again."}
            raise NotServed(f"{why['detail']} {why['cure']}", code=str(why.get("code", "")))
        passage.stage = "enhancing" if status["state"] == "running" else "in line"
        passage.share = float(status["progress"] or 0.0)
        passage.note = _note(status)
        if passage.stage == "enhancing":
            wait_s, etag = BUSY_WAIT_S, ""


def _note(status: dict[str, Any]) -> str:
    """Why it waits and how long still, as far as the service knows."""
    phase = str(status["phase"] or "").replace("_", " ")
    parts = [] if phase in ("in line", "enhancing") else [phase]
    if status.get("queue_position"):
        parts.append(f"{status['queue_position']} before it")
    if status.get("eta_seconds") is not None:
        parts.append(f"about {status['eta_seconds']:.0f} s")
    return ", ".join(filter(None, parts))


def _fetched(passage: Passage, remote: Remote, target: Path, *, size: int, force: bool) -> None:
    """The picture under its name, whole or not at all, and never over another without `force`."""

    def got(number: int) -> None:
        passage.share = number / max(1, size)

    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with unfinished.open("wb") as file:
            remote.fetch(passage.job_id, file, size=size, got=got)
        if force:
            unfinished.replace(target)
        else:
            _named(unfinished, target)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _named(unfinished: Path, target: Path) -> None:
    link: Callable[[Path, Path], None] = os.link
    try:
        link(unfinished, target)  # unlike a rename it replaces nothing
    except FileExistsError:
        raise TargetTaken(target) from None
    except OSError:  # a file system without links
        if target.exists():
            raise TargetTaken(target) from None
        unfinished.replace(target)
