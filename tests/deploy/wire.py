"""What goes over the wire to a fake AWS, told as the calls that IAM would be asked about, by who signed them.

What one request needs is AWS's Service Authorization Reference: a copy reads its source, and CreateFleet of type
`instant` launches in its caller's name, so it needs RunInstances on all that an instance is made of, CreateTags for its
tags, and PassRole for the template's role.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote

from fleet.stand_in.wire import parameters
from tests.deploy.policy import Call

ACCOUNT, REGION = "123456789012", "us-east-1"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
SUBRESOURCE = {"publicAccessBlock": "s3:GetBucketPublicAccessBlock", "lifecycle": "s3:GetLifecycleConfiguration"}
OBJECT = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
MOST = 1 << 20


class Tap:
    """A WSGI layer. `calls` holds what each key id did; `templates` must tell a launch template by its name."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.calls: dict[str, set[tuple[Any, ...]]] = {}
        self.templates: dict[str, dict[str, str]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        signed = environ.get("HTTP_AUTHORIZATION", "") + "&" + unquote(environ.get("QUERY_STRING", ""))
        if found := re.search(r"Credential=([^/&]+)/\d+/[^/]+/([a-z0-9]+)/aws4_request", signed):
            self._hear(found[1], found[2], environ)
        elif environ["REQUEST_METHOD"] == "POST" and "multipart/form-data" in environ.get("CONTENT_TYPE", ""):
            self._hear_form(environ)
        return self._app(environ, start_response)

    def of(self, key: str) -> list[Call]:
        return [Call(action=each[0], resource=each[1], context=dict(each[2])) for each in self.calls.get(key, ())]

    def _hear(self, key: str, service: str, environ: dict[str, Any]) -> None:
        asked = {
            "s3": self._s3,
            "sqs": self._sqs,
            "dynamodb": self._dynamodb,
            "ec2": self._ec2,
            "servicequotas": self._quotas,
        }.get(service)
        for call in asked(environ) if asked else [Call(action=f"{service}:?")]:
            self.calls.setdefault(key, set()).add((call.action, call.resource, tuple(sorted(call.context.items()))))

    def _hear_form(self, environ: dict[str, Any]) -> None:
        """A form that somebody signed for a page: it puts under the signer's name."""
        body = _body(environ)
        key = re.search(rb'name="x-amz-credential"\r\n\r\n([^/]+)/', body)
        name = re.search(rb'name="key"\r\n\r\n([^\r]+)', body)
        if key and name:
            bucket = environ["PATH_INFO"].strip("/")
            call = ("s3:PutObject", f"arn:aws:s3:::{bucket}/{name[1].decode()}", ())
            self.calls.setdefault(key[1].decode(), set()).add(call)

    def _s3(self, environ: dict[str, Any]) -> Iterator[Call]:
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        method = environ["REQUEST_METHOD"]
        if not key:
            asked = {"GET": "s3:ListBucket", "HEAD": "s3:ListBucket"}.get(method, f"s3:{method}Bucket")
            asked = SUBRESOURCE.get(environ.get("QUERY_STRING", "").partition("=")[0], asked)
            given = dict(parse_qsl(environ.get("QUERY_STRING", "")))
            context = {"s3:prefix": (given["prefix"],)} if "prefix" in given else {}
            yield Call(action=asked, resource=f"arn:aws:s3:::{bucket}", context=context)
            return
        yield Call(action=OBJECT[method], resource=f"arn:aws:s3:::{bucket}/{key}")
        if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
            yield Call(action="s3:GetObject", resource=f"arn:aws:s3:::{unquote(source).lstrip('/')}")

    def _sqs(self, environ: dict[str, Any]) -> Iterator[Call]:
        action = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        queue = json.loads(_body(environ)).get("QueueUrl", "").rpartition("/")[2]
        yield Call(action=f"sqs:{action}", resource=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")

    def _dynamodb(self, environ: dict[str, Any]) -> Iterator[Call]:
        action, asked = environ["HTTP_X_AMZ_TARGET"].partition(".")[2], json.loads(_body(environ))
        for table, wanted in asked.get("RequestItems", {asked.get("TableName"): asked}).items():
            keys = tuple(sorted(each["row_key"]["S"] for each in wanted.get("Keys", [wanted.get("Key")]) if each))
            index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
            yield Call(
                action=f"dynamodb:{action}",
                resource=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}{index}",
                context={"dynamodb:leadingkeys": keys} if keys else {},
            )

    def _quotas(self, environ: dict[str, Any]) -> Iterator[Call]:
        yield Call(action=f"servicequotas:{environ['HTTP_X_AMZ_TARGET'].partition('.')[2]}")

    def _ec2(self, environ: dict[str, Any]) -> Iterator[Call]:
        form = dict(parse_qsl(_body(environ).decode(), keep_blank_values=True))
        action = form["Action"]
        if action == "CreateFleet":
            yield from fleet_calls(parameters(action, form), self.templates)
        elif action == "TerminateInstances":
            for name, value in form.items():
                if name.startswith("InstanceId"):
                    tags = {"aws:resourcetag/firstlight-project": ("firstlight",)}  # the test looks whose they were
                    yield Call(action="ec2:TerminateInstances", resource=f"{EC2}:instance/{value}", context=tags)
        else:
            yield Call(action=f"ec2:{action}")


def fleet_calls(asked: dict[str, Any], templates: dict[str, dict[str, str]]) -> Iterator[Call]:
    """All that a CreateFleet asks IAM about."""
    tags = {
        each["ResourceType"]: {f"aws:requesttag/{tag['Key']}".lower(): (tag["Value"],) for tag in each["Tags"]}
        for each in asked.get("TagSpecifications", ())
    }
    yield Call(action="ec2:CreateFleet", resource=f"{EC2}:fleet/*")
    for config in asked["LaunchTemplateConfigs"]:
        template = templates[config["LaunchTemplateSpecification"]["LaunchTemplateName"]]
        image = f"arn:aws:ec2:{REGION}::image/{template['image']}"
        parts = [f"{EC2}:launch-template/{template['id']}", image, f"{EC2}:security-group/{template['group']}"]
        parts += [f"{EC2}:subnet/{each['SubnetId']}" for each in config["Overrides"]]
        parts += [f"{EC2}:network-interface/*", f"{EC2}:spot-instances-request/*"]
        for part in parts:
            for action in ("ec2:CreateFleet", "ec2:RunInstances"):
                yield Call(action=action, resource=part)
        for type_ in {each["InstanceType"] for each in config["Overrides"]}:
            typed = {**tags.get("instance", {}), "ec2:instancetype": (type_,)}
            yield Call(action="ec2:RunInstances", resource=f"{EC2}:instance/*", context=typed)
        yield Call(action="ec2:RunInstances", resource=f"{EC2}:volume/*", context=tags.get("volume", {}))
        for kind in ("instance", "volume"):
            yield Call(action="ec2:CreateFleet", resource=f"{EC2}:{kind}/*", context=tags.get(kind, {}))
            created = {**tags.get(kind, {}), "ec2:createaction": ("RunInstances",)}
            yield Call(action="ec2:CreateTags", resource=f"{EC2}:{kind}/*", context=created)
        passed = {"iam:passedtoservice": ("ec2.amazonaws.com",)}
        yield Call(action="iam:PassRole", resource=template["role"], context=passed)


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, put back for those who come after."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return body
