"""How much memory this process and its children may still take: the machine's, and their own cgroup's."""

from __future__ import annotations

from pathlib import Path

ENDLESS = 1 << 60  # cgroup v1 says "no limit" by a number near 2^63


def free_bytes(root: Path = Path("/")) -> int | None:
    """The least of what the kernel and each cgroup above us have left; None where nobody says (not Linux).

    What a cgroup holds of files counts as free as far as it is inactive, like the kernel's own MemAvailable.
    """
    available = _number(root / "proc/meminfo", "MemAvailable:")
    if available is None:
        return None
    return max(0, min([available * 1024, *_left_in_cgroups(root)]))


def _left_in_cgroups(root: Path) -> list[int]:
    found = []
    for line in _lines(root / "proc/self/cgroup"):
        number, controllers, path = line.split(":", 2)
        if number == "0":
            names, mount = ("memory.max", "memory.current", "inactive_file"), root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            mount = root / "sys/fs/cgroup/memory"
        else:
            continue
        group = mount / path.lstrip("/")
        while group != mount.parent:  # a container sees its own group as the root, a host sees the whole path
            limit, used = _number(group / names[0]), _number(group / names[1])
            if limit is not None and used is not None and limit < ENDLESS:
                found.append(limit - used + (_number(group / "memory.stat", names[2]) or 0))
            group = group.parent
    return found


def _number(file: Path, name: str = "") -> int | None:
    """The number that follows the name, or that stands alone; None where there is none (`max`, no such file)."""
    for line in _lines(file):
        words = line.split()
        if name and words[:1] == [name]:
            words = words[1:]
        elif name:
            continue
        return int(words[0]) if words and words[0].isdecimal() else None
    return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
