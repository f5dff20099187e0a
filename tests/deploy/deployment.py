"""`make deploy` onto the stand-in for AWS: the real command, the real Terraform, and what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fleet.stand_in.cloud import LocalCloud
from jobs.clients import Clients
from tests.deploy.configuration import ROOT
from tests.deploy.wire import ACCOUNT, Tap

FLAVOURS = ("gpu", "cpu")
WORKER_KEY, API_KEY, OPERATOR_KEY = "workerkey", "apikey", "operatorkey"
PAGE = "https://page.example"
FAKE = 'provider "aws" {\n  s3_use_path_style = true\n}\n'  # no name leads to a bucket's own host on a loopback port
APPLY_S, DESTROY_S = 900, 900  # Terraform alone took 61 and 12 s on a calm machine


@dataclass(kw_only=True)
class Deployment:
    """A deployment on the stand-in. `environ` leads there; `before` is the account as it was, `policies` what each
    role may do, as the account has it.
    """

    cloud: LocalCloud
    tap: Tap
    folder: Path
    environ: dict[str, str]
    before: dict[str, list[str]]
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def command(self, *words: str, within_s: int = APPLY_S) -> str:
        """`python -m deploy`, to its end. Raises AssertionError with what it said when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy", "--configuration", self.folder / "deploy", "--kept", self.kept, *words],
            cwd=ROOT.parent,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def bucket(self) -> str:
        return f"firstlight-{ACCOUNT}-us-east-1"

    @property
    def kept(self) -> Path:
        return self.folder / "var"

    def settings(self) -> dict[str, str]:
        lines = (self.kept / "deploy.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    def terraform(self, *words: str) -> str:
        environ = {**self.environ, "TF_DATA_DIR": str(self.kept / "terraform" / "data")}
        command = ["terraform", f"-chdir={self.folder / 'deploy'}", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout

    def resources(self) -> dict[str, dict[str, Any]]:
        """Everything in Terraform's state, by address."""
        state = json.loads(self.terraform("show", "-json"))
        return {each["address"]: each["values"] for each in state["values"]["root_module"]["resources"]}


def written(folder: Path) -> None:
    """The configuration as it ships, with the one line that a fake needs, and what this operator chose."""
    target = folder / "deploy"
    target.mkdir(parents=True)
    for file in [*ROOT.glob("*.tf"), *ROOT.glob("*.tftpl")]:
        shutil.copy(file, target)
    (target / "fake_override.tf").write_text(FAKE)
    chosen = {"allowed_origins": [PAGE], "settings": {"AWS_ACCESS_KEY_ID": WORKER_KEY, "HEARTBEAT_S": "2"}}
    (target / "terraform.tfvars.json").write_text(json.dumps(chosen))


def bake(clients: Clients) -> None:
    """Images with the tags of `make bake`, a stale one of each flavour among them."""
    from moto.ec2.models import ec2_backends

    ec2 = clients.client("ec2")
    known = ec2_backends[ACCOUNT]["us-east-1"].amis  # which no call can tell what an image is and when it was made
    for age in ("old", "new"):
        for flavour in FLAVOURS:
            made = ec2.register_image(Name=f"firstlight-{flavour}-{age}", RootDeviceName="/dev/xvda")
            known[made["ImageId"]].architecture = "x86_64"
            if age == "old":
                known[made["ImageId"]].creation_date -= timedelta(days=1)
            tags = {"firstlight-project": "firstlight", "firstlight-flavour": flavour}
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            ec2.create_tags(Resources=[made["ImageId"]], Tags=pairs)


STANDING = {"Filters": [{"Name": "vpc-endpoint-state", "Values": ["available", "pending", "deleting", "failed"]}]}
# No network ACLs: Terraform makes none, and moto keeps the one that it made with a network.
LISTS: dict[str, tuple[tuple[str, str, str, dict[str, Any]], ...]] = {
    "s3": (("list_buckets", "Buckets", "Name", {}),),
    "sqs": (("list_queues", "QueueUrls", "", {}),),
    "dynamodb": (("list_tables", "TableNames", "", {}),),
    "iam": (
        ("list_roles", "Roles", "RoleName", {}),
        ("list_instance_profiles", "InstanceProfiles", "InstanceProfileName", {}),
        ("list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
        ("list_users", "Users", "UserName", {}),
    ),
    "ec2": (
        ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateName", {}),
        ("describe_vpcs", "Vpcs", "VpcId", {}),
        ("describe_subnets", "Subnets", "SubnetId", {}),
        ("describe_security_groups", "SecurityGroups", "GroupId", {}),
        ("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId", {}),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId", {}),
        ("describe_route_tables", "RouteTables", "RouteTableId", {}),
        ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", STANDING),
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", {}),
        ("describe_addresses", "Addresses", "AllocationId", {}),
        ("describe_volumes", "Volumes", "VolumeId", {}),
        ("describe_images", "Images", "ImageId", {"Owners": ["self"]}),
        ("describe_snapshots", "Snapshots", "SnapshotId", {"OwnerIds": ["self"]}),
        ("describe_spot_instance_requests", "SpotInstanceRequests", "SpotInstanceRequestId", {}),
    ),
    "ssm": (("describe_parameters", "Parameters", "Name", {}),),
    "logs": (("describe_log_groups", "logGroups", "logGroupName", {}),),
    "kms": (("list_keys", "Keys", "KeyId", {}),),
    "budgets": (("describe_budgets", "Budgets", "BudgetName", {"AccountId": ACCOUNT}),),
}


def inventory(cloud: LocalCloud) -> dict[str, list[str]]:
    """Everything in the account that Terraform could have made, kind by kind; and the machines that are billed."""
    clients = Clients()
    found = {"machines": sorted(each.id for each in cloud.region.live())}
    for service, lists in LISTS.items():
        client = clients.client(service)
        for operation, kind, name, wanted in lists:
            told = getattr(client, operation)(**wanted).get(kind, [])
            found[operation] = sorted(each[name] if name else each for each in told)
    return found


def environ_of(cloud: LocalCloud, plugins: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TF_VAR_")},
        "AWS_ENDPOINT_URL": cloud.endpoint,
        **({"TF_PLUGIN_DIR": plugins} if plugins else {}),
        "AUTO": "1",
    }


def policy_of(clients: Clients, role: str) -> dict[str, Any]:
    """The one policy of a role. Raises AssertionError when it has another one, too."""
    iam, name = clients.client("iam"), f"firstlight-{role}-us-east-1"
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == [f"firstlight-{role}"]
    document: dict[str, Any] = iam.get_role_policy(RoleName=name, PolicyName=f"firstlight-{role}")["PolicyDocument"]
    return document


def operator_policy(clients: Clients) -> dict[str, Any]:
    """What people may attach to themselves."""
    iam = clients.client("iam")
    [policy] = [
        each
        for each in iam.list_policies(Scope="Local")["Policies"]
        if each["PolicyName"] == "firstlight-operator-us-east-1"
    ]
    told = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
    document: dict[str, Any] = told["PolicyVersion"]["Document"]
    return document
