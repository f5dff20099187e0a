"""Build the images on this machine without Docker, run them locked in, and say what was measured.

    python docker/trial.py [--torch WHEEL] [--export FILE] [--keep]

From a stand-in for the base image (stand_in.py), in a storage of its own under var/images; wants root and Debian's
mmdebstrap, buildah, podman and runc. What the containers must do is in tests/docker/trial_containers.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from layers import table
from stand_in import NoStandIn, import_root, make_root

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "var" / "images"
BASE = "localhost/firstlight-stand-in:bookworm"
IMAGES = {  # tag → Dockerfile, target
    "firstlight-api:latest": ("api", "api"),
    "firstlight-api:bridge": ("api", "bridge"),
    "firstlight-worker:cpu": ("worker", "cpu"),
    "firstlight-worker:gpu": ("worker", "gpu"),
}
EXPORTED = "firstlight-worker:cpu"
NEEDS = ("mmdebstrap", "buildah", "podman", "runc")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", type=Path, help="a wheel of torch: the GPU flavour is built with it, too")
    parser.add_argument(
        "--export", type=Path, help="write the CPU worker's files into this tar; with --no-runs it alone is built"
    )
    parser.add_argument("--keep", action="store_true", help="keep base and images for the next trial")
    parser.add_argument("--no-runs", action="store_true", help="build and measure only")
    given = parser.parse_args()
    if os.geteuid() != 0 or not all(map(shutil.which, NEEDS)):
        print(f"This wants root and Debian's packages: apt-get install {' '.join(NEEDS)}", file=sys.stderr)
        print("With Docker at hand: make images", file=sys.stderr)
        return 2
    storage = ["--root", str(STORE / "storage"), "--runroot", str(STORE / "run"), "--storage-driver", _driver()]
    podman, buildah = ["podman", *storage], ["buildah", *storage]
    try:
        _make_base(podman)
        wanted = [tag for tag in IMAGES if given.torch or not tag.endswith(":gpu")]
        if given.export and given.no_runs:
            wanted = [EXPORTED]
        for tag in wanted:
            _build(buildah, tag, *IMAGES[tag], given.torch)
        for tag in wanted:
            print(table(podman, f"localhost/{tag}"))
        if given.export:
            _export(podman, f"localhost/{EXPORTED}", given.export)
        return 0 if given.no_runs else _run_trials(podman, gpu=given.torch is not None)
    except NoStandIn as fact:
        print(fact, file=sys.stderr)
        return 2
    finally:
        if not given.keep:
            subprocess.run([*podman, "rmi", "--all", "--force"], stdout=subprocess.DEVNULL, check=False)
            shutil.rmtree(STORE, ignore_errors=True)


def _driver() -> str:
    """Overlay where the kernel has it: vfs copies all files for each layer."""
    return "overlay" if "overlay" in Path("/proc/filesystems").read_text() else "vfs"


def _make_base(podman: list[str]) -> None:
    if subprocess.run([*podman, "image", "exists", BASE], check=False).returncode == 0:
        return
    began = time.monotonic()
    root = STORE / "base"
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    make_root(root)
    import_root(podman, root, BASE)
    shutil.rmtree(root)
    print(f"{BASE}: {time.monotonic() - began:.0f} s")


def _build(buildah: list[str], tag: str, file: str, target: str, torch: Path | None) -> None:
    began = time.monotonic()
    # chroot: containers may be forbidden inside the machine that builds; docker: OCI's format knows no health checks
    options = ["--isolation", "chroot", "--pull=never", "--network", "host", "--format", "docker", "--layers"]
    arguments = ["--build-arg", f"BASE={BASE}"]
    if authorities := os.environ.get("SSL_CERT_FILE"):  # noqa: TID251 — an entry point: a proxy's own authority
        for name, words, place in (
            ("pip.conf", f"[global]\ncert = {authorities}\n", "/etc/pip.conf"),
            ("npmrc", f"cafile={authorities}\n", "/root/.npmrc"),
        ):
            STORE.joinpath(name).write_text(words)
            options += ["-v", f"{STORE / name}:{place}:ro"]
        options += ["-v", f"{authorities}:{authorities}:ro"]
    if torch and target == "gpu":
        options += ["-v", f"{torch.resolve()}:/wheels/{torch.name}:ro"]
        arguments += ["--build-arg", f"TORCH=/wheels/{torch.name}"]
    command = [*buildah, "build", *options, *arguments, "-f", str(ROOT / "docker" / f"{file}.Dockerfile")]
    log = STORE / f"{file}-{target}.log"
    with log.open("wb") as said:
        done = subprocess.run(
            [*command, "--target", target, "-t", tag, str(ROOT)], stdout=said, stderr=said, check=False
        )
    if done.returncode:
        raise NoStandIn(f"{tag} cannot be built:\n{log.read_text(errors='replace')[-3000:]}")
    print(f"{tag}: built in {time.monotonic() - began:.0f} s", flush=True)


def _export(podman: list[str], image: str, to: Path) -> None:
    made = subprocess.run([*podman, "create", "--pull=never", image], capture_output=True, text=True, check=True)
    container = made.stdout.split()[-1]
    subprocess.run([*podman, "export", "-o", str(to), container], check=True)
    subprocess.run([*podman, "rm", container], capture_output=True, check=False)


def _run_trials(podman: list[str], *, gpu: bool) -> int:
    environ = {**os.environ, "FIRSTLIGHT_PODMAN": " ".join(podman), "FIRSTLIGHT_GPU_IMAGE": "1" if gpu else ""}  # noqa: TID251
    command = [sys.executable, "-m", "pytest", "-s", "--timeout=600", "tests/docker/trial_containers.py"]
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
