"""What holds the page: types, style, unit tests, and a browser against the service.

python -m tests.web [--no-browser] [what Playwright takes]   all of it, as `make test-web` does
python -m tests.web screens [scene …]                        a picture of every state, in var/screens
python -m tests.web marks                                    what Lighthouse says, and what the page weighs
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from api.openapi import document
from api.server import ROOT
from cli.node import Node, find_node
from cli.page import WEB, build
from tests.web.marks import lighthouse, weigh

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREENS = ROOT / "var" / "screens"


def main() -> int:
    node = find_node(ROOT / "constraints.txt")
    if sys.argv[1:2] == ["screens"]:
        return screens(node, sys.argv[2:])
    if sys.argv[1:2] == ["marks"]:
        build(WEB, node)
        return weigh() | lighthouse(node, chromium())
    libraries(node)
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
        browser(node, *sys.argv[1:])
    return 0


def screens(node: Node, scenes: list[str]) -> int:
    """A picture of every state in both themes, on a desk and on a phone; of some scenes, those with these names."""
    if not (WEB / "node_modules" / "@playwright").exists():
        libraries(node)
    build(WEB, node)
    if not scenes:
        shutil.rmtree(SCREENS, ignore_errors=True)
    os.environ["SCREENS"] = str(SCREENS)
    named = ["--grep", "|".join(f"scene {each}" for each in scenes)] if scenes else []
    browser(node, "states.spec.ts", *named)
    print(f"The pictures are in {SCREENS}")
    return 0


def libraries(node: Node) -> None:
    step("libraries", [*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=5"], node)


def browser(node: Node, *arguments: str) -> None:
    """Playwright, in the Chromium that is here."""
    os.environ["CHROMIUM"] = chromium()
    os.environ["PYTHON"] = sys.executable
    tool("browser", node, "@playwright/test/cli.js", "test", *arguments)


def chromium() -> str:
    there = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if there is None:
        sys.exit("No Chromium is here. On Debian or Ubuntu: apt install chromium; or name yours: CHROMIUM=/path/to/it")
    return there


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
