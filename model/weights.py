"""The weights file: safetensors with the network's dimensions inside and its sha256 beside it."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

SHIPPED = Path(__file__).parent / "weights" / "firstlight.safetensors"
FINE = SHIPPED.with_name("firstlight-fine.safetensors")
NETWORKS = {"default": SHIPPED, "fine": FINE}
"""What comes with the project: the default, and a wider one that takes about twice the time."""


class WeightsDamaged(Exception):
    """The weights file is not the one its checksum was written for; fetch the project again or train anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What was trained: arrays by name (float32), the network's dimensions, and facts about the training."""

    arrays: dict[str, NDArray[np.float32]]
    dims: dict[str, int]
    facts: dict[str, str]
    digest: str


def save_weights(
    path: Path, arrays: dict[str, NDArray[np.float16]], dims: dict[str, int], facts: dict[str, str]
) -> Path:
    """Write `path` and, beside it, `<name>.sha256` in the format of sha256sum."""
    content = save(arrays, {**facts, "dims": json.dumps(dims)})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_suffix(".sha256").write_text(f"{sha256(content).hexdigest()}  {path.name}\n")
    return path


def load_weights(path: Path = SHIPPED) -> Weights:
    """Read a weights file; raises FileNotFoundError, or WeightsDamaged when it and its sha256 disagree."""
    digest = sha256(path.read_bytes()).hexdigest()
    wanted = path.with_suffix(".sha256").read_text().split()[0]
    if digest != wanted:
        raise WeightsDamaged(f"{path} has sha256 {digest}, expected {wanted}; fetch it again or train anew.")
    with safe_open(path, "numpy") as file:
        arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 - not a dict
        facts = dict(file.metadata())
    dims = {name: int(value) for name, value in json.loads(facts.pop("dims")).items()}
    return Weights(arrays=arrays, dims=dims, facts=facts, digest=digest)
