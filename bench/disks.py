"""Makes the disks that QEMU boots, from Debian's packages: ours by ami/provision.sh, the old one as it was described.

    base: what Debian's own machine image brings ─┬─▶ ours: + the worker's container image, by ami/provision.sh
                                                  │         (+ a container engine, for comparison, by bench/runtimes)
                                                  └─▶ old: + generic kernel, docker, torch; cloud-init stays

Wants root, mmdebstrap, e2fsprogs and Debian's mirror.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.machine import Disk
from bench.old_container import NotInstalled, make_container

ROOT = Path(__file__).resolve().parent.parent
OLD = Path(__file__).resolve().parent / "old_machine"
RUNTIMES = Path(__file__).resolve().parent / "runtimes"
ENGINES = ("podman", "docker")
# What the published image for EC2 holds, as far as a boot meets it.
PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "netplan.io", "cloud-init", "openssh-server", "chrony",
    "unattended-upgrades", "ca-certificates", "initramfs-tools", "linux-image-cloud-amd64", "zstd",
)  # fmt: skip
RESOLVER = "160.0.2.3"  # nobody: the guest's world is addresses
# What docker/worker.Dockerfile says of the CPU flavour; an exported root file system has lost it.
CONFIG: dict[str, Any] = {
    "User": "10001:10001",
    "WorkingDir": "/app",
    "Entrypoint": ["/usr/bin/tini", "--", "firstlight"],
    "Cmd": ["worker"],
    "Env": [
        "PATH=/app/docker:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH=/app",
        "PYTHONUNBUFFERED=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "SANDBOX=strict",
        "GRAPH_CACHE=/data/graphs",
        "ENGINE=openvino",
    ],
}


class NoDisk(Exception):
    """A disk cannot be made here; the sentence names the cure."""


def needed(*tools: str) -> None:
    """Raises NoDisk when one of these programs is not here."""
    for tool in tools:
        if shutil.which(tool) is None:
            raise NoDisk(f"{tool} is missing: apt-get install qemu-system-x86 busybox mmdebstrap e2fsprogs")


def found(folder: Path, name: str) -> Disk:
    """A disk made before. Raises NoDisk."""
    initrd = folder / f"{name}.initrd"
    disk = Disk(
        image=folder / f"{name}.img", kernel=folder / f"{name}.vmlinuz", initrd=initrd if initrd.exists() else None
    )
    if not disk.image.exists():
        raise NoDisk(f"there is no {disk.image}: python -m bench.boots build {name}")
    return disk


def make_ours(folder: Path, image: Path, *, engine: str = "") -> Disk:
    """Our machine's disk; `image` is the worker image's root file system as a tar file.

    `engine`, one of ENGINES, runs the worker in systemd's place.
    """
    with _system(folder, engine or "ours") as root:
        given = root / "given"
        given.mkdir(parents=True)
        shutil.copytree(ROOT / "ami" / "host", given / "host")
        shutil.copy(ROOT / "ami" / "provision.sh", given)
        shutil.copy(image, given / "image.tar")
        given.joinpath("config.json").write_text(json.dumps(CONFIG))
        environ = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        _run(sys.executable, str(ROOT / "ami" / "image.py"), str(given / "config.json"), str(given), env=environ)
        _chroot(root, "bash", "/given/provision.sh", "/given", RESOLVER=RESOLVER, FLAVOUR="cpu")
        shutil.rmtree(given)
        if engine:
            shutil.copytree(RUNTIMES, root / "runtimes")
            resolver = root / "etc/resolv.conf"
            ours = resolver.read_bytes()
            shutil.copy("/etc/resolv.conf", resolver)
            _chroot(root, "bash", "/runtimes/provision.sh", engine)
            resolver.write_bytes(ours)
            shutil.rmtree(root / "runtimes")
    return _packed(folder, engine or "ours")


def make_old(folder: Path, image: Path | None = None) -> Disk:
    """The old machine's disk; `image` is the root file system of its container, which is made here if not given."""
    with _system(folder, "old") as root:
        packed = root / "image.tar"
        if image:
            shutil.copy(image, packed)
        else:
            container = folder / "old-container"
            shutil.rmtree(container, ignore_errors=True)
            try:
                make_container(container)
            except NotInstalled as fact:
                raise NoDisk(str(fact)) from fact
            _run("tar", "-C", str(container), "--numeric-owner", "-cf", str(packed), ".")
            shutil.rmtree(container)
        ours = ("-C", str(OLD), "worker.py", "-C", str(ROOT), "bench/__init__.py", "bench/old_network.py")
        _run("tar", "-rf", str(packed), "--transform", "s,^,./old/,", *ours)
        shutil.copy(OLD / "provision.sh", root / "provision.sh")
        shutil.copytree(OLD / "seed", root / "var/lib/cloud/seed/nocloud")
        _chroot(root, "bash", "/provision.sh")
    return _packed(folder, "old")


@contextmanager
def _system(folder: Path, name: str) -> Iterator[Path]:
    """A fresh base under folder/name, ready for chroot; left there for packing."""
    needed("mmdebstrap", "mke2fs")
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base.tar"
    if not base.exists():
        _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", str(base))
    root = folder / name
    if root.exists():
        shutil.rmtree(root)
    root.mkdir()
    _run("tar", "-C", str(root), "--numeric-owner", "-xf", str(base))
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    _run("mount", "--bind", str(root), str(root))  # dockerd wants its / to be a mount
    try:
        for kind, place in (("proc", "proc"), ("sysfs", "sys"), ("tmpfs", "run")):
            _run("mount", "-t", kind, "none", str(root / place))
        _run("mount", "--rbind", "/sys/fs/cgroup", str(root / "sys/fs/cgroup"))
        _run("mount", "--bind", "/dev", str(root / "dev"))
        yield root
    finally:
        _run("umount", "--lazy", "--recursive", str(root))


def _packed(folder: Path, name: str) -> Disk:
    """Root file system, kernel and initramfs as files; the tree goes."""
    root, image = folder / name, folder / f"{name}.img"
    kernel = max(root.glob("boot/vmlinuz-*"))
    shutil.copy(kernel, folder / f"{name}.vmlinuz")
    initrd = root / "boot" / kernel.name.replace("vmlinuz", "initrd.img")
    if initrd.exists():
        shutil.copy(initrd, folder / f"{name}.initrd")
    unfinished = image.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.truncate(6 << 30)
    _run("mke2fs", "-q", "-t", "ext4", "-L", "firstlight", "-d", str(root), str(unfinished))
    unfinished.replace(image)  # whole, or not there: whoever goes on later takes what is there for made
    shutil.rmtree(root)
    return found(folder, name)


def _chroot(root: Path, *command: str, **environ: str) -> None:
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    _run("chroot", str(root), "env", "-i", path, *(f"{name}={value}" for name, value in environ.items()), *command)


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, check=False, env=env)
    if done.returncode != 0:
        raise NoDisk(f"`{' '.join(command)}` failed with {done.returncode}; its words are above")
