"""`firstlight rehearse`: the service as it runs on AWS, with no account, on a small AWS of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from cli.settings import read_settings
from fleet.stand_in.account import Account
from fleet.stand_in.cloud import KEYS
from jobs.clients import Clients
from jobs.provision import Names, Provision
from jobs.settings import Settings
from photos.sandbox import end_with_parent

TEMPLATE = "firstlight-worker"
NAMES = Names(bucket="firstlight-photos", queue="firstlight", table="firstlight")
END_S = 15.0


@click.command()
@click.option(
    "--boot-s",
    type=click.FloatRange(0),
    default=4.0,
    show_default=True,
    help="seconds that an instance of the stand-in takes to boot",
)
@click.option("--engine", default="torch", show_default=True, help="the workers' engine")
def command(*, boot_s: float, engine: str) -> None:
    """Run the cloud's configuration here: S3, SQS, DynamoDB and EC2 from a stand-in that lives as long as this command.

    Everything else is as with a real account: boto3, signed links, a launch template, spot machines that boot, are told
    of their end, and run real workers. Photos and jobs are gone after Ctrl-C.
    """
    for needed in ("boto3", "moto", "flask_cors", *(["torch"] if engine == "torch" else [])):
        if find_spec(needed) is None:
            raise click.ClickException(f"{needed} is missing here; `make run-cloud` installs it")
    os.environ["FLEET"] = "none:"  # noqa: TID251 — an entry point; until there is a template for machines
    settings = read_settings()
    if not settings.allowed_origins:
        os.environ["ALLOWED_ORIGINS"] = _own_pages(settings)  # noqa: TID251 — an entry point
        settings = read_settings()
    logs = Path(settings.spool).absolute().parent / "logs"
    environ = os.environ  # noqa: TID251 — an entry point; boto3 looks there
    for name in [name for name in environ if name.startswith("AWS_")]:
        del environ[name]  # nobody's real account
    environ.update(KEYS)
    cloud = _stand_in(logs, boot_s=boot_s)
    try:
        endpoint = cloud.stdout.readline().strip() if cloud.stdout else ""
        if not endpoint:
            raise click.ClickException(f"the stand-in for AWS did not start; its last words are in {logs}/cloud.log")
        environ.update({"AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"})
        stores = _stores(settings) | {"FLEET": f"ec2:{TEMPLATE}"}
        Account(endpoint).put_template(TEMPLATE, stores | {"ENGINE": engine})
        environ.update(stores)
        click.echo(f"A stand-in for AWS is on {endpoint}; its machines' logs are in {logs}/machines")
        for name, value in stores.items():
            click.echo(f"  {name}={value}")
        from cli.up import command as up  # noqa: PLC0415 — loads the API

        assert up.callback is not None
        up.callback(page=False)
    finally:
        cloud.terminate()
        try:
            cloud.wait(END_S)
        except subprocess.TimeoutExpired:
            cloud.kill()


def _stand_in(logs: Path, *, boot_s: float) -> subprocess.Popen[str]:
    """The stand-in in a process of its own, deaf to Ctrl-C; it tells its endpoint in its first line."""
    logs.mkdir(parents=True, exist_ok=True)
    python = str(Path(sys.prefix) / "bin" / "python")
    with (logs / "cloud.log").open("ab") as log:
        return subprocess.Popen(
            [python, "-m", "fleet.stand_in", "--boot-s", str(boot_s), "--logs", str(logs / "machines")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            text=True,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 — no threads here
        )


def _own_pages(settings: Settings) -> str:
    """The origins at which its own page is opened: as with `make deploy`, it may send photos into the bucket."""
    hosts = dict.fromkeys([settings.host, "127.0.0.1", "localhost"])
    return ",".join(f"http://{each}:{settings.port}" for each in hosts)


def _stores(settings: Settings) -> dict[str, str]:
    """Bucket, queues and table, made; the settings that name them."""
    provision = Provision(Clients(), NAMES, settings)
    for step in provision.steps():
        step.do()
    return dict(line.split("=", 1) for line in provision.settings_lines())
