"""A fake of AWS on a loopback port, whose clock can be moved and whose network can break.

`python serve.py moto|ministack` says its port on standard output once it listens, then obeys one JSON object a line on
standard input: {"shift": seconds}, {"faults": [{"action": …, "does": …, "times": …}]}. It answers each by the number of
faults done so far.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import sys
import threading
import time
from typing import Any

from faults import FaultLayer

_time = time.time
shift = {"s": 0.0}
faults: list[dict[str, Any]] = []
layers: list[FaultLayer] = []


def shifted() -> float:
    return _time() + shift["s"]


def obey() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        shift["s"] = order.get("shift", shift["s"])
        if "faults" in order:
            faults[:] = order["faults"]
        print(layers[0].done if layers else 0, flush=True)
    os._exit(0)  # whoever started this is gone


def serve_moto() -> None:
    import moto.core.utils
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    def utcnow() -> dt.datetime:
        return dt.datetime.fromtimestamp(shifted(), dt.UTC).replace(tzinfo=None)

    moto.core.utils.utcnow = utcnow  # its queues take their time from here

    MotoRequestHandler.protocol_version = "HTTP/1.1"
    MotoRequestHandler.log = lambda *_: None
    layers.append(FaultLayer(DomainDispatcherApplication(create_backend_app), faults))
    server = make_server("127.0.0.1", 0, layers[0], threaded=True, request_handler=MotoRequestHandler)
    print(server.server_port, flush=True)
    server.serve_forever()


def serve_ministack() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "AUTH": "true", "LOG_LEVEL": "ERROR"}
    time.time = shifted
    from ministack.app import main

    def announce() -> None:
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        print(port, flush=True)

    threading.Thread(target=announce, daemon=True).start()
    sys.argv = ["ministack"]
    main()


if __name__ == "__main__":
    threading.Thread(target=obey, daemon=True).start()
    {"moto": serve_moto, "ministack": serve_ministack}[sys.argv[1]]()
