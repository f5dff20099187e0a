"""A race detector for streams: torch computes on the CPU, in order, and every access is checked as if it were not.

It keeps vector clocks. An operation belongs to the stream that is current when it is issued and knows what that stream
and the host knew; waiting for an event hands on what the recording stream knew. Two accesses to one storage, one of
them writing, of which neither knew the other, are a race: on a GPU they may run in any order.
"""

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

HOST = "host"
READ_BY_HOST = ("aten::_local_scalar_dense", "aten::is_nonzero")


class Streams:
    """Has what the line needs of `torch.cuda`, and notes who accesses what."""

    def __init__(self):
        self.knows = {HOST: {}}
        self.compute = self.now = self.Stream("compute")
        self.last = {}
        self.kept = []
        self.races = []

    def Stream(self, name=None):  # noqa: N802 - torch's name
        return Stream(self, name or f"stream {len(self.knows)}")

    def Event(self):  # noqa: N802
        return Event(self)

    def current_stream(self):
        return self.now

    @contextmanager
    def stream(self, stream):
        before, self.now = self.now, stream
        yield
        self.now = before

    def access(self, who, tensor, what, *, writes):
        """Note an access; a race with any earlier one that `who` does not know of is remembered."""
        knows = self.knows[who]
        if who != HOST:
            learn(knows, self.knows[HOST])
        knows[who] = knows.get(who, 0) + 1
        storage = tensor.untyped_storage()
        self.kept.append(storage)  # so that no other takes its address
        for other, (time, wrote, which) in self.last.setdefault(storage.data_ptr(), {}).items():
            if (writes or wrote) and knows.get(other, 0) < time:
                self.races.append(f"{what} on {who} and {which} on {other}")
        wrote = writes or self.last[storage.data_ptr()].get(who, (0, False))[1]
        self.last[storage.data_ptr()][who] = (knows[who], wrote, what)


class Stream:
    def __init__(self, streams, name):
        self.streams, self.name = streams, name
        streams.knows[name] = {}

    def wait_event(self, event):
        learn(self.streams.knows[self.name], event.knows)

    def wait_stream(self, stream):
        learn(self.streams.knows[self.name], self.streams.knows[stream.name])


class Event:
    def __init__(self, streams):
        self.streams, self.knows = streams, {}

    def record(self, stream):
        self.knows = dict(self.streams.knows[stream.name])

    def synchronize(self):
        learn(self.streams.knows[HOST], self.knows)


def learn(knows, other):
    for who, time in other.items():
        knows[who] = max(knows.get(who, 0), time)


class Operations(TorchDispatchMode):
    """Every operation of torch, on the stream that is current."""

    def __init__(self, streams):
        super().__init__()
        self.streams = streams

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = function._schema.name
        who = HOST if name in READ_BY_HOST else self.streams.now.name
        for argument, given in zip(function._schema.arguments, args, strict=False):
            writes = argument.alias_info is not None and argument.alias_info.is_write
            for tensor in tree_leaves(given):
                if isinstance(tensor, torch.Tensor) and (writes or not function.is_view):
                    self.streams.access(who, tensor, name, writes=writes)
        return result


class Host(TorchFunctionMode):
    """What the host does to memory by way of NumPy."""

    def __init__(self, streams):
        super().__init__()
        self.streams = streams

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.Tensor.numpy:
            self.streams.access(HOST, args[0], "numpy", writes=True)
        return function(*args, **(kwargs or {}))


@contextmanager
def watched(streams):
    with Host(streams), Operations(streams):
        yield
