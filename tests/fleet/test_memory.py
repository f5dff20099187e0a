"""How much memory is left, as the kernel and the groups say."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.memory import free_bytes

KB, MB = 1024, 1 << 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable:  {2000 * MB // KB} kB\n")
    return tmp_path


def group(root: Path, path: str, **files: object) -> None:
    (root / "sys/fs/cgroup" / path).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (root / "sys/fs/cgroup" / path / name.replace("__", ".")).write_text(f"{content}\n")


def test_a_machine_without_groups_has_what_the_kernel_says(root: Path) -> None:
    assert free_bytes(root) == 2000 * MB


def test_the_tightest_group_above_us_counts(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/site/api\n")
    group(root, "site", memory__max=1500 * MB, memory__current=900 * MB, memory__stat="inactive_file 0")
    group(root, "site/api", memory__max="max", memory__current=300 * MB)
    assert free_bytes(root) == 600 * MB


def test_files_that_a_group_no_longer_needs_count_as_free(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/\n")  # as a container sees its own
    group(root, "", memory__max=1000 * MB, memory__current=900 * MB)
    group(root, "", memory__stat=f"anon 5\ninactive_file {400 * MB}")
    assert free_bytes(root) == 500 * MB


def test_the_first_kind_of_groups_counts_too(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("5:cpu,cpuacct:/box\n4:memory:/box\n")
    group(root, "memory/box", memory__limit_in_bytes=700 * MB, memory__usage_in_bytes=600 * MB)
    assert free_bytes(root) == 100 * MB
    group(root, "memory/box", memory__limit_in_bytes=9223372036854771712)
    assert free_bytes(root) == 2000 * MB


def test_a_full_group_has_nothing_left(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/\n")
    group(root, "", memory__max=10, memory__current=20)
    assert free_bytes(root) == 0


def test_where_nobody_says_it_is_not_known(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) is None
