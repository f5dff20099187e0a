"""`make deploy` and `make destroy`: the service in an AWS account, and out of it again."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from deploy.leaving import Leaving, MachinesRemain
from deploy.place import chosen_region, elsewhere
from deploy.plan import changes, erasing, summary
from deploy.terraform import Terraform, TerraformRefused
from jobs.clients import Clients, Declined
from jobs.errors import StoreBusy
from jobs.provision import account

ROOT = Path(__file__).resolve().parent
KEPT = ROOT.parent / "var"
LAUNCHING = ("aws_launch_template.worker", "aws_instance.host")  # without these nobody can start another machine


@click.group()
@click.option("--configuration", type=click.Path(path_type=Path), default=ROOT, help="folder of the Terraform files")
@click.option("--kept", type=click.Path(path_type=Path), default=KEPT, help="folder for state and settings")
@click.option("--auto", is_flag=True, envvar="AUTO", help="do not ask (AUTO=1)")
@click.pass_context
def main(context: click.Context, *, configuration: Path, kept: Path, auto: bool) -> None:
    """Deploy Firstlight into an AWS account, or take it out."""
    environ = dict(os.environ)  # noqa: TID251 — an entry point; Terraform reads AWS_* and TF_* there
    terraform = Terraform(configuration, kept / "terraform", environ)
    context.obj = terraform, kept / "deploy.env", auto


@main.command()
@click.pass_obj
def apply(chosen: tuple[Terraform, Path, bool]) -> None:
    """Show what would change, ask, do it, and write the settings that name it."""
    terraform, settings, auto = chosen
    with _sentences():
        terraform.check()
        click.echo(f"Account {_account()}. Asking Terraform what is to do …")
        terraform.init()
        plan = terraform.plan()
        _right_place(terraform.outputs(), plan)
        for line in changes(plan):
            click.echo(f"  {line}")
        click.echo(f"{summary(plan)}. In full: {terraform.planned}")
        if changes(plan):
            _agree("Do this?", auto=auto)
        terraform.apply()
        told = terraform.outputs()
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        f"# Firstlight in {told['region']}, written by `make deploy`. No secrets are here.\n{told['settings']}"
    )
    click.echo(f"Deployed. {settings} names it all.")
    if told.get("api_url"):
        click.echo(f"The service is at {told['api_url']} once that name leads to {told['api_address']}.")
    else:
        click.echo("Run the API anywhere that may take its role, here for instance:")
        click.echo(f"  set -a; . {os.path.relpath(settings)}; set +a; make run")
    click.echo(f"  its role: {told['api_role']}")


@main.command()
@click.pass_obj
def destroy(chosen: tuple[Terraform, Path, bool]) -> None:
    """Show what would go, ask, end every machine, and destroy all that Terraform has made."""
    terraform, settings, auto = chosen
    with _sentences():
        terraform.check()
        click.echo(f"Account {_account()}. Asking Terraform what is there …")
        terraform.init()
        if not terraform.holds():
            click.echo("Nothing is deployed.")
            return
        told = terraform.outputs()
        plan = terraform.plan(destroy=True)
        _right_place(told, plan)
        erases, wanted = erasing(plan)
        if erases != wanted:
            raise click.ClickException(
                f"force_destroy is {_word(yes=wanted)} in your settings and {_word(yes=erases)} in what is deployed, "
                "which is what counts: run `make deploy` first."
            )
        leaving = Leaving(Clients(region=told.get("region")), told.get("project", "firstlight"))
        for line in changes(plan):
            click.echo(f"  {line}")
        for each in leaving.machines():
            click.echo(f"  END     machine {each}")
        gone = (
            "with all photos, results and unfinished jobs"
            if erases
            else "but no photo: the bucket stays if it holds any"
        )
        _agree(f"{summary(plan)}, {gone}. Do this?", auto=auto)
        terraform.destroy(*LAUNCHING)
        leaving.end_machines(lambda line: click.echo(f"  {line}"))
        terraform.destroy()
        settings.unlink(missing_ok=True)
        left = [*leaving.machines(), *leaving.volumes()]
        baked = leaving.baked()
    click.echo(f"Still there, look at them in EC2's console: {', '.join(left)}" if left else "Nothing of it runs.")
    if baked:
        click.echo(f"Baked images are kept, at $0.05 a month and GB: {', '.join(baked)}.")
        click.echo("  make bake-clean KEEP=0 YES=1   removes them.")


@contextmanager
def _sentences() -> Iterator[None]:
    """Each failure that somebody can cure becomes a sentence."""
    try:
        yield
    except (TerraformRefused, MachinesRemain, StoreBusy, Declined) as fact:
        raise click.ClickException(str(fact)) from None
    except ModuleNotFoundError as fact:
        raise click.ClickException(f"{fact}: pip install -e '.[cloud]'") from None


def _account() -> str:
    """Whose credentials these are. Any region knows, and Terraform's own may be in its variables."""
    return account(Clients(region="us-east-1"))


def _word(*, yes: bool) -> str:
    """As Terraform writes it."""
    return "true" if yes else "false"


def _right_place(told: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Raises click.ClickException where Terraform would look elsewhere for what is deployed."""
    try:
        configured = str(Clients().client("sqs").meta.region_name)
    except StoreBusy:
        configured = ""
    environ = os.environ  # noqa: TID251 — an entry point
    region = chosen_region(plan, environ) or configured
    if told and (why := elsewhere(told, account=_account(), region=region)):
        raise click.ClickException(why)


def _agree(question: str, *, auto: bool) -> None:
    if auto:
        return
    if not sys.stdin.isatty():
        raise click.ClickException("Nobody is here to ask; AUTO=1 does it unasked.")
    click.confirm(question, abort=True)


if __name__ == "__main__":
    main(prog_name="deploy")
