"""PyTorch whose network meets a broken accelerator at the first photo, once; the marker file is its argument."""

import sys
from pathlib import Path

import torch

from model.engine import load_engine
from worker.engine_child import serve


class BreaksOnce(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, *given):
        try:
            Path(sys.argv[2]).touch(exist_ok=False)
        except FileExistsError:
            return self.network(*given)
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def load():
    engine = load_engine("torch", threads=1)
    engine.network = BreaksOnce(engine.network)
    return engine


if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1]), load))
