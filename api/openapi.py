"""/openapi.json and /docs: the contract, made of the models that validate and the registry that refuses."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from flask import Blueprint, render_template
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.models import Problem
from api.operations import OPERATIONS, Operation
from api.problems import MEDIA_TYPE
from api.service import Service
from jobs.errors import FAULTS

_SCHEMAS: dict[str, dict[str, Any]] = {  # what is known of a parameter besides that it is text
    "job_id": {"format": "uuid"},
    "wait": {"type": "integer", "minimum": 0, "maximum": 20, "default": 0},
    "Idempotency-Key": {"minLength": 16, "maxLength": 128, "pattern": "^[\\x20-\\x7e]+$"},
}
_REF = "#/components/schemas/{model}"


def blueprint(service: Service) -> Blueprint:  # noqa: ARG001 — every room is given the service
    pages = Blueprint("openapi", __name__)
    contract = document()

    @pages.get("/openapi.json")
    def openapi() -> dict[str, Any]:
        return contract

    @pages.get("/docs")
    def docs() -> str:
        return render_template(
            "docs.html", operations=OPERATIONS, faults=FAULTS, schemas=contract["components"]["schemas"]
        )

    return pages


def document() -> dict[str, Any]:
    """The contract as OpenAPI 3.1."""
    models: set[type[BaseModel]] = {Problem}
    for each in OPERATIONS:
        answered = {answer for answer in each.answers.values() if isinstance(answer, type)}
        models |= answered | {sent for sent in (each.form, each.body) if sent is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [
            (model, "validation" if model.__name__ in ("UploadFields", "WarmCall") else "serialization")
            for model in ordered
        ],
        ref_template=_REF,
    )
    schemas = definitions["$defs"]
    schemas["UploadFields"]["properties"]["image"] = {"type": "string", "format": "binary", "description": "the photo"}
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in OPERATIONS:
        paths[each.path][each.method] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Firstlight", "version": "1", "description": "Brightens photos taken in the dark."},
        "paths": dict(paths),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"owner_token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(each: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{each.method}_{each.path.strip('/').replace('/', '_').replace('{job_id}', 'id') or 'page'}",
        "summary": each.summary,
        "responses": {str(status): _answer(status, answer) for status, answer in each.answers.items()} | _faults(each),
    }
    if each.parameters:
        described["parameters"] = [_parameter(*parameter) for parameter in each.parameters]
    if each.secured:
        described["security"] = [{"owner_token": []}]
    if each.form is not None:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _ref(each.form)}}}
    if each.body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": _ref(each.body)}}}
    return described


def _answer(status: int, answer: type[BaseModel] | str | None) -> dict[str, Any]:
    meaning = {
        200: "as asked",
        202: "accepted, or under way",
        201: "the form to send the photo with",
        204: "nothing more to say",
        206: "the range",
        302: "the signed address, in Location",
        303: "the photo's page, for a browser's form",
        304: "as you know it",
    }[status]
    if answer is None:
        return {"description": meaning}
    if isinstance(answer, str):
        return {"description": meaning, "content": {answer: {"schema": {"type": "string"}}}}
    return {"description": meaning, "content": {"application/json": {"schema": _ref(answer)}}}


def _faults(each: Operation) -> dict[str, Any]:
    codes: dict[int, list[str]] = defaultdict(list)
    for code in (*each.faults, "internal"):
        codes[FAULTS[code].status].append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {FAULTS[code].title}" for code in those),
            "content": {MEDIA_TYPE: {"schema": _ref(Problem)}},
        }
        for status, those in sorted(codes.items())
    }


def _parameter(name: str, where: str, meaning: str) -> dict[str, Any]:
    schema = {"type": "string", **_SCHEMAS.get(name, {})}
    return {"name": name, "in": where, "required": where == "path", "description": meaning, "schema": schema}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
