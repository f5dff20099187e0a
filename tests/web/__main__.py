"""What holds the page: `python -m tests.web`: types, style, unit tests, and a browser against the service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from api.openapi import document
from cli.node import Node, find_node
from cli.page import ROOT, WEB, build

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    node = find_node(ROOT / "constraints.txt")
    step("libraries", [*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], node)
    write_contract()
    tool(
        "types of the contract",
        node,
        "openapi-typescript/bin/cli.js",
        "build/openapi.json",
        "-o",
        "src/api/contract.d.ts",
    )
    tool("types", node, "typescript/bin/tsc", "--noEmit")
    tool("style", node, "eslint/bin/eslint.js", ".", "--max-warnings", "0")
    tool("unit tests", node, "vitest/vitest.mjs", "run")
    build(WEB, node)
    if "--no-browser" not in sys.argv:
        browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
        if browser is None:
            print("No Chromium is here. On Debian or Ubuntu: apt install chromium; or name yours: CHROMIUM=/path/to/it")
            return 1
        os.environ["CHROMIUM"] = browser
        os.environ["PYTHON"] = sys.executable
        rest = [each for each in sys.argv[1:] if each != "--no-browser"]
        tool("browser", node, "@playwright/test/cli.js", "test", *rest)
    return 0


def write_contract() -> None:
    import json

    (WEB / "build").mkdir(exist_ok=True)
    (WEB / "build" / "openapi.json").write_text(json.dumps(document()))


def tool(name: str, node: Node, script: str, *arguments: str) -> None:
    step(name, [node.node, str(WEB / "node_modules" / script), *arguments], node)


def step(name: str, command: list[str], node: Node) -> None:
    print(f"--- {name}", flush=True)
    path = os.pathsep.join([str(Path(node.node).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=WEB, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        sys.exit(f"{name}: failed")


if __name__ == "__main__":
    sys.exit(main())
