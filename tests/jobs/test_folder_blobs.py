"""What only a folder of blobs has to care for: what dead writers leave behind, and folders that come and go."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

from jobs.blobs import ABANDONED_NS, FolderBlobs


def arriving(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".arriving").iterdir())


def test_nothing_stays_of_a_put_that_ended(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put("in/a", io.BytesIO(b"x"))
    assert arriving(tmp_path) == []


def test_what_a_dead_writer_left_is_removed_a_day_later_but_nothing_that_still_arrives(tmp_path: Path) -> None:
    FolderBlobs(tmp_path).put("in/a", io.BytesIO(b"x"))
    old, fresh = tmp_path / ".arriving" / "old", tmp_path / ".arriving" / "fresh"
    old.write_bytes(b"half a photo")
    fresh.write_bytes(b"half a photo")
    long_ago = old.stat().st_mtime_ns - ABANDONED_NS - 10**9
    os.utime(old, ns=(long_ago, long_ago))
    FolderBlobs(tmp_path)
    assert arriving(tmp_path) == ["fresh"]


def test_a_folder_serves_its_bytes_itself(tmp_path: Path) -> None:
    assert FolderBlobs(tmp_path).link("in/a", seconds=60, filename="a.jpg", media_type="image/jpeg") is None


def test_uploads_succeed_while_others_delete_the_last_blob_beside_them(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    faults: list[Exception] = []

    def put_and_delete(number: int) -> None:
        for turn in range(60):
            for key in (f"in/{number}-{turn}", f"out/a/{number}-{turn}"):
                try:
                    blobs.put(key, io.BytesIO(b"photo"))
                    blobs.delete(key)
                except OSError as fault:
                    faults.append(fault)

    threads = [threading.Thread(target=put_and_delete, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
