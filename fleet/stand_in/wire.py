"""EC2's words on the wire: form fields in, XML out, both led by botocore's own model of the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


@cache
def _model() -> Any:
    from botocore.session import get_session  # noqa: PLC0415 — only the stand-in needs the whole model

    return get_session().get_service_model("ec2")


def parameters(action: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What the client gave to `action`, as it gave it to boto3."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        *path, last = name.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    shape = _model().operation_model(action).input_shape
    read: dict[str, Any] = _read(shape, tree)
    return read


def answer(action: str, told: Mapping[str, Any]) -> str:
    shape = _model().operation_model(action).output_shape
    body = _written(shape, told) if shape is not None else ""
    return f'<{action}Response xmlns="{NAMESPACE}"><requestId>stand-in</requestId>{body}</{action}Response>'


def refusal(code: str, message: str) -> str:
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    return f"<Response><Errors>{error}</Errors><RequestID>stand-in</RequestID></Response>"


def _read(shape: Any, tree: Any) -> Any:
    if shape.type_name == "structure":
        names = {each: _asked_as(each, member) for each, member in shape.members.items()}
        return {each: _read(shape.members[each], tree[name]) for each, name in names.items() if name in tree}
    if shape.type_name == "list":
        return [_read(shape.member, tree[number]) for number in sorted(tree, key=int)]
    if shape.type_name in ("integer", "long"):
        return int(tree)
    if shape.type_name == "boolean":
        return tree == "true"
    return tree


def _asked_as(member: str, shape: Any) -> str:
    name = shape.serialization.get("queryName") or shape.serialization.get("name", member)
    return str(name[0].upper() + name[1:])


def _written(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{_written(shape.members[each], value[each])}</{name}>"
            for each, name in ((each, shape.members[each].serialization.get("name", each)) for each in shape.members)
            if value.get(each) is not None
        )
    if shape.type_name == "list":
        return "".join(f"<item>{_written(shape.member, each)}</item>" for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.000Z}"
    return escape(str(value))
