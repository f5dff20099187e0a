"""A whole small cloud on this machine: the server, and real workers on the instances that it launches."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.stand_in.account import Account
from fleet.stand_in.hosts import Hosts
from fleet.stand_in.instances import Instance
from fleet.stand_in.region import Region
from fleet.stand_in.server import Server
from fleet.stand_in.weather import Weather
from jobs.clock import now_ms

WORKER = (f"{sys.prefix}/bin/python", "-m", "worker")
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class LocalCloud:
    """Started when made; `close` ends every worker. `environ` is what a host has before its user data."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        logs: Path,
        port: int = 0,
        command: Sequence[str] = WORKER,
        weather: Weather | None = None,
    ) -> None:
        self._environ = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
        weather = weather or Weather()
        self.region = Region(clock=now_ms, weather=weather)
        self.server = Server(self.region, port=port)
        self.endpoint = self.server.endpoint
        self.account = Account(self.endpoint)
        self.hosts = Hosts(
            command,
            environ=self._environ_of,
            powered_off=self._powered_off,
            logs=logs,
            boot_s=weather.boot_ms / 1000,
        )
        self.region.subnets = self.account.subnets()
        self.region.has_template = lambda template: self.account.user_data(template) is not None
        self.region.started, self.region.ended = self.hosts.start, self.hosts.end

    def close(self) -> None:
        self.hosts.end_all()
        self.server.close()

    def _powered_off(self, name: str) -> None:
        self.region.end(name, why="Client.InstanceInitiatedShutdown")

    def _environ_of(self, instance: Instance) -> dict[str, str]:
        """Later ones win: the host, the cloud around it, its user data."""
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, self._environ.get("PYTHONPATH")]))
        return {
            **self._environ,
            **KEYS,
            "PYTHONPATH": path,
            "PYTHONSAFEPATH": "1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{self.endpoint}/imds/{instance.id}",
            **self.account.user_data(instance.template),
        }


def fair(*, boot_s: float = 0.0) -> Weather:
    """Fair weather in which a machine takes so long to boot."""
    return Weather(boot_ms=int(boot_s * 1000))
