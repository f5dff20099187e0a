"""The AWS that a virtual machine meets: stores and EC2 of the stand-in, and a metadata service of its own.

A machine that the stand-in launches is handed to `power_on`; what it asks of its metadata service is answered on a
loopback port, which QEMU forwards to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

from fleet.instance_types import types_of
from fleet.ladder import Offer, Pool, Subnet, Terms
from fleet.orders import Order
from fleet.requests import create_fleet_request
from fleet.stand_in.account import Account
from fleet.stand_in.cloud import KEYS
from fleet.stand_in.instances import Instance
from fleet.stand_in.metadata import NOTHING, TOKEN, Said, metadata
from fleet.stand_in.region import Region
from fleet.stand_in.server import Server
from jobs.clients import Clients, Declined
from jobs.clock import now_ms
from jobs.provision import Names, Provision
from jobs.settings import Settings

TEMPLATE, PROJECT = "firstlight-cpu", "firstlight"
GUEST_AWS = "169.254.169.1:80"  # where the guest finds the stores; any address that QEMU forwards would do
GUEST_METADATA = "169.254.169.254:80"
NAMES = Names(bucket="firstlight-photos", queue="firstlight", table="firstlight")


class SmallCloud:
    """Started when made; `environ` is what the machines' user data say beside the stores.

    `hidden` begins what the metadata service does not tell, as `meta-data/tags` where tags are switched off.
    """

    def __init__(
        self,
        environ: dict[str, str],
        *,
        power_on: Callable[[Instance], None],
        asked: Callable[[], None],
        hidden: tuple[str, ...] = (),
    ) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]  # nobody's real account
        os.environ.update({**KEYS, "AWS_EC2_METADATA_DISABLED": "true"})
        self.region = Region(clock=now_ms)
        self.server = Server(self.region)
        self.port = int(self.server.endpoint.rpartition(":")[2])
        os.environ["AWS_ENDPOINT_URL"] = self.server.endpoint
        urlopen(f"{self.server.endpoint}/moto-api/reset", data=b"").close()  # noqa: S310 — our own; moto's state is its process's
        provision = Provision(Clients(), NAMES, Settings())
        for step in provision.steps():
            step.do()
        stores = dict(line.split("=", 1) for line in provision.settings_lines())
        self.settings = Settings.read({**stores, "PROJECT": PROJECT})
        path = provision.queue_url.split("/", 3)[3]
        guest = {**stores, "QUEUE": f"http://{GUEST_AWS}/{path}", "AWS_ENDPOINT_URL": f"http://{GUEST_AWS}"}
        self.user_data = {**guest, "AWS_DEFAULT_REGION": "us-east-1", "FLEET": f"ec2:{TEMPLATE}", **environ}
        account = Account(self.server.endpoint)
        try:
            account.put_template(TEMPLATE, self.user_data)
        except Declined as no:
            if no.code != "InvalidLaunchTemplateName.AlreadyExistsException":
                raise  # asked again because its answer was late, on a busy machine, the stand-in has it already
        self.region.subnets = account.subnets()
        self.region.started = power_on
        self._asked, self._hidden = asked, hidden

    def launch(self, *, age_s: float) -> Instance:
        """One spot machine, as the launcher orders it."""
        subnet, zone = next(iter(self.region.subnets.items()))
        pool = Pool(type=types_of("cpu")[0].name, subnet=Subnet(id=subnet, zone=zone))
        offer = Offer(flavour="cpu", market="spot", pools=(pool,))
        order = Order(slot=0, epoch=1, offer=offer, deadline_ms=now_ms() + int(age_s * 1000))
        terms = Terms(templates={"cpu": TEMPLATE, "gpu": TEMPLATE}, flavours=("cpu",))
        self.region.create_fleet(**create_fleet_request(order, terms, project=PROJECT))
        return next(iter(self.region.instances.values()))

    def serve_metadata(self, instance: Instance) -> int:
        """A metadata service for this instance; its loopback port."""
        user_data = "".join(f"{name}={value}\n" for name, value in self.user_data.items())
        asked, hidden = self._asked, self._hidden

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                path = self.path.removeprefix("/latest/")
                token = self.headers.get("X-aws-ec2-metadata-token", "")
                if path == "user-data":
                    said = Said(status=200, body=user_data) if token == TOKEN else Said(status=401)
                elif path == self.path or path.startswith(hidden):
                    said = NOTHING
                else:
                    said = metadata(instance, self.command, path, token, now=now_ms())
                asked()
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(said.body.encode())))
                self.end_headers()
                self.wfile.write(said.body.encode())

            do_GET = do_PUT = answer  # noqa: N815 — the names that http.server calls

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 — http.server's name
                """Nothing: what is asked is marked."""

        class Service(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A guest that hung up, or was ended, is no error here."""

        service = Service(("127.0.0.1", 0), Handler)
        threading.Thread(target=service.serve_forever, name="metadata", daemon=True).start()
        return int(service.server_port)

    def close(self) -> None:
        self.server.close()
