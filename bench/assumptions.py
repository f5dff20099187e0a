"""What a bill needs beside prices and counted requests, said once and with its ground."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.prices import FLEET


def _assumed(figure: float, ground: str) -> float:
    known: float = field(default=figure, metadata={"source": ground})
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Seconds end in `_s`, gigabytes in `_gb`. `old_` is the system of 2021 that this one replaces."""

    photos_a_visit: float = _assumed(FLEET.photos_a_visit, "1,000 photos in 200 visits")
    warm_calls_a_visit: float = _assumed(2, "the page calls once when it opens and once when a photo is picked")
    between_s: float = _assumed(FLEET.between_s, "a visitor looks at one picture before sending the next")
    gpu_boot_s: float = _assumed(
        47, "a typical cold start with a GPU, CreateFleet to ready, from published traces; no run of ours"
    )
    cpu_boot_s: float = _assumed(
        25, "a typical cold start without a GPU, CreateFleet to ready, from published traces; no run of ours"
    )
    work_s: float = _assumed(
        2, "12 MP from upload to result, warm, on two cores without a GPU: 1.4 s (README); a machine may be slower"
    )
    idle_s: float = _assumed(90, "IDLE_S of the cloud; visits so far apart that none meets the last one's machine")
    end_s: float = _assumed(FLEET.end_s, "a host's shutdown after the worker's exit")
    tick_s: float = _assumed(5, "TICK_S, while work waits or a machine lives")
    rest_s: float = _assumed(30, "fleet.tick.REST_S, while neither")
    kept_days: float = _assumed(1, "KEEP_S")
    machine_disk_gb: float = _assumed(16, "a worker's root volume")
    gpu_image_gb: float = _assumed(10, "what a machine image with CUDA's torch takes as a snapshot; not baked yet")
    cpu_image_gb: float = _assumed(3, "what a machine image with torch for CPUs takes as a snapshot; not baked yet")
    machine_disk_mibs: float = _assumed(125, "what deploy/'s volume_throughput buys a worker's volume over gp3's own")
    host_disk_gb: float = _assumed(16, "the API host's root volume, as deploy/ makes it")
    old_boot_s: float = _assumed(90, "its author's 1–2 minutes")
    old_idle_s: float = _assumed(FLEET.old_idle_s, "its worker's idle time")
    old_work_s: float = _assumed(
        8, "what earlier estimates of $11.64 per 1,000 photos in 200 visits leave for the work"
    )
    old_poll_s: float = _assumed(5, "its page asks the API, and the API asks S3, so often")
    old_receive_s: float = _assumed(20, "its worker's long poll")
