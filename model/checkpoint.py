"""Where training stands, on disk: enough to resume, and the weights that users get out of it."""

from pathlib import Path
from typing import Any

import torch

from model.network import Dims, Network
from model.weights import load_weights, save_weights
from model.widening import widened


def save_checkpoint(
    path: Path,
    network: Network,
    average: Network,
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
) -> None:
    """Everything that resuming needs, written beside and then moved into place."""
    state = {
        "dims": network.dims.as_metadata(),
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)


def resume(path: Path, network: Network, average: Network, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    """(step, seconds) already trained, the states restored from the checkpoint; (0, 0) when there is none.

    Raises ValueError when the checkpoint belongs to a network of other dimensions.
    """
    if not path.exists():
        return 0, 0.0
    state: dict[str, Any] = torch.load(path, weights_only=True)
    if state["dims"] != network.dims.as_metadata():
        raise ValueError(f"{path} holds a network of {state['dims']}; move it away or train with these dimensions.")
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["seconds"]


def network_from(path: Path, dims: Dims) -> Network:
    """A network of `dims` that computes what the weights at `path` do, widened if theirs are of a narrower one.

    Raises ValueError when they differ in more than width, FileNotFoundError and WeightsDamaged as `load_weights` does.
    """
    weights = load_weights(path)
    given = Network(Dims(**weights.dims))
    given.load_state_dict({name: torch.from_numpy(array) for name, array in weights.arrays.items()})
    return given if given.dims == dims else widened(given, dims)


def export(network: Network, path: Path, facts: dict[str, str]) -> Path:
    """The network's weights as fp16 safetensors with dimensions and facts inside, their sha256 beside them."""
    arrays = {name: tensor.half().contiguous().cpu().numpy() for name, tensor in network.state_dict().items()}
    return save_weights(path, arrays, network.dims.as_metadata(), facts)


def export_checkpoint(checkpoint: Path, path: Path, facts: dict[str, str]) -> Path:
    """The averaged weights of a checkpoint, at any time while training goes on."""
    state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    network = Network(Dims(**state["dims"]))
    network.load_state_dict(state["average"])
    return export(network, path, {**facts, "steps": str(state["step"])})
