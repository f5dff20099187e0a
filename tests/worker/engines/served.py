"""What every stand-in for the engine process shares: the wire, and one function that does the work."""

import os
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
            if "expect" in request:
                continue
            raster = request["raster"]
            shape = (raster["height"], raster["width"], 3)
            with os.fdopen(descriptors[0], "rb") as pixels, os.fdopen(descriptors[1], "r+b") as out:
                source = np.memmap(pixels, np.uint8, "r", shape=shape)
                target = np.memmap(out, np.uint8, "r+", shape=shape)
            work(source, target, lambda done: send(supervisor, {"progress": done}))
            del source, target
            send(supervisor, {"ratio": 2.0})
