"""Terraform, asked in few words: what it would do, to do it, and what came of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LEAST_VERSION = (1, 5)
NO_STATE = "No state file was found"
MOST_LINES = 40  # of what Terraform said last, when it fails
INSTALL = "https://developer.hashicorp.com/terraform/install"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LISTENS_S = 0.5  # a signal that comes just before we wait is heard when the wait ends: so none may last
ENDING = "Terraform ends what it has begun and writes down what is there; that may take a minute."
INTERRUPTED = "Interrupted. Run the same again: Terraform knows what it has made, and goes on."


class TerraformRefused(Exception):
    """Terraform is missing, too old, or has said no; the message is a sentence or its own words."""


class Terraform:
    """One configuration and the folder that keeps its state, its provider and its plan.

    With a `backend_override.tf` beside the configuration the state is where that says. `environ` may name the program
    (`TERRAFORM`, e.g. `tofu`) and a folder of providers to use in place of the registry (`TF_PLUGIN_DIR`).
    """

    def __init__(self, configuration: Path, kept: Path, environ: Mapping[str, str]) -> None:
        self._configuration = configuration.absolute()
        self._kept = kept.absolute()
        self._plan = self._kept / "plan"
        self._program = environ.get("TERRAFORM", "") or "terraform"
        self._plugins = environ.get("TF_PLUGIN_DIR", "")
        self._environ = {
            **environ,
            "TF_DATA_DIR": str(self._kept / "data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }

    def check(self) -> None:
        """Raises TerraformRefused with the cure."""
        if shutil.which(self._program, path=self._environ.get("PATH")) is None:
            raise TerraformRefused(
                f"{self._program} is not installed: {INSTALL} (or OpenTofu, and then TERRAFORM=tofu make deploy)"
            )
        said = json.loads(self._asked("version", "-json"))["terraform_version"]
        version = tuple(int(each) for each in re.findall(r"\d+", said)[:2])
        if version < LEAST_VERSION:
            raise TerraformRefused(f"{self._program} is {said}, and 1.5 is the least: {INSTALL}")

    def init(self) -> None:
        """Fetch the provider and open the state. Raises TerraformRefused."""
        self._kept.mkdir(parents=True, exist_ok=True)
        # The local state's path changes when the checkout moves; to another kind of state Terraform must ask its way.
        where = ["-reconfigure", f"-backend-config=path={self._kept / 'terraform.tfstate'}"]
        if (self._configuration / "backend_override.tf").exists():
            where = []
        plugins = [f"-plugin-dir={self._plugins}"] if self._plugins else []
        self._asked("init", "-input=false", *where, *plugins)

    def plan(self, *, destroy: bool = False) -> dict[str, Any]:
        """What `apply` or `destroy` would do, as `terraform show -json` tells it. Raises TerraformRefused.

        To destroy, the state alone is asked: a baked image that is gone, say, must not keep the rest in the account.
        """
        self._asked("plan", "-input=false", f"-out={self._plan}", *(["-destroy", "-refresh=false"] if destroy else []))
        plan: dict[str, Any] = json.loads(self._asked("show", "-json", str(self._plan)))
        return plan

    def apply(self) -> None:
        """Do what was planned last; Terraform tells each step. Raises TerraformRefused."""
        self._told("apply", "-input=false", str(self._plan))
        self._plan.unlink()

    def destroy(self, *targets: str) -> None:
        """Destroy these and what hangs on them, or all, as a plan has just found them. Raises TerraformRefused."""
        chosen = [f"-target={each}" for each in targets]
        self._told("destroy", "-input=false", "-auto-approve", "-refresh=false", *chosen)

    def holds(self) -> bool:
        """Whether anything is deployed."""
        try:
            return bool(self._asked("state", "list").strip())
        except TerraformRefused as fact:
            if NO_STATE in str(fact):
                return False
            raise

    def outputs(self) -> dict[str, Any]:
        """Empty where nothing is deployed."""
        told: dict[str, dict[str, Any]] = json.loads(self._asked("output", "-json"))
        return {name: each["value"] for name, each in told.items()}

    def command(self, *words: str) -> str:
        """What somebody would type to ask the same of Terraform by hand."""
        return " ".join([f"TF_DATA_DIR={self._kept / 'data'}", self._program, f"-chdir={self._configuration}", *words])

    @property
    def planned(self) -> str:
        return self.command("show", str(self._plan))

    def _line(self, verb: str, words: tuple[str, ...]) -> list[str]:
        colour = ["-no-color"] if verb in ("init", "plan", "apply", "destroy") else []
        return [self._program, f"-chdir={self._configuration}", verb, *colour, *words]

    def _asked(self, verb: str, *words: str) -> str:
        with self._running(verb, words, stderr=subprocess.PIPE) as running:
            said, complained = _heard_out(running)
        if running.returncode:
            raise TerraformRefused(complained.strip() or said.strip())
        return said

    def _told(self, verb: str, *words: str) -> None:
        """The same, with its lines of progress shown as they come."""
        said: deque[str] = deque(maxlen=MOST_LINES)
        with self._running(verb, words, stderr=subprocess.STDOUT) as running:
            reader = threading.Thread(target=_show, args=(running, said))
            reader.start()
            while reader.is_alive():
                reader.join(LISTENS_S)
        if running.returncode:
            raise TerraformRefused("".join(said).strip() or f"{self._program} {verb} ended with {running.returncode}")

    @contextmanager
    def _running(self, verb: str, words: tuple[str, ...], *, stderr: int) -> Iterator[subprocess.Popen[str]]:
        """Terraform in a session of its own, which hears of our end once: then it keeps its state, and we wait for it.

        Killed, or left without a reader, it would forget what AWS is just making. Raises TerraformRefused.
        """
        heard: list[str] = []
        early: list[str] = []  # heard while it could not be told yet
        begun: list[subprocess.Popen[str]] = []

        def hand_on(*_: object) -> None:
            heard.append(verb)
            print(ENDING, flush=True)
            if not begun:
                early.append(verb)
            for running in begun:
                running.send_signal(signal.SIGINT)

        before = {number: signal.signal(number, hand_on) for number in ENDS}
        try:
            running = subprocess.Popen(
                self._line(verb, words),
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
            begun.append(running)
            if early:
                running.send_signal(signal.SIGINT)
            with running:
                yield running
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if heard:
            raise TerraformRefused(INTERRUPTED)


def _heard_out(running: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says and what it complains of, to its end."""
    while True:
        try:
            return running.communicate(timeout=LISTENS_S)
        except subprocess.TimeoutExpired:
            continue


def _show(running: subprocess.Popen[str], said: deque[str]) -> None:
    """Read its lines to the end, and show those that tell of progress."""
    assert running.stdout is not None
    for line in running.stdout:
        said.append(line)
        if re.search(r": (Creation|Modifications|Destruction) complete", line):
            print(f"  {line.strip()}", flush=True)
