"""A virtual machine under QEMU's own emulation: started, listened to on its serial console, timed, and ended.

Its network holds what `forwards` names and nothing else: no packet of the guest's leaves this process, so that even
the metadata service's link-local address may be one of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# One network wide enough to hold 169.254.169.254 beside the guest; QEMU forwards only addresses inside it.
NETWORK = "net=160.0.0.0/4,host=160.0.2.2,dns=160.0.2.3,dhcpstart=160.0.2.15,restrict=on"
STEADY = "shift=3"  # 8 ns an instruction: a worker takes a minute of its own time to be ready, as under plain emulation
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A root file system and the kernel that boots it; never written to."""

    image: Path
    kernel: Path
    initrd: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Since power-on: seconds on the wall, CPU seconds that QEMU used, and what it read, of its disk nearly all."""

    wall_s: float
    cpu_s: float
    read_mb: float


@dataclass(slots=True, kw_only=True)
class Heard:
    """What the console told: everything, and the first moment of each mark."""

    words: list[str] = field(default_factory=list)
    marks: dict[str, Moment] = field(default_factory=dict)


class Machine:
    """Powered on when made. `marks` are patterns by name, looked for in each line of the console, which is also a file.

    `clock` is the time it believes in, as QEMU's -rtc takes it. A `steady` one's time passes with its own instructions:
    a busy host makes nothing in it late, and it costs nearly twice the CPU seconds. One core: two under emulation on a
    busy machine wait for each other, and that costs CPU seconds by chance.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        forwards: Mapping[str, int],
        marks: Mapping[str, str],
        console: Path,
        arguments: str = "",
        cores: int = 1,
        memory_mb: int = 3072,
        clock: str = "utc",
        steady: bool = False,
    ) -> None:
        self.heard = Heard()
        self._console = console
        self._marks = {name: re.compile(pattern) for name, pattern in marks.items()}
        guest = f"console=ttyS0 root=/dev/nvme0n1 rootfstype=ext4 ro quiet panic=5 net.ifnames=0 {arguments}"
        ways = "".join(f",guestfwd=tcp:{address}-cmd:busybox nc 127.0.0.1 {port}" for address, port in forwards.items())
        command = [
            *("qemu-system-x86_64", "-cpu", "max", "-smp", str(cores)),
            *(("-accel", "tcg,thread=single", "-icount", STEADY) if steady else ("-accel", "tcg,thread=multi")),
            *("-m", str(memory_mb), "-nodefaults", "-display", "none", "-no-reboot", "-rtc", f"base={clock}"),
            *("-serial", "stdio", "-monitor", "none", "-kernel", str(disk.kernel), "-append", guest),
            *(("-initrd", str(disk.initrd)) if disk.initrd else ()),
            *("-drive", f"if=none,id=root,file={disk.image},format=raw,snapshot=on"),
            *("-device", "nvme,drive=root,serial=root"),
            *("-netdev", f"user,id=net,{NETWORK}{ways}", "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci"),
        ]
        self._begun = time.monotonic()
        self._last = Moment(wall_s=0.0, cpu_s=0.0, read_mb=0.0)
        self._qemu = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def now(self) -> Moment:
        """This moment, or the last one before power-off."""
        if self._qemu.poll() is None:
            try:
                fields = Path(f"/proc/{self._qemu.pid}/stat").read_text().rpartition(")")[2].split()
                read = int(Path(f"/proc/{self._qemu.pid}/io").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                return self._last
            used = (int(fields[11]) + int(fields[12])) / TICKS
            if used >= self._last.cpu_s:  # a zombie's are gone
                self._last = Moment(wall_s=time.monotonic() - self._begun, cpu_s=used, read_mb=read / 1e6)
        return self._last

    def mark(self, name: str) -> None:
        """A moment that is seen elsewhere than on the console."""
        self.heard.marks.setdefault(name, self.now())

    def wait_off(self, timeout_s: float) -> bool:
        """Wait until the machine has powered itself off; False when it has not."""
        try:
            self._qemu.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """Pull the plug, if it still has power."""
        if self._qemu.poll() is None:
            self._qemu.kill()
        self._qemu.wait()
        self._listener.join(5)

    def _listen(self) -> None:
        assert self._qemu.stdout is not None
        with self._console.open("w") as console:
            for line in iter(self._qemu.stdout.readline, b""):
                words = re.sub(r"\x1b[\[\]][0-9;?]*[A-Za-z]", "", line.decode(errors="replace")).strip()
                self.heard.words.append(words)
                at = self.now()
                print(f"{at.wall_s:8.2f} {at.cpu_s:8.2f}  {words}", file=console, flush=True)
                for name, pattern in self._marks.items():
                    if name not in self.heard.marks and pattern.search(words):
                        self.mark(name)
