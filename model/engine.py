"""The door of this room: name an engine, or let the machine choose one, and enhance photos with it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from model.weights import SHIPPED, load_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from photos.raster import Raster

Name = Literal["auto", "torch", "openvino", "classical"]


class Engine(Protocol):
    """Makes a dark photo bright."""

    name: str
    """One of torch, openvino, classical."""
    reason: str
    """Why this one, in a sentence for logs and `firstlight doctor`."""

    def enhance(
        self,
        pixels: "NDArray[np.uint8] | NDArray[np.uint16]",
        raster: "Raster",
        ratio: float | None,
        out: "NDArray[np.uint8] | NDArray[np.uint16]",
        progress: Callable[[float], None],
    ) -> float:
        """Fill `out` [H, W, 3] (uint8 or uint16, sRGB codes) with the bright photo; return the exposure ratio used.

        pixels: [H, W, 3] or [H, W] codes as `raster` says, H and W at least 16. `ratio` is 1…300, None estimates it.
        `progress` hears 0…1. Raises ValueError when shapes or ratio do not fit.
        """


class EngineBroken(Exception):
    """The accelerator failed in a way that only a new process can cure; the message says what it said."""


class EngineMissing(Exception):
    """The engine that was asked for is not installed; the message names what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What matters for the choice: packages to import, whether weights are there, and torch's GPU if it has one."""

    torch: bool
    openvino: bool
    weights: bool
    gpu: str | None


def choose(name: Name, machine: Machine) -> tuple[str, str]:
    """(engine, reason) for a machine. Pure. Raises EngineMissing when a named engine cannot run."""
    if name == "classical":
        return "classical", "it was asked for"
    if not machine.weights:
        if name == "auto":
            return "classical", "there is no weights file"
        raise EngineMissing(f"The engine {name} needs {SHIPPED.name}; train one, or use ENGINE=classical.")
    if name != "auto":
        if not (machine.torch if name == "torch" else machine.openvino):
            raise EngineMissing(f"The engine {name} is not installed: pip install {name}, or use another ENGINE.")
        return name, "it was asked for"
    return quickest(machine)


def quickest(machine: Machine) -> tuple[str, str]:
    """What `auto` means where there are weights: a GPU's runtime, else the quickest on a CPU, else none.

    The network, not the classical engine: it won every column of the table in weights/README.md, and by eye.
    """
    if machine.torch and machine.gpu is not None:
        return "torch", f"PyTorch sees {machine.gpu}"
    if machine.openvino:
        return "openvino", "there is no GPU, and OpenVINO is the quickest on a CPU"
    if machine.torch:
        return "torch", "there is no GPU and no OpenVINO"
    return "classical", "neither PyTorch nor OpenVINO is installed"


def this_machine(weights: Path) -> Machine:
    """What this machine has. Imports torch only where an accelerator could be: a CUDA driver, or macOS on arm64."""
    torch = find_spec("torch") is not None
    return Machine(
        torch=torch,
        openvino=find_spec("openvino") is not None,
        weights=weights.exists(),
        gpu=accelerator() if torch else None,
    )


def accelerator() -> str | None:
    """CUDA or MPS if PyTorch could use it, else None."""
    import sys  # noqa: PLC0415

    if sys.platform != "darwin" and not Path("/dev/nvidiactl").exists() and not Path("/dev/dxg").exists():
        return None
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        return "CUDA"
    return "MPS" if torch.backends.mps.is_available() else None


def load_engine(name: Name, *, threads: int | None = None, weights: Path = SHIPPED) -> Engine:
    """An engine ready for photos. `threads` bounds its CPU threads.

    Only the engine's own runtime is imported. Raises EngineMissing, or WeightsDamaged.
    """
    chosen, reason = choose(name, this_machine(weights))
    if chosen == "torch":
        from model.torch_engine import TorchEngine  # noqa: PLC0415

        return TorchEngine(load_weights(weights), reason=reason, threads=threads)
    if chosen == "openvino":
        from model.openvino_engine import OpenVinoEngine  # noqa: PLC0415

        return OpenVinoEngine(load_weights(weights), reason=reason, threads=threads)
    from model.classical import ClassicalEngine  # noqa: PLC0415

    return ClassicalEngine(reason=reason, threads=threads)
