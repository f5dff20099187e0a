"""`firstlight setup`: makes the bucket, the queues and the table, and says which settings name them."""

from __future__ import annotations

import click

from cli.settings import read_settings
from jobs.clients import Clients, Declined
from jobs.errors import StoreBusy
from jobs.provision import Names, Provision, account


@click.command()
@click.option("--name", default="firstlight", show_default=True, help="what queue and table are called")
@click.option("--bucket", default="", help="the bucket; by default NAME-ACCOUNT-REGION, because the world shares names")
@click.option("--dry-run", is_flag=True, help="say what would be made, and make nothing")
def command(*, name: str, bucket: str, dry_run: bool) -> None:
    """Make what the cloud's adapters need, where Terraform does not. To run it again changes nothing.

    Account, region and endpoint are those of the AWS_* environment or ~/.aws.
    """
    settings = read_settings()
    clients = Clients()
    try:
        region = clients.client("sqs").meta.region_name
        names = Names(bucket=bucket or f"{name}-{account(clients)}-{region}", queue=name, table=name)
        provision = Provision(clients, names, settings)
        click.echo(f"{'Would make' if dry_run else 'Making'} in {region}, where it is not there yet:")
        for step in provision.steps():
            click.echo(f"  {step.says}")
            if not dry_run:
                step.do()
    except (StoreBusy, Declined) as fact:
        raise click.ClickException(str(fact)) from None
    except ModuleNotFoundError as fact:
        raise click.ClickException(f"{fact}: pip install -e '.[cloud]'") from None
    if not dry_run:
        click.echo("Done. These settings name it:")
        for line in provision.settings_lines():
            click.echo(f"  export {line}")
