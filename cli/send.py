"""`firstlight send`: photos to a running service, and their bright pictures back."""

from __future__ import annotations

import queue
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from cli.board import lines, redraw, verdict
from cli.enhance import SUFFIXES, Ratio
from cli.passage import Passage, Wish, travel
from cli.remote import NotServed, Remote, Stopped

DRAW_S = 0.2
MOST_LANES = 16
ANSWER_S = 5.0  # for an answer that may be on its way when Ctrl-C comes
INTERRUPTED = 130  # as shells count a program that Ctrl-C ended


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="the running service")
@click.option("--ratio", type=Ratio(), default="auto", show_default=True, help="how many times brighter")
@click.option("--format", "format_", type=click.Choice(list(SUFFIXES)), default="jpeg", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="folder; the photo's own by default")
@click.option("--force", is_flag=True, help="replace pictures that are already there")
@click.option("--id", "ids", multiple=True, metavar="ID[=FILE]", help="fetch a photo sent before; may be given again")
@click.option("--no-wait", is_flag=True, help="send only, and print the ids")
@click.option("--no-direct", is_flag=True, help="send through the service even where its store takes photos itself")
@click.option("--lanes", type=click.IntRange(1, MOST_LANES), default=4, show_default=True, help="photos at once")
@click.option(
    "--give-up-s",
    type=click.FloatRange(0),
    default=900.0,
    show_default=True,
    help="seconds for which an overloaded service is asked again",
)
def command(
    *,
    files: tuple[Path, ...],
    url: str,
    ratio: float | None,
    format_: str,
    out: Path | None,
    force: bool,
    ids: tuple[str, ...],
    no_wait: bool,
    no_direct: bool,
    lanes: int,
    give_up_s: float,
) -> None:
    """Send FILES to a running service; night.jpg becomes night-bright.jpg beside it.

    Photos that fail do not stop the others; they are listed at the end, and the exit status is 1. Ctrl-C prints the ids
    of the photos that are accepted; `--id` fetches their pictures later.
    """
    passages = [*_of_files(files, out, format_), *(_of_id(each, out) for each in ids)]
    if not passages:
        raise click.UsageError("Name FILES to send, or an --id to fetch.")
    text = "auto" if ratio is None else f"{ratio:.9g}"
    wish = Wish(ratio=text, format=format_, direct=not no_direct, force=force, wait=not no_wait)
    stop = threading.Event()
    again = ["firstlight", "send", "--url", url, *(["--out", str(out)] if out else []), *(["--force"] if force else [])]
    service = lambda: Remote(url=url, give_up_s=give_up_s, stop=stop)  # noqa: E731 — one for each lane
    ended = _begun(passages, wish, service, lanes=lanes, again=again)
    try:
        _drawn(passages, ended, no_wait=no_wait)
    except KeyboardInterrupt:
        stop.set()
        _hear_out(passages, ended)
        _tell_left(passages, again)
        raise click.exceptions.Exit(INTERRUPTED) from None
    failed = [each for each in passages if each.stage == "failed"]
    if failed:
        if len(passages) > 1:
            click.echo(f"{len(failed)} of {len(passages)} failed: {', '.join(each.name for each in failed)}", err=True)
        raise click.exceptions.Exit(1)


def _begun(
    passages: Sequence[Passage], wish: Wish, remote: Callable[[], Remote], *, lanes: int, again: Sequence[str]
) -> queue.SimpleQueue[Passage]:
    """Send them in as many threads as there are lanes; where each turns up that has ended."""
    ended: queue.SimpleQueue[Passage] = queue.SimpleQueue()
    turns: queue.SimpleQueue[Passage] = queue.SimpleQueue()
    for each in passages:
        (ended if each.ended else turns).put(each)

    def lane() -> None:
        service = remote()
        while not service.stop.is_set():
            try:
                passage = turns.get_nowait()
            except queue.Empty:
                return
            _travelled(passage, service, wish, again)
            ended.put(passage)

    for _ in range(min(lanes, len(passages))):
        threading.Thread(target=lane, daemon=True).start()
    return ended


def _of_files(files: Sequence[Path], out: Path | None, format_: str) -> list[Passage]:
    """A passage each; of two photos whose pictures would have one name the second fails at once."""
    passages: dict[Path, Passage] = {}
    made = []
    for file in files:
        target = (out or file.parent) / f"{file.stem}-bright{SUFFIXES[format_]}"
        passage = Passage(name=file.name, target=target, photo=file)
        if (first := passages.setdefault(target.absolute(), passage)) is not passage:
            passage.stage = "failed"
            passage.note = f"its picture would have the name of {first.name}'s; send it by itself, with --out."
        made.append(passage)
    return made


def _of_id(text: str, out: Path | None) -> Passage:
    """Its picture's kind is the service's to say, and so the name's end."""
    job_id, _, file = text.partition("=")
    path = Path(file or f"firstlight-{job_id[:8]}")
    name = f"{path.stem}-bright" if file else path.name
    return Passage(name=path.name, target=(out or path.parent) / name, job_id=job_id)


def _travelled(passage: Passage, remote: Remote, wish: Wish, again: Sequence[str]) -> None:
    try:
        travel(passage, remote, wish)
    except Stopped:
        return
    except (NotServed, OSError) as no:
        fetch = shlex.join([*again, "--id", passage.job_id])
        kept = f" Its picture is kept: `{fetch}`." if passage.stage == "fetching" else ""
        passage.stage, passage.note = "failed", f"{no}{kept}"
    except Exception as defect:  # noqa: BLE001 — in a thread: unheard, it would leave the others waiting for ever
        passage.stage, passage.note = "failed", f"a defect of this program ({defect!r}); please report it."


def _drawn(passages: Sequence[Passage], ended: queue.SimpleQueue[Passage], *, no_wait: bool) -> None:
    """Draw until every photo has ended, and tell each as it does; only a terminal gets bars."""
    on_terminal = sys.stderr.isatty()
    left, drawn = len(passages), 0
    known: dict[str, str] = {}
    show: Callable[[str], None] = lambda text: click.echo(text, nl=False, err=True)  # noqa: E731 — a name for one call
    while left:
        try:
            passage: Passage | None = ended.get(timeout=DRAW_S)
        except queue.Empty:
            passage = None
        if on_terminal:
            show(redraw(drawn, []))
            drawn = 0
        else:
            show(_troubles(passages, known))
        if passage is not None:
            left -= 1
            sent_only = no_wait and passage.stage == "done"
            text = f"{passage.job_id}  {passage.name}" if sent_only else verdict(passage)
            click.echo(text, err=passage.stage == "failed")
        if on_terminal and left:
            now = lines(passages, width=shutil.get_terminal_size().columns)
            show(redraw(0, now))
            drawn = len(now)


def _troubles(passages: Sequence[Passage], known: dict[str, str]) -> str:
    """What has come up since, for those who see no board: nobody should wait and not know why."""
    new = {each.name: each.trouble for each in passages if each.trouble and known.get(each.name) != each.trouble}
    known |= new
    return "".join(f"{name}: {why}\n" for name, why in new.items())


def _hear_out(passages: Sequence[Passage], ended: queue.SimpleQueue[Passage]) -> None:
    """Wait a moment for what the service says to photos that have gone out whole; another Ctrl-C ends that, too."""
    ends = time.monotonic() + ANSWER_S
    left = [each for each in passages if each.unanswered]
    with suppress(queue.Empty, KeyboardInterrupt):
        while left:
            heard = ended.get(timeout=max(0.0, ends - time.monotonic()))
            left = [each for each in left if each is not heard]


def _tell_left(passages: Sequence[Passage], again: Sequence[str]) -> None:
    """How to fetch what goes on without us, to where it was to go; and what was not sent, or nobody knows."""
    accepted = [each for each in passages if each.job_id and not each.ended]
    unanswered = [each for each in passages if each.unanswered]
    unsent = [each for each in passages if not (each.job_id or each.ended or each.unanswered)]
    if accepted:
        words = list(again)
        for each in accepted:
            words += ["--id", f"{each.job_id}={each.photo}" if each.photo else each.job_id]
        click.echo(f"\n{len(accepted)} accepted and going on; fetch with:\n  {shlex.join(words)}", err=True)
    if unanswered:
        click.echo(
            f"\nPerhaps sent, for no answer came: {_named(unanswered)}\n"
            "Send them again if you want their pictures; the service may then enhance them twice.",
            err=True,
        )
    if unsent:
        click.echo(f"\nNot sent: {_named(unsent)}", err=True)


def _named(passages: Sequence[Passage]) -> str:
    return shlex.join(str(each.photo) for each in passages)
