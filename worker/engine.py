"""The engine process as the supervisor sees it: started, fed a photo at a time, and replaced when it dies or hangs."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from photos.facts import PhotoFacts
from photos.raster import Raster
from photos.wire import WireBroken, receive, send

log = logging.getLogger(__name__)

# Tiles come and go in memory, so what is freed stays: given back, it cost PyTorch's first photo four times the page
# faults. Huge pages save still more of them, and yet lose: a host that gives memory to its guests at the first touch
# took 2.4 ms for a megabyte of them against 0.6, a third of a second of a first photo, and a warm photo gained nothing.
# Threads that wait shall sleep: spinning, PyTorch's took three times the CPU seconds beside other work. What NumPy
# computes here is too small for threads at all.
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=4294967296",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_MODULE_LOADING": "LAZY",
}
ROOT = str(Path(__file__).resolve().parent.parent)
LOADS = 2  # tries to load the network before the worker calls its set-up failed
BREAKS = 4  # in a row, no photo done between: more than the attempts of one photo, so it is the machine


class EngineLost(Exception):
    """The engine process died, hung or broke in the middle of a photo."""


class SetupFailed(Exception):
    """The engine cannot be loaded here; trying again would not help."""


class EngineProcess:
    """One child process that holds the network; one photo at a time.

    A child that says nothing for `stall_s` while it works is killed, and so is one whose accelerator broke. `start`,
    or the next photo, then starts a new child.
    """

    def __init__(
        self,
        *,
        engine: str,
        threads: int,
        stall_s: float,
        load_s: float,
        network: str = "default",
        graphs: str = "off",
        module: str = "worker.engine_child",
    ) -> None:
        self._arguments = [engine, str(threads), network, graphs]
        self._module = module
        self._stall_s = stall_s
        self._load_s = load_s
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._greeted = False
        self._how: Literal["lean", "whole"] = "lean"  # what the child imports; see `worker/lean_import.py`
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._breaks = 0
        self.name = ""

    def launch(self) -> None:
        """Begin to load the network in a new child, which lives as long as this thread; `start` waits for it."""
        with self._lock:
            self._launch()

    def start(self) -> None:
        """Load the network in a new child, unless there is one, and wait until it is ready. Raises SetupFailed.

        Called before each photo too: that a lost engine cannot be had again is no photo's fault.
        """
        with self._lock:
            if self._alive() and self._greeted:
                return
            if self._breaks >= BREAKS:
                raise SetupFailed(f"the accelerator broke {self._breaks} times in a row")
            for attempt in range(1, LOADS + 1):
                try:
                    self._start()
                except EngineLost as fact:
                    log.warning("load %d of the engine failed: %s", attempt, fact)
                    why, self._how = str(fact), "whole"
                else:
                    return
            raise SetupFailed(why)

    def enhance(
        self, pixels: int, raster: Raster, ratio: float | None, out: int, depth: int, progress: Callable[[float], None]
    ) -> float:
        """See `worker.stages.Enhancer`. Raises EngineLost, and whatever `progress` raises to have the work dropped."""
        with self._lock:
            if not (self._alive() and self._greeted):
                self._start()
            request = {"raster": raster.to_json(), "ratio": ratio, "depth": depth}
            answer = self._exchange(request, [pixels, out], self._stall_s, progress)
            if answer.get("ends"):
                self._breaks += 1
                self.stop()
            elif "error" not in answer:
                self._breaks = 0
        if "error" in answer:
            raise EngineLost(f"the engine could not enhance the photo: {answer['error']}")
        return float(answer["ratio"])

    def expect(self, facts: PhotoFacts, *, depth: int) -> None:
        """A photo like this comes next, to be brightened into `depth` bits: the engine prepares while it is decoded.

        Only a hint: never waits, and a child that cannot hear it meets who hands it the photo.
        """
        hint = {"layout": facts.layout, "width": facts.width, "height": facts.height}
        ours = self._socket
        if ours is not None:
            with suppress(OSError), self._sending:
                send(ours, {"expect": hint, "depths": [facts.depth, depth]})

    def stop(self) -> None:
        """Kill the child, whatever it does. Takes no lock: a photo in work meets its end as EngineLost."""
        child, ours = self._child, self._socket
        if child is not None:
            child.kill()
            child.wait()
        if ours is not None:
            ours.close()

    def _alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def _start(self) -> None:
        if not self._alive() or self._greeted:
            self._launch()
        answer = self._answer(self._load_s, lambda _: None)
        if "error" in answer:
            self.stop()
            raise EngineLost(str(answer["error"]))
        self._greeted = True
        self.name = str(answer["ready"])
        log.info("the engine is %s: %s", self.name, answer.get("reason", ""))

    def _launch(self) -> None:
        self.stop()
        self._greeted = False
        ours, theirs = socket.socketpair()
        # -P: a folder of photos, where `firstlight enhance` runs, may hold a numpy.py of its own.
        python = Path(sys.prefix) / "bin" / "python"  # under some servers sys.executable is another interpreter
        with theirs:
            self._child = subprocess.Popen(
                [str(python), "-P", "-m", self._module, str(theirs.fileno()), *self._arguments, self._how],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=_environ(os.environ),  # noqa: TID251 — handed on
            )
        self._socket = ours

    def _exchange(
        self, request: dict[str, Any], descriptors: list[int], silence_s: float, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        assert self._socket is not None
        self._socket.settimeout(silence_s)
        try:
            with self._sending:
                send(self._socket, request, descriptors)
        except OSError as error:
            self.stop()
            raise EngineLost("the engine process died") from error
        return self._answer(silence_s, progress)

    def _answer(self, silence_s: float, progress: Callable[[float], None]) -> dict[str, Any]:
        """The child's next answer; each progress report starts the silence anew."""
        assert self._socket is not None
        self._socket.settimeout(silence_s)
        while True:
            try:
                answer = receive(self._socket)
            except TimeoutError as error:
                self.stop()
                raise EngineLost(f"the engine was silent for {silence_s:.0f} s") from error
            except (WireBroken, OSError) as error:
                self.stop()
                raise EngineLost("the engine process died") from error
            if not isinstance(answer, dict):
                self.stop()
                raise EngineLost("the engine process died")
            if "progress" not in answer:
                return answer
            try:
                progress(float(answer["progress"]))
            except BaseException:
                self.stop()  # its next words would belong to nobody
                raise


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [ROOT, environ.get("PYTHONPATH")]))
    return {**environ, **ENVIRONMENT, "PYTHONPATH": path}
