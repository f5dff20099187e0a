"""`firstlight enhance`: photos to bright photos on this machine, without a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from cli.settings import read_settings
from photos.buffer import encoded_bound, pixel_buffer
from photos.codec import Codec
from photos.errors import CodecDied, SandboxUnavailable, UnreadablePhoto
from worker.assignment import output_depth
from worker.engine import EngineLost, EngineProcess, SetupFailed
from worker.result import BufferReader

if TYPE_CHECKING:
    from jobs.settings import Settings
    from photos.sandbox import Mode

SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif"}


class Ratio(click.ParamType[float | None]):
    """`auto` or a number from 1 to 300."""

    name = "auto|1-300"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value is None or value == "auto":
            return None
        try:
            ratio = float(value)
        except ValueError:
            ratio = 0.0
        if not 1 <= ratio <= 300:
            self.fail(f"{value} is neither `auto` nor a number from 1 to 300", param, ctx)
        return ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of each photo."""

    ratio: float | None
    format: str
    deadline_s: float


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--ratio", type=Ratio(), default="auto", show_default=True, help="how many times brighter")
@click.option("--format", "format_", type=click.Choice(list(SUFFIXES)), default="jpeg", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="folder; the photo's own by default")
@click.option("--force", is_flag=True, help="replace pictures that are already there")
def command(files: tuple[Path, ...], ratio: float | None, format_: str, out: Path | None, *, force: bool) -> None:
    """Brighten FILES; night.jpg becomes night-bright.jpg. A photo that cannot be read does not stop the others."""
    settings = read_settings()
    wish = Wish(ratio=ratio, format=format_, deadline_s=settings.codec_s)
    failed = 0
    with _engine(settings) as engine, Codec(sandbox=cast("Mode", settings.sandbox)) as codec:
        for file in files:
            target = (out or file.parent) / f"{file.stem}-bright{SUFFIXES[format_]}"
            if target.exists() and not force:
                click.echo(f"{file}: {target} is already there; --force replaces it", err=True)
                failed += 1
                continue
            try:
                with click.progressbar(length=100, label=file.name, show_eta=False) as bar:
                    ratio_used = _enhance(file, target, wish, codec, engine, _reporter(bar))
            except UnreadablePhoto as fact:
                click.echo(f"{file}: {fact.detail}", err=True)
                failed += 1
            except (CodecDied, OSError) as fact:
                click.echo(f"{file}: {fact}", err=True)
                failed += 1
            except SandboxUnavailable as fact:
                raise click.ClickException(str(fact)) from None
            except SetupFailed as fact:
                raise click.ClickException(str(fact)) from None
            except EngineLost as fact:
                raise click.ClickException(f"{file}: {fact}; run this again") from None
            else:
                click.echo(f"{target}  ×{ratio_used:.3g} ({engine.name})")
    if failed:
        raise click.exceptions.Exit(1)


@contextmanager
def _engine(settings: Settings) -> Iterator[EngineProcess]:
    """The engine as a worker has it: a process of its own, which loads while the photo is decoded."""
    engine = EngineProcess(
        engine=settings.engine,
        network=settings.network,
        graphs=settings.graph_cache
        if Path(settings.graph_cache).is_dir()
        else "off",  # a stranger's folder stays clean
        threads=settings.engine_threads,
        stall_s=settings.stall_s,
        load_s=settings.ready_deadline_s,
    )
    engine.launch()
    try:
        yield engine
    finally:
        engine.stop()


def _reporter(bar: Any) -> Callable[[float], None]:
    return lambda done: bar.update(int(done * 100) - bar.pos)


def _enhance(
    file: Path, target: Path, wish: Wish, codec: Codec, engine: EngineProcess, progress: Callable[[float], None]
) -> float:
    """Write the bright picture whole or not at all; the exposure ratio used.

    Raises PhotoError, SetupFailed and EngineLost.
    """
    with ExitStack() as stack:

        def kept(descriptor: int) -> int:
            stack.callback(os.close, descriptor)
            return descriptor

        source = kept(os.open(file, os.O_RDONLY))
        facts = codec.probe(source, deadline_s=wish.deadline_s)
        if not facts.fits(wish.format):
            raise UnreadablePhoto("photo_too_wide", f"A side is too long for {wish.format}; take another --format.")
        depth = output_depth(facts, wish.format)
        engine.expect(facts, depth=depth)
        pixels = kept(pixel_buffer(facts.pixel_bytes, "pixels"))
        raster = codec.decode(source, facts, pixels, deadline_s=wish.deadline_s)
        out = kept(pixel_buffer(facts.width * facts.height * 3 * depth // 8, "out"))
        engine.start()
        ratio = engine.enhance(pixels, raster, wish.ratio, out, depth, progress)
        encoded = kept(pixel_buffer(encoded_bound(facts, wish.format), "encoded"))
        size = codec.encode(
            out, raster, encoded, format=wish.format, depth=depth, source_fd=pixels, deadline_s=wish.deadline_s
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.unfinished")
        with BufferReader(encoded, size) as picture, unfinished.open("wb") as written:
            shutil.copyfileobj(picture, written, 1 << 20)
        unfinished.replace(target)
    return ratio
