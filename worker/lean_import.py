"""Importing a runtime without what brightening photos never needs: two fifths of OpenVINO's time, half of PyTorch's.

For the engine process only, where nobody asks for the rest. A module of LATER is a shell that loads itself when
something in it is asked for; training would meet PyTorch's circular imports in an order that it does not expect. An
engine that cannot be loaded so is loaded whole at the second try.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

ABSENT = ("openvino.tools.ovc",)  # converters, and the telemetry that comes with them; its package does without
LATER = frozenset(
    f"torch.{name}"
    for name in (
        "_meta_registrations",  # shapes without data: 700 functions registered
        "distributed._meta_registrations",
        "export",
        "compiler",
        "ao",
        "quantization",
        "distributions",
        "profiler",
        "masked",
        "optim",
        "testing",
        "utils.data",
        "_native",
        "multiprocessing",
    )
)


class _Shell(ModuleType):
    """A module that has its name and place, but nothing in it yet."""

    def __getattr__(self, name: str) -> Any:
        """Asked for what the shell lacks: that is, for anything in the module."""
        if name.startswith("__") and name.endswith("__"):  # the import system looks at modules that it passes
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec = self.__spec__
        assert spec is not None
        assert isinstance(spec.loader, _LaterLoader)
        spec.loader.loader.exec_module(self)
        return getattr(self, name)


class _LaterLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Shell(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: see `_Shell`."""


class _LaterFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in LATER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _LaterLoader(spec.loader)
        return spec


@contextmanager
def lean() -> Iterator[None]:
    """While the block runs, imports are lean and no garbage is searched for: what is imported stays."""
    finder = _LaterFinder()
    collects = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, finder)
    sys.modules.update(dict.fromkeys((name for name in ABSENT if name not in sys.modules), None))  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        gc.freeze()
        if collects:
            gc.enable()
