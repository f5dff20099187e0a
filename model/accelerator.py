"""The device that PyTorch computes on: whether it answers, which precision suits it, and what its errors mean."""

from typing import Literal

import torch

OUT_OF_MEMORY = (
    "out of memory",  # CUDA's and MPS' own words
    "_STATUS_ALLOC_FAILED",  # cuBLAS and cuDNN
    "ALLOCATION_FAILED",  # cuDNN 9
    "unable to find an engine to execute",  # cuDNN, when no algorithm's workspace fits
    "DefaultCPUAllocator: can't allocate memory",
)
DEVICE_BROKEN = ("CUDA error", "CUDA driver error", "CUDNN_STATUS_", "CUBLAS_STATUS_", "HIP error")
TENSOR_CORES = 7
"""The compute capability from which half precision is quick; below, it is a 64th of float32."""

Fault = Literal["memory", "device"]


def fault(error: RuntimeError) -> Fault | None:
    """What an error of PyTorch says: a smaller tile may fit, or the device is lost to this process; None is neither.

    Errors of CUDA come late and may name another call. Most are sticky: the context answers every later call with the
    same. Which are not is told nowhere reliably, so all but the lack of memory count as sticky; a new process is never
    wrong.
    """
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError) or any(words in text for words in OUT_OF_MEMORY):
        return "memory"
    if isinstance(error, torch.AcceleratorError) or any(words in text for words in DEVICE_BROKEN):
        return "device"
    return None


def best_device() -> torch.device:
    """CUDA, else Apple's MPS, else the CPU; an accelerator only if it answers."""
    name, _ = found()
    return torch.device({"CUDA": "cuda", "MPS": "mps", None: "cpu"}[name])


def found() -> tuple[Literal["CUDA", "MPS"] | None, str | None]:
    """(The accelerator to use, None) or (None, what one that is there said when it was asked to compute)."""
    if torch.cuda.is_available():
        said = answer(torch.device("cuda"))
        return ("CUDA", None) if said is None else (None, said)
    if torch.backends.mps.is_available():
        said = answer(torch.device("mps"))
        return ("MPS", None) if said is None else (None, said)
    return None, None


def answer(device: torch.device) -> str | None:
    """None if the device computes, else its error in one line: a GPU too old for this PyTorch, busy, or broken."""
    try:
        three = int(torch.ones(3, device=device).sum())
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return None if three == 3 else f"one and one and one is {three}"


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bf16 convolutions are quicker there; CPUs without the instructions would emulate them."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - torch has no public question
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def precision(device: torch.device) -> torch.dtype:
    """What the network computes in there; the picture itself is always float32.

    CUDA: fp16, which every GPU with tensor cores has and which keeps three bits more than bf16. CPU: bf16 where that
    is quick. MPS: float32, since nothing else was ever tried there.
    """
    if device.type == "cuda":
        return torch.float16 if torch.cuda.get_device_capability(device)[0] >= TENSOR_CORES else torch.float32
    return torch.bfloat16 if device.type == "cpu" and fast_bfloat16(device) else torch.float32


def describe() -> str:
    """The best device and PyTorch's version, for logs and measurements."""
    device = best_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    return f"{name}, PyTorch {torch.__version__}"
