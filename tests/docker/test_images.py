"""What can be known of the Dockerfiles without building them."""

import ast
import re
import runpy
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from botocore.session import get_session
from packaging.requirements import Requirement

from cli.page import SHARED, SOURCES

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILES = {each.stem: each for each in sorted((ROOT / "docker").glob("*.Dockerfile"))}
OURS = {"api", "cli", "fleet", "jobs", "model", "photos", "worker"}
FLAVOURS = {  # Dockerfile, target → the lists whose packages it holds
    ("api", "api"): ("photos", "web"),
    ("api", "bridge"): ("photos", "web", "openvino"),
    ("worker", "cpu"): ("photos", "openvino"),
    ("worker", "gpu"): ("photos", "torch"),
}
LEFT_OUT = {"openvino-telemetry"}  # requirements/openvino.txt says why
STARTED = {  # Dockerfile → the modules that are started in its images
    "api": (
        "cli.main",
        "cli.serve",
        "cli.tick",
        "cli.up",
        "cli.setup",
        "cli.doctor",
        "cli.jobs",
        "cli.machines",
        "api.wsgi",
        "photos.zygote",
        "worker.__main__",
    ),
    "worker": ("cli.main", "cli.enhance", "worker.__main__", "worker.engine_child", "photos.zygote", "model.baking"),
}
ENGINES = {"torch", "openvino"}  # imported by the engine of that name alone, which model/engine.py chooses
BASE_TOOLS = {"uwsgi"}  # there only within uWSGI


def instructions(dockerfile):
    """(instruction, rest) pairs, continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages(dockerfile):
    """Stage → its base's name and its instructions."""
    found = {}
    for name, rest in instructions(dockerfile):
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            current = found.setdefault(stage, (base, []))[1]
        elif found:
            current.append((name, rest))
    return found


def listed(name):
    lines = (ROOT / "docker" / "requirements" / f"{name}.txt").read_text().splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def lineage(dockerfile, stage):
    """The instructions of a stage and of those it is made from, the oldest first."""
    found = stages(dockerfile)
    chain = []
    while stage in found:
        stage, own = found[stage]
        chain = own + chain
    return chain


def copied(rest):
    """The sources of a COPY from the checkout; none if it copies from a stage."""
    return [] if "--from=" in rest else rest.split()[:-1]


def test_hadolint_finds_nothing():
    hadolint = Path(sys.prefix, "bin", "hadolint")
    done = subprocess.run([hadolint, *DOCKERFILES.values()], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", DOCKERFILES.values(), ids=DOCKERFILES)
def test_what_is_copied_exists_and_is_not_ignored(file):
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for name, rest in instructions(file):
        for source in copied(rest) if name == "COPY" else []:
            assert (ROOT / source).exists(), source
            assert not _is_ignored(source, ignored), f".dockerignore keeps {source} out of the build"


def _is_ignored(path, lines):
    """By the last line that matches it or a folder above it, as Docker decides."""
    verdict = False
    above = [path, *(str(each) for each in Path(path).parents if str(each) != ".")]
    for line in lines:
        pattern = line.removeprefix("!").rstrip("/")
        if any(fnmatch(each, pattern) for each in above):
            verdict = not line.startswith("!")
    return verdict


def test_the_build_sees_nothing_but_the_program():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for private in ("var/jobs.db", ".git/config", ".venv/bin/python", "tests/api/server.py", "docs/x", ".env",
                    "README.md", "fleet/stand_in/server.py", "docker/compose.yaml", "docker/.env", "web/build/x",
                    "web/node_modules/x", "web/dist/index.html", "web/tests/x", "web/e2e/x"):  # fmt: skip
        assert _is_ignored(private, lines), private


@pytest.mark.parametrize("file", DOCKERFILES.values(), ids=DOCKERFILES)
def test_requirements_come_before_the_source(file):
    for stage, (_, own) in stages(file).items():
        installs = [step for step, (_, rest) in enumerate(own) if "pip install" in rest or "npm-cli.js ci" in rest]
        for name, rest in own[: max(installs, default=0)]:
            for source in copied(rest) if name == "COPY" else []:
                assert source.split("/")[0] not in OURS, stage
                assert not source.startswith("web/src"), stage


def test_the_page_is_built_of_all_that_firstlight_page_builds_it_of():
    """And nothing of the build but its result comes into an image."""
    found = stages(DOCKERFILES["api"])
    into = {source for name, rest in found["page"][1] if name == "COPY" for source in copied(rest)}
    assert {f"web/{each}" for each in SOURCES} <= into
    assert {str(each.relative_to(ROOT)) for each in SHARED} <= into
    for target in ("api", "bridge"):
        taken = [rest for _, rest in lineage(DOCKERFILES["api"], target) if "--from=page" in rest]
        assert taken == ["--from=page /app/web/dist /app/web/dist"]


@pytest.mark.parametrize(("file", "target"), FLAVOURS)
def test_an_image_runs_as_nobody_and_hears_signals(file, target):
    last = dict(lineage(DOCKERFILES[file], target))
    assert last["USER"] == "10001:10001"
    assert last["ENTRYPOINT"].startswith('["/usr/bin/tini", "--"')
    assert last["CMD"].startswith("[")
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert "health.py" in last["HEALTHCHECK"]
    assert last["VOLUME"] == "/data"
    everything = " ".join(rest for name, rest in lineage(DOCKERFILES[file], target) if name == "ENV")
    assert "SANDBOX=strict" in everything


def test_the_base_is_named_by_tag_with_room_for_a_digest():
    for file in DOCKERFILES.values():
        text = file.read_text()
        assert re.search(r"^ARG BASE=\S+:3\.11-slim-bookworm$", text, re.MULTILINE)
        assert {base for base, _ in stages(file).values()} - set(stages(file)) == {"${BASE}${DIGEST}"}


def test_what_the_images_share_is_built_once():
    """The same instructions on the same base are the same layers, in every builder's cache and in every registry."""
    api, worker = (stages(DOCKERFILES[each]) for each in ("api", "worker"))
    for stage in ("base", "tools", "decoders", "openvino"):
        assert api[stage] == worker[stage], stage


@pytest.mark.parametrize(("file", "target"), FLAVOURS)
def test_the_lists_of_an_image_are_complete(file, target):
    """They are installed without following dependencies; torch alone follows its own."""
    names = {_plain(each) for part in FLAVOURS[file, target] for each in listed(part)}
    for name in names - {"torch"}:
        for line in requires(name) or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": "", "sys_platform": "linux"}):
                assert _plain(wanted.name) in names | LEFT_OUT, f"{name} needs {wanted.name}"


@pytest.mark.parametrize(("file", "target"), FLAVOURS)
def test_every_import_of_an_image_is_there(file, target):
    names = {_plain(each) for part in FLAVOURS[file, target] for each in listed(part)}
    owners = packages_distributions()
    rooms = {source for name, rest in stages(DOCKERFILES[file])["program"][1] if name == "COPY"
             for source in copied(rest) if source in OURS}  # fmt: skip
    for where, module in reached(STARTED[file]):
        top = module.split(".")[0]
        if top in OURS:
            assert top in rooms, f"{where} imports {module}, which this image has not"
        elif top not in sys.stdlib_module_names | ENGINES | BASE_TOOLS:
            assert {_plain(each) for each in owners.get(top, [top])} & names, f"{where} imports {module}"


def test_every_service_of_aws_that_is_asked_is_left_in():
    kept = set(runpy.run_path(str(ROOT / "docker" / "slim.py"))["AWS_SERVICES"])
    services = set(get_session().get_available_services())
    named = {
        node.args[0].value
        for path, _ in reached(STARTED["api"])
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"ask", "_ask", "client"}
    }
    assert {"s3", "service-quotas"} <= named & services <= kept


def test_versions_come_from_the_constraints():
    pinned = {
        _plain(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    for part in ("photos", "web", "openvino", "torch"):
        for name in listed(part):
            assert re.fullmatch(r"[A-Za-z0-9._-]+", name), f"{name}: versions are constraints.txt's"
            assert _plain(name) in pinned, name


def _plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def reached(modules):
    """(file, module) of every import of these modules, of what they import, and so on."""
    todo, seen = list(modules), set()
    while todo:
        module = todo.pop()
        path = _file(module)
        if path is None or path in seen:
            continue
        seen.add(path)
        for each in _imports(path):
            yield path.relative_to(ROOT), each
            todo.append(each)


def _file(module):
    path = ROOT.joinpath(*module.split("."))
    choices = (path.with_suffix(".py"), path / "__init__.py", path.parent.with_suffix(".py"))
    return next((each for each in choices if each.is_file() and each.is_relative_to(ROOT)), None)


def _imports(path):
    """What a file imports when it runs, wherever in it; not what only its types need."""
    for node in ast.walk(_Running().visit(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


class _Running(ast.NodeTransformer):
    def visit_If(self, node):
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)
