"""Let Python know the program in FOLDER by name and version, as an installation would: `python named.py FOLDER`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def main(folder: str) -> None:
    project = tomllib.loads(Path(folder, "pyproject.toml").read_text())["project"]
    told = Path(folder, f"{project['name']}-{project['version']}.dist-info")
    told.mkdir()
    told.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1])
