"""Containers on this machine, locked in as compose.yaml locks them in, and what can be asked of the service in them."""

import os
import socket
import subprocess
import time
from pathlib import Path

import psutil
import requests

PODMAN = os.environ["FIRSTLIGHT_PODMAN"].split()
SOON_S = 180.0
LOCKED_IN = (
    "--read-only", "--tmpfs=/tmp:size=256m,mode=1777", "--cap-drop=all", "--security-opt=no-new-privileges",
)  # fmt: skip
HERE = ("--network=host", "--no-healthcheck", "--ulimit=nofile=4096:4096", "--ulimit=nproc=1024:1024", "--pull=never")


def waited(what, happens, bound_s=SOON_S):
    """The first true answer of `happens`, asked often; fails with `what` after `bound_s`."""
    ends = time.monotonic() + bound_s
    while time.monotonic() < ends:
        answer = happens()
        if answer:
            return answer
        time.sleep(0.005)
    raise AssertionError(f"not within {bound_s} s: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Container:
    """One that runs; removed at the end of a with block."""

    def __init__(self, image, *command, data, memory="2g", user_volumes=(), **settings):
        self.began = time.monotonic()
        environ = [f"--env={name}={value}" for name, value in settings.items()]
        volumes = [f"--volume={data}:/data", *(f"--volume={each}" for each in user_volumes)]
        options = [*HERE, *LOCKED_IN, f"--memory={memory}", *volumes, *environ]
        run = [*PODMAN, "--runtime", "runc", "--cgroup-manager", "cgroupfs", "run", "--detach", *options]
        self.id = said(*run, f"localhost/{image}", *command)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        said(*PODMAN, "rm", "--force", "--time=0", self.id)

    def sofar(self):
        """Seconds since it was asked for."""
        return time.monotonic() - self.began

    def cpu_s(self):
        """CPU seconds of all that lives in it, and of what those have reaped."""
        return sum(sum(each.cpu_times()[:4]) for each in self.processes())

    @property
    def pid(self):
        return int(said(*PODMAN, "inspect", "--format={{.State.Pid}}", self.id))

    def processes(self):
        """All that live in it, the init first."""
        init = psutil.Process(self.pid)
        return [init, *init.children(recursive=True)]

    def named(self, words):
        """The processes in it whose command line holds `words`."""
        return [each for each in self.processes() if words in " ".join(_command(each))]

    def run(self, *command, check=True):
        done = subprocess.run([*PODMAN, "exec", self.id, *command], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def stop(self, grace_s):
        """Send SIGTERM; (the exit status, seconds until it had ended)."""
        began = time.monotonic()
        said(*PODMAN, "stop", f"--time={grace_s}", self.id)
        return int(said(*PODMAN, "inspect", "--format={{.State.ExitCode}}", self.id)), time.monotonic() - began

    def kill(self):
        said(*PODMAN, "kill", "--signal=KILL", self.id)
        said(*PODMAN, "wait", self.id)

    def logs(self):
        done = subprocess.run([*PODMAN, "logs", self.id], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr


class Api(Container):
    def __init__(self, *, data, **settings):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            "firstlight-api:latest", data=data, memory="1g", HOST="127.0.0.1", PORT=self.port, **settings
        )  # fmt: skip

    def answers(self, path="/health"):
        try:
            return requests.get(self.url + path, timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def get(self, path):
        answer = requests.get(self.url + path, timeout=60)
        answer.raise_for_status()
        return answer

    def upload(self, photo, name="night.jpg", **fields):
        answer = requests.post(f"{self.url}/upload", files={"image": (name, photo)}, data=fields, timeout=60)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def status(self, job, wait_s=0):
        return requests.get(f"{self.url}/status/{job}", params={"wait": wait_s}, timeout=60).json()

    def ended(self, job, bound_s=SOON_S):
        return waited(f"{job} ends", lambda: _ended(self.status(job, 5)), bound_s)

    def result(self, job):
        return self.get(f"/result/{job}").content


class Worker(Container):
    def __init__(self, *, data, pulse, flavour="cpu", **settings):
        self.pulse = Path(pulse) / "state"
        self.pulse.unlink(missing_ok=True)
        volumes = [f"{pulse}:/pulse"]
        settings = {"PULSE_FILE": "/pulse/state", **settings}
        super().__init__(f"firstlight-worker:{flavour}", data=data, user_volumes=volumes, **settings)

    def says(self, state):
        return self.pulse.exists() and self.pulse.read_text() == state


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _ended(status):
    return status if status["state"] in ("done", "failed", "cancelled") else None


def _command(process):
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
