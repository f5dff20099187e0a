"""Dollars for photos: counted requests, machine time, storage, egress, and what stands whether anybody comes or not.

python -m bench.costs [--photos N] [--engine NAME] [--csv FILE]
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TextIO

from bench.assumptions import Assumptions
from bench.counted import Counted, counted
from bench.meter import Use
from bench.nights import night_jpeg
from bench.prices import SECONDS_A_MONTH, Prices, sourced
from fleet.attendance import EVERY_MS

VOLUMES = (100, 1_000, 10_000)  # photos a month
MILLION = 1e6
GB = 1e9
PUTS = ("PutObject", "CopyObject", "PostObject", "ListObjectsV2")
FREE = ("DeleteObject",)
HOURLY = 3600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A way to run it: what a machine costs an hour, how long it boots, works and idles, and what its image takes."""

    name: str
    machine_hour: float
    boot_s: float
    work_s: float
    idle_s: float
    image_gb: float
    old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Dollars of a month. The first line grows with photos, the second stands whether anybody comes or not."""

    requests: float
    machines: float
    storage: float
    egress: float
    idle_requests: float
    snapshot: float
    host: float
    address: float

    @property
    def variable(self) -> float:
        return self.requests + self.machines + self.storage + self.egress

    @property
    def standing(self) -> float:
        return self.idle_requests + self.snapshot + self.host + self.address

    @property
    def total(self) -> float:
        return self.variable + self.standing


def designs(prices: Prices, assumed: Assumptions) -> list[Design]:
    ours = [
        ("GPU, spot", prices.gpu_spot_hour, assumed.gpu_boot_s, assumed.gpu_image_gb),
        ("CPU, spot", prices.cpu_spot_hour, assumed.cpu_boot_s, assumed.cpu_image_gb),
        ("GPU, on demand", prices.gpu_hour, assumed.gpu_boot_s, assumed.gpu_image_gb),
        ("CPU, on demand", prices.cpu_hour, assumed.cpu_boot_s, assumed.cpu_image_gb),
    ]
    old = Design(
        name="system of 2021, GPU, spot",
        machine_hour=prices.gpu_spot_hour,
        boot_s=assumed.old_boot_s,
        work_s=assumed.old_work_s,
        idle_s=assumed.old_idle_s,
        image_gb=assumed.gpu_image_gb,
        old=True,
    )
    return [
        *(
            Design(
                name=name, machine_hour=usd, boot_s=boot_s, work_s=assumed.work_s, idle_s=assumed.idle_s, image_gb=gb
            )
            for name, usd, boot_s, gb in ours
        ),
        old,
    ]


def usd(use: Use, prices: Prices, *, sqs_free: bool = False) -> float:
    """What these requests cost; `sqs_free` while the month's free requests are not used up."""
    gets = use.times("s3") - use.times("s3", *PUTS, *FREE)
    sqs = max(0.0, use.times("sqs") - prices.sqs_free) if sqs_free else use.times("sqs")
    return (
        use.times("s3", *PUTS) * prices.s3_put_million
        + gets * prices.s3_get_million
        + sqs * prices.sqs_million
        + use.writes * prices.write_units_million
        + use.reads * prices.read_units_million
    ) / MILLION


def machine_s(design: Design, assumed: Assumptions) -> float:
    """Seconds for which a visit's machine is paid."""
    photos = assumed.photos_a_visit
    between_s = assumed.between_s * (photos - 1)
    return design.boot_s + photos * design.work_s + between_s + design.idle_s + assumed.end_s


def waited_s(design: Design, assumed: Assumptions) -> float:
    """Seconds for which a visit's visitor waits."""
    return design.boot_s + assumed.photos_a_visit * design.work_s


def asked(design: Design, seen: Counted, assumed: Assumptions, *, photos: float) -> Use:
    """The requests of a month's photos, with everything that their machines ask while they live."""
    visits = photos / assumed.photos_a_visit
    if design.old:
        return _asked_of_old(design, assumed, photos=photos)
    lived_s = visits * machine_s(design, assumed)
    return (
        (seen.streamed + seen.work + seen.download + seen.forget) * photos
        + (seen.warm_call * assumed.warm_calls_a_visit + seen.launch) * visits
        + seen.waiting_second * (visits * waited_s(design, assumed))
        + seen.worker_minute * (lived_s / 60)
        + seen.tick_beside_machine * (lived_s / assumed.tick_s)
    )


def idle(seen: Counted, assumed: Assumptions) -> Use:
    """What a month asks in which nobody comes."""
    ticks = seen.idle_tick * (SECONDS_A_MONTH / assumed.rest_s) + seen.sign * (SECONDS_A_MONTH * 1000 / EVERY_MS)
    return ticks + seen.collect * (SECONDS_A_MONTH / HOURLY)


def bill(design: Design, seen: Counted, prices: Prices, assumed: Assumptions, *, photos: float) -> Bill:
    visits = photos / assumed.photos_a_visit
    hours = visits * machine_s(design, assumed) / HOURLY
    bought_month = 0.0 if design.old else assumed.machine_disk_mibs * prices.volume_mibs_month
    disk_hour = (assumed.machine_disk_gb * prices.volume_gb_month + bought_month) * HOURLY / SECONDS_A_MONTH
    months_kept = assumed.kept_days * 24 * HOURLY / SECONDS_A_MONTH
    sent_gb = photos * seen.result_bytes / GB
    standing_hours = SECONDS_A_MONTH / HOURLY
    return Bill(
        requests=usd(asked(design, seen, assumed, photos=photos), prices, sqs_free=True),
        machines=hours * (design.machine_hour + prices.address_hour + disk_hour),
        storage=photos * (seen.photo_bytes + seen.result_bytes) / GB * months_kept * prices.s3_gb_month,
        egress=max(0.0, sent_gb - prices.egress_free_gb) * prices.egress_gb,
        idle_requests=0.0 if design.old else usd(idle(seen, assumed), prices),
        snapshot=design.image_gb * prices.snapshot_gb_month,
        host=standing_hours * prices.host_hour + assumed.host_disk_gb * prices.volume_gb_month,
        address=standing_hours * prices.address_hour,
    )


def _asked_of_old(design: Design, assumed: Assumptions, *, photos: float) -> Use:
    """Photo in and out, each through the API; a message; and S3 asked for the status again and again."""
    visits = photos / assumed.photos_a_visit
    polls = visits * waited_s(design, assumed) / assumed.old_poll_s
    receives = visits * machine_s(design, assumed) / assumed.old_receive_s
    return Use(
        calls={
            ("s3", "PutObject"): 2 * photos,
            ("s3", "GetObject"): 2 * photos + polls,
            ("sqs", "SendMessage"): photos,
            ("sqs", "DeleteMessage"): photos,
            ("sqs", "ReceiveMessage"): photos + receives,
        }
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--photos", type=int, default=3, help="photos sent each way")
    parser.add_argument("--engine", default="auto", help="as the setting ENGINE")
    parser.add_argument("--minute-s", type=float, default=60.0, help="seconds for which an idle worker is watched")
    parser.add_argument("--csv", type=Path, help="write every figure, price and assumption there too")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = night_jpeg(4000, 3000)
        seen = counted(photo, photos=chosen.photos, folder=Path(folder), engine=chosen.engine, minute_s=chosen.minute_s)
    prices, assumed = Prices(), Assumptions()
    sys.stdout.writelines(f"{line}\n" for line in report(seen, prices, assumed))
    if chosen.csv:
        with chosen.csv.open("w", newline="") as file:
            tell(file, seen, prices, assumed)
    return 0


def report(seen: Counted, prices: Prices, assumed: Assumptions) -> Iterator[str]:
    """Three tables in Markdown: requests, a month's bill, and dollars per 1,000 photos."""
    yield "Requests, counted, and what a million of each row would cost:"
    yield ""
    yield from _table(
        ["", "S3 PUT, LIST", "S3 GET", "SQS", "DynamoDB", "its read units", "its write units", "$ a million"],
        [
            [
                name.replace("_", " "),
                *(f"{use.times('s3', *PUTS):.1f} {use.times('s3') - use.times('s3', *PUTS, *FREE):.1f}".split()),
                f"{use.times('sqs'):.1f}",
                f"{use.times('dynamodb'):.1f}",
                f"{use.reads:.1f}",
                f"{use.writes:.1f}",
                f"{usd(use, prices) * MILLION:.2f}",
            ]
            for name, use in uses(seen)
        ],
    )
    yield ""
    gb = 1000 * seen.result_bytes / GB
    yield (
        f"A photo has {seen.photo_bytes / 1e6:.1f} MB, its result {seen.result_bytes / 1e6:.1f} MB: 1,000 results are "
        f"{gb:.1f} GB, {gb * prices.egress_gb:.2f} dollars of egress where the free {prices.egress_free_gb:.0f} GB a "
        "month are used up."
    )
    yield ""
    yield f"A month's dollars; while nobody comes, {usd(idle(seen, assumed), prices):.3f} of them are for requests:"
    yield ""
    names = [each.name.replace("_", " ") for each in fields(Bill)]
    bills = [
        (design, photos, bill(design, seen, prices, assumed, photos=photos))
        for photos in VOLUMES
        for design in designs(prices, assumed)
    ]
    yield from _table(
        ["photos", "", *names, "without standing", "in all"],
        [
            [
                f"{photos:,}",
                design.name,
                *(f"{getattr(one, each.name):.2f}" for each in fields(Bill)),
                f"{one.variable:.2f}",
                f"{one.total:.2f}",
            ]
            for design, photos, one in bills
        ],
    )
    yield ""
    yield "Dollars per 1,000 photos, without standing costs / with them:"
    yield ""
    yield from _table(
        ["", *(f"{photos:,} a month" for photos in VOLUMES)],
        [
            [
                design.name,
                *(
                    f"{one.variable * 1000 / photos:.2f} / {one.total * 1000 / photos:.2f}"
                    for other, photos, one in bills
                    if other == design
                ),
            ]
            for design in designs(prices, assumed)
        ],
    )


def tell(file: TextIO, seen: Counted, prices: Prices, assumed: Assumptions) -> None:
    """Every figure as CSV: of what kind, whose, which, how much, and where it comes from."""
    writer = csv.writer(file)
    writer.writerow(["kind", "of", "what", "figure", "source"])
    for kind, facts in (("price", prices), ("assumption", assumed)):
        writer.writerows([kind, "", name, figure, source] for name, figure, source in sourced(facts))
    for name, use in uses(seen):
        rows = [(f"{service} {operation}", count) for (service, operation), count in sorted(use.calls.items())]
        rows += [("read units", use.reads), ("write units", use.writes), ("dollars", usd(use, prices))]
        writer.writerows(["requests", name, what, figure, "counted"] for what, figure in rows)
    writer.writerow(["photo", "", "photo bytes", seen.photo_bytes, "measured"])
    writer.writerow(["photo", "", "result bytes", seen.result_bytes, "measured"])
    for design in designs(prices, assumed):
        for photos in VOLUMES:
            one = bill(design, seen, prices, assumed, photos=photos)
            lines = [*(each.name for each in fields(Bill)), "variable", "standing", "total"]
            of = f"{design.name}, {photos} photos a month"
            writer.writerows(["dollars a month", of, line, getattr(one, line), "all of the above"] for line in lines)


def uses(seen: Counted) -> list[tuple[str, Use]]:
    return [(each.name, getattr(seen, each.name)) for each in fields(seen) if each.name[-5:] != "bytes"]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    sys.exit(main())
