"""What every stand-in for the engine process shares: the wire, and one function that does the work."""

import socket

import numpy as np

from photos.wire import receive, send


def serve(descriptor, work):
    with socket.socket(fileno=descriptor) as supervisor:
        send(supervisor, {"ready": "stand-in"})
        while True:
            descriptors = []
            request = receive(supervisor, descriptors)
            if request is None:
                return
            raster = request["raster"]
            shape = (raster["height"], raster["width"], 3)
            source = np.memmap(open(descriptors[0], "rb"), np.uint8, "r", shape=shape)
            target = np.memmap(open(descriptors[1], "r+b"), np.uint8, "r+", shape=shape)
            work(source, target, lambda done: send(supervisor, {"progress": done}))
            del source, target
            send(supervisor, {"ratio": 2.0})
