"""Every setting, read once at an entry point into one frozen object; every default is the laptop.

A URL's scheme picks the adapter. The names in the environment are the field names in capitals; README's table
lists them all, and a test fails when one is missing there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec

from jobs.errors import FirstlightError


class BadSetting(FirstlightError):
    """A setting that cannot be used, named with what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided. Seconds end in `_s`, bytes are said so, money is dollars."""

    # Where things are kept.
    blobs: str = field(
        default="file:./var/blobs", metadata={"about": "photos and results: `file:FOLDER` or `s3://BUCKET[/PREFIX]`"}
    )
    queue: str = field(
        default="sqlite:./var/jobs.db", metadata={"about": "the queue: `sqlite:FILE`, or the URL of an SQS queue"}
    )
    table: str = field(
        default="sqlite:./var/jobs.db", metadata={"about": "the rows: `sqlite:FILE` or `dynamodb://NAME`"}
    )
    fleet: str = field(
        default="process:./var/machines",
        metadata={
            "about": "who runs workers: `process:FOLDER` starts child processes, `ec2:TEMPLATE` (or "
            "`ec2:GPU-TEMPLATE/CPU-TEMPLATE`) EC2 machines, `none:` somebody else does"
        },
    )
    spool: str = field(default="./var/spool", metadata={"about": "folder for uploads that are still arriving"})
    # The door.
    host: str = field(default="127.0.0.1", metadata={"about": "address the service listens on"})
    port: int = field(default=8080, metadata={"about": "port the service listens on"})
    api_processes: int = field(default=2, metadata={"about": "API processes under uWSGI"})
    allowed_origins: str = field(
        default="", metadata={"about": "other origins whose pages may call, with commas; empty: same origin only"}
    )
    trusted_proxies: int = field(
        default=0,
        metadata={
            "about": "proxies in front whose X-Forwarded-For is believed; they must drop X_Forwarded_For, which "
            "reaches us under the same name (nginx does)"
        },
    )
    upload_limit: int = field(default=0, metadata={"about": "uploads per visitor and hour; 0: no limit"})
    max_photo_bytes: int = field(default=100_000_000, metadata={"about": "largest file taken, bytes"})
    # The work.
    engine: str = field(
        default="auto", metadata={"about": "`auto`, `torch`, `openvino` or `classical`; `auto` takes the best here"}
    )
    network: str = field(
        default="default", metadata={"about": "`default`, or `fine`: wider, better in deep noise, and slower"}
    )
    engine_threads: int = field(default=0, metadata={"about": "threads of the engine; 0: one per core"})
    graph_cache: str = field(
        default="./var/graphs",
        metadata={"about": "folder for the graphs that OpenVINO has compiled, so that a start need not; `off`: none"},
    )
    sandbox: str = field(
        default="auto", metadata={"about": "decoder's sandbox: `strict` (refuse to run without), `auto`, `off`"}
    )
    heartbeat_s: float = field(default=5.0, metadata={"about": "seconds between a worker's heartbeats"})
    pulse_file: str = field(
        default="",
        metadata={
            "about": "file into which a worker writes its state (`ready`, `busy`, …) at each heartbeat, for a health "
            "check or a host's timer that looks at word and age; one worker a file; empty: none"
        },
    )
    lease_s: float = field(default=30.0, metadata={"about": "seconds a worker holds a job without a heartbeat"})
    stall_s: float = field(default=60.0, metadata={"about": "seconds an engine may be silent before it is replaced"})
    codec_s: float = field(default=60.0, metadata={"about": "seconds a decoder or encoder may take for a photo"})
    job_deadline_s: float = field(default=6 * 3600.0, metadata={"about": "seconds within which every job ends"})
    keep_s: float = field(default=24 * 3600.0, metadata={"about": "seconds a result is kept after the end"})
    # The machines.
    bridge: int = field(
        default=0,
        metadata={
            "about": "1: while no machine is ready, a niced worker beside the tick drains the queue; needs OpenVINO "
            "and 1 GB of memory, and is no use with `process:`"
        },
    )
    max_machines: int = field(default=1, metadata={"about": "machines at most"})
    target_wait_s: float = field(default=60.0, metadata={"about": "a backlog longer than this asks for more machines"})
    idle_s: float = field(default=15 * 60.0, metadata={"about": "seconds without a job after which a worker ends"})
    ready_deadline_s: float = field(default=300.0, metadata={"about": "seconds a machine may take to become ready"})
    hard_age_s: float = field(default=12 * 3600.0, metadata={"about": "seconds a machine may live at all"})
    warm_budget: int = field(default=0, metadata={"about": "launches per day by warm calls alone; 0: no limit"})
    launch_budget: int = field(default=0, metadata={"about": "launches per day in all; 0: no limit"})
    dollar_budget: float = field(default=0.0, metadata={"about": "dollars a day for machines; 0: no limit"})
    on_demand_budget: int = field(
        default=2,
        metadata={"about": "EC2 launches per day at the full price when no spot machine is to be had; 0: none"},
    )
    flavours: str = field(
        default="gpu,cpu", metadata={"about": "kinds of EC2 machines, the wanted one first: `gpu,cpu`, `cpu`, …"}
    )
    subnets: str = field(
        default="",
        metadata={"about": "EC2 subnets for machines, with commas; empty: those tagged as ours, or the default ones"},
    )
    project: str = field(default="firstlight", metadata={"about": "tag that tells this service's EC2 machines apart"})
    idle_most_s: float = field(
        default=0.0, metadata={"about": "seconds to which frequent photos may stretch IDLE_S; 0: never"}
    )
    idle_least_s: float = field(
        default=0.0, metadata={"about": "seconds to which single visits may shorten IDLE_S; 0: never"}
    )
    tick_s: float = field(default=5.0, metadata={"about": "seconds between ticks (sweep, reap, ensure)"})

    def __post_init__(self) -> None:
        """Refuse combinations that would break a promise, by a sentence that names the cure."""
        if self.lease_s <= 4 * self.heartbeat_s:
            raise BadSetting("LEASE_S must be more than 4 × HEARTBEAT_S, or a busy worker loses its job")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                choices = f"{', '.join(map(str, known[:-1]))} or {known[-1]}"
                raise BadSetting(f"{name.upper()}={getattr(self, name)!r} is not known: use {choices}")
        for name in ("blobs", "queue", "table", "fleet"):
            if getattr(self, name).split(":", 1)[0] not in _SCHEMES[name]:
                schemes = ", ".join(f"{scheme}:" for scheme in _SCHEMES[name])
                raise BadSetting(f"{name.upper()}={getattr(self, name)!r} is not known: use {schemes}")
            self._check_cloud(name)
        self._check_machines()
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and not 0 <= value < math.inf:  # NaN is neither
                raise BadSetting(f"{each.name.upper()} must not be negative or endless")
        for name in ("heartbeat_s", "tick_s"):
            if not getattr(self, name):
                raise BadSetting(f"{name.upper()} must be more than 0, or a loop never rests")

    def _check_cloud(self, name: str) -> None:
        value: str = getattr(self, name)
        scheme = value.split(":", 1)[0]
        if scheme in _CLOUD and find_spec("boto3") is None:
            raise BadSetting(f"{name.upper()}={value} needs boto3: pip install -e '.[cloud]'")
        if scheme in _FORMS and not re.fullmatch(_FORMS[scheme][0], value):
            raise BadSetting(f"{name.upper()}={value!r} is not complete: use {_FORMS[scheme][1]}")

    def _check_machines(self) -> None:
        if self.bridge and self.fleet.startswith("process:"):
            raise BadSetting("BRIDGE=1 is no use where machines are processes of this computer: leave it out")
        if not {each.strip() for each in self.flavours.split(",")} <= {"gpu", "cpu"}:
            raise BadSetting(f"FLAVOURS={self.flavours!r} is not known: use `gpu,cpu`, `cpu,gpu`, `gpu` or `cpu`")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", self.project):  # it is part of what EC2 takes once
            raise BadSetting(f"PROJECT={self.project!r} is not usable: use up to 32 letters, digits, dots and dashes")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Take each field from its name in capitals; empty or absent means the default. Raises BadSetting."""
        given: dict[str, str | int | float] = {}
        for each in fields(cls):
            text = environ.get(each.name.upper(), "").strip()
            if not text:
                continue
            convert: Callable[[str], str | int | float] = type(each.default)  # type: ignore[assignment]
            try:
                given[each.name] = convert(text)
            except ValueError:
                raise BadSetting(f"{each.name.upper()}={text!r} is not a number") from None
        return cls(**given)  # type: ignore[arg-type]

    def environ(self) -> dict[str, str]:
        """The settings as a child process reads them again."""
        return {each.name.upper(): str(getattr(self, each.name)) for each in fields(self)}


_CHOICES: dict[str, tuple[str | int, ...]] = {
    "engine": ("auto", "torch", "openvino", "classical"),
    "network": ("default", "fine"),
    "sandbox": ("strict", "auto", "off"),
    "bridge": (0, 1),
}
_SCHEMES = {
    "blobs": ("file", "s3"),
    "queue": ("sqlite", "https", "http"),
    "table": ("sqlite", "dynamodb"),
    "fleet": ("process", "ec2", "none"),
}
_CLOUD = ("s3", "https", "http", "dynamodb", "ec2")  # what boto3 speaks to
_FORMS = {  # scheme → what its URL looks like, as a pattern and in words
    "s3": (r"s3://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9_/-]*)?", "s3://BUCKET or s3://BUCKET/PREFIX"),
    "https": (r"https://[^/ ]+/\S+", "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"),
    "http": (r"http://[^/ ]+/\S+", "http://HOST:PORT/ACCOUNT/NAME"),
    "ec2": (r"ec2:[^/ ]+(/[^/ ]+)?", "ec2:TEMPLATE or ec2:GPU-TEMPLATE/CPU-TEMPLATE"),
    "dynamodb": (r"dynamodb://[A-Za-z0-9_.-]{3,255}", "dynamodb://NAME"),
}
