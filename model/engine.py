"""The door of this room: name an engine, or let the machine choose one, and enhance photos with it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

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


@runtime_checkable
class Foresighted(Protocol):
    """An engine that prepares something for each size of photo."""

    def expect(
        self, layout: Literal["rgb", "mosaic"], width: int, height: int, *, depth_in: int, depth_out: int
    ) -> None:
        """A photo like this comes next: prepare while it is still decoded. Sides in pixels, depths in bits."""


class EngineBroken(Exception):
    """The accelerator failed in a way that only a new process can cure; the message says what it said."""


class EngineMissing(Exception):
    """The engine that was asked for is not installed; the message names what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What matters for the choice.

    torch, openvino: whether they can be imported. weights: whether the file named `network` is there. gpu: what PyTorch
    can compute on beside the CPU. refusal: what a GPU that is there but cannot be used said.
    """

    torch: bool
    openvino: bool
    weights: bool
    gpu: str | None
    refusal: str | None = None
    network: str = SHIPPED.name


def choose(name: Name, machine: Machine) -> tuple[str, str]:
    """(engine, reason) for a machine. Pure. Raises EngineMissing when a named engine cannot run."""
    if name == "classical":
        return "classical", "It was asked for."
    if not machine.weights:
        if name == "auto":
            return "classical", f"There is no weights file {machine.network}."
        raise EngineMissing(f"The engine {name} needs {machine.network}; train one, or use ENGINE=classical.")
    if name != "auto":
        if not (machine.torch if name == "torch" else machine.openvino):
            raise EngineMissing(f"The engine {name} is not installed: pip install {name}, or use another ENGINE.")
        return name, "It was asked for."
    return quickest(machine)


def quickest(machine: Machine) -> tuple[str, str]:
    """What `auto` means where there are weights: a GPU's runtime, else the quickest on a CPU, else none.

    The network, not the classical engine: it won every column of the table in weights/README.md, and by eye.
    """
    if machine.torch and machine.gpu is not None:
        return "torch", f"PyTorch computes on {machine.gpu}."
    why = "There is no GPU" if machine.refusal is None else f"The GPU cannot be used ({machine.refusal})"
    if machine.openvino:
        return "openvino", f"{why}, and OpenVINO is the quickest on a CPU."
    if machine.torch:
        return "torch", f"{why}, and OpenVINO is not installed."
    return "classical", "Neither PyTorch nor OpenVINO is installed."


def this_machine(weights: Path) -> Machine:
    """What this machine has. Imports torch only where an accelerator could be: a CUDA driver, or macOS on arm64."""
    torch = find_spec("torch") is not None
    gpu, refusal = accelerator() if torch else (None, None)
    return Machine(
        torch=torch,
        openvino=find_spec("openvino") is not None,
        weights=weights.exists(),
        gpu=gpu,
        refusal=refusal,
        network=weights.name,
    )


def accelerator() -> tuple[str | None, str | None]:
    """(CUDA or MPS if PyTorch computes there, else None; what one that is there but cannot said)."""
    import sys  # noqa: PLC0415

    if sys.platform != "darwin" and not Path("/dev/nvidiactl").exists() and not Path("/dev/dxg").exists():
        return None, None
    from model.accelerator import found  # noqa: PLC0415

    return found()


def load_engine(
    name: Name, *, threads: int | None = None, weights: Path = SHIPPED, graphs: Path | None = None
) -> Engine:
    """An engine ready for photos. `threads` bounds its CPU threads; `graphs` is where OpenVINO's are kept, if at all.

    Only the engine's own runtime is imported. Raises EngineMissing, or WeightsDamaged.
    """
    chosen, reason = choose(name, this_machine(weights))
    if chosen == "torch":
        from model.torch_engine import TorchEngine  # noqa: PLC0415

        return TorchEngine(load_weights(weights), reason=reason, threads=threads)
    if chosen == "openvino":
        from model.openvino_engine import OpenVinoEngine  # noqa: PLC0415

        return OpenVinoEngine(load_weights(weights), reason=reason, threads=threads, graphs=graphs)
    from model.classical import ClassicalEngine  # noqa: PLC0415

    return ClassicalEngine(reason=reason, threads=threads)
