"""Fakes of AWS in processes of their own, and stores in them that settings can name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from jobs.clients import Clients
from jobs.provision import TABLE_LAYOUT, Names, Provision
from jobs.settings import Settings
from tests.jobs.clocks import FakeClock

SERVE = Path(__file__).parent / "fakes" / "serve.py"
BUCKET = "firstlight-photos"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}  # ministack checks what is signed with them


class Cloud:
    """A running fake: `moto` or `ministack`."""

    def __init__(self, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SERVE), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | KEYS,
            text=True,
        )
        self._has_bucket = False
        self.clients = Clients()  # shared by the tests: to make them takes longer than most of the tests
        self.endpoint = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def order(self, **order: Any) -> int:
        """Have the clock moved or the network broken; how often it broke so far."""
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def settings(self, *, whole: bool = False, **more: Any) -> Settings:
        """Settings that name fresh stores; the environment must lead here. `whole` as `firstlight setup` makes them,
        else with all that a store needs to be read and written, which is quicker.
        """
        name = uuid.uuid4().hex
        names = Names(bucket=BUCKET, queue=name, table=name)
        if whole or not self._has_bucket:
            provision = Provision(self.clients, names, Settings(), sleep=lambda _: None)
            for step in provision.steps():
                step.do()
            url, self._has_bucket = provision.queue_url, True
        else:
            url = self.clients.client("sqs").create_queue(QueueName=name)["QueueUrl"]
            self.clients.client("dynamodb").create_table(TableName=name, **TABLE_LAYOUT)
        path = url.split("/", 3)[3]
        return Settings(
            blobs=f"s3://{BUCKET}/{name}",
            queue=f"{self.endpoint}/{path}",
            table=f"dynamodb://{name}",
            **more,
        )

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class CloudClock(FakeClock):
    """A clock that takes the cloud's along when a test moves it."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._cloud = cloud
        self._shift_s = 0.0

    def pass_s(self, seconds: float) -> None:
        super().pass_s(seconds)
        self._shift_s += seconds
        self._cloud.order(shift=self._shift_s)


def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with nobody's real account, that asks nothing of the link-local address."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_DEFAULT_REGION": "us-east-1",
        **KEYS,
    }.items():
        monkeypatch.setenv(name, value)
