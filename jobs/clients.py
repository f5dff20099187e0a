"""AWS clients: one of each kind in a process, made at the first use there, with bounded waits and tries."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jobs.errors import FirstlightError, StoreBusy, StoreUnusable

CONNECT_S = 2.0
READ_S = 10.0
TRIES = 4  # the first one included; the pauses between them grow to a few seconds
CONNECTIONS = 50  # kept open for each client; a gevent process has more greenlets than botocore's 10
Heard = Callable[[str, str], None]
"""Told of every request as it goes out, retries included: service (`s3`) and operation (`GetObject`)."""


class Declined(FirstlightError):
    """A service understood and said no, for the caller to judge: by `code`, e.g. `NoSuchKey`, and the whole answer."""

    def __init__(self, code: str, answer: dict[str, Any]) -> None:
        super().__init__(f"{code}: {answer.get('Error', {}).get('Message', '')}")
        self.code = code
        self.answer = answer


class PermissionMissing(StoreUnusable):
    """The identity may not do this. Of one blob S3 says so, too, where it is gone and the identity may not list."""


class Clients:
    """Clients are thread-safe but do not survive a fork, so each process makes its own.

    Credentials, region and endpoints come from where boto3 looks: AWS_* in the environment, ~/.aws, the machine's
    role. `region` and `endpoint` are for what only a setting knows. An S3 that is not Amazon's is addressed by path.
    """

    def __init__(self, *, region: str | None = None, heard: Heard | None = None) -> None:
        self._region = region
        self._heard = heard
        self._lock = threading.Lock()
        self._pid = -1
        self._session: Any = None
        self._made: dict[tuple[str, float, int, str | None], Any] = {}

    def client(
        self, service: str, *, read_s: float = READ_S, tries: int = TRIES, endpoint: str | None = None
    ) -> Any:  # boto3's clients have no types
        """The service's client, e.g. `s3`, `ec2`. Raises StoreUnusable with the cure when none can be made."""
        kind = (service, read_s, tries, endpoint)
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._session, self._made = os.getpid(), None, {}
            if kind not in self._made:
                try:
                    with reaching(service):
                        self._made[kind] = self._make(service, read_s=read_s, tries=tries, endpoint=endpoint)
                except ValueError as error:  # botocore's word for an address that is none
                    said = f"{service}: {error}: set AWS_ENDPOINT_URL to http://HOST:PORT, or leave it out"
                    raise StoreUnusable(said) from error
            return self._made[kind]

    def _make(self, service: str, *, read_s: float, tries: int, endpoint: str | None) -> Any:
        from boto3.session import Session  # noqa: PLC0415 — a laptop needs no boto3
        from botocore.config import Config  # noqa: PLC0415

        logging.getLogger("botocore").setLevel(logging.WARNING)  # each process would tell where it found credentials
        if self._session is None:
            self._session = Session(region_name=self._region)
            if self._heard is not None:
                self._session.events.register("before-send", _listener(self._heard))
        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=read_s,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
            # Checksums we give ourselves; the rest is what any other S3 understands, too.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        if service == "s3":  # or links to another endpoint are signed the old way
            config = config.merge(Config(signature_version="s3v4"))
        client = self._session.client(service, config=config, endpoint_url=endpoint)
        if service == "s3" and ".amazonaws.com" not in client.meta.endpoint_url:
            config = config.merge(Config(s3={"addressing_style": "path"}))
            client = self._session.client(service, config=config, endpoint_url=endpoint)
        return client


def warmed(makers: Iterable[Callable[[], object]]) -> None:
    """Import boto3 and make these clients in a thread, beside other work: a third of a second on a fast machine.

    What cannot be made is told to whoever needs it first.
    """

    def make() -> None:
        with suppress(StoreBusy):
            for maker in makers:
                maker()

    threading.Thread(target=make, name="clients", daemon=True).start()


def _listener(heard: Heard) -> Callable[..., None]:
    def before_send(event_name: str, **_: object) -> None:
        service, operation = event_name.split(".")[1:3]
        heard(service, operation)

    return before_send


_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
_CURES = {  # error code → what the operator can do; waiting does not help
    "NoSuchBucket": "the bucket does not exist: run `firstlight setup`",
    "AWS.SimpleQueueService.NonExistentQueue": "the queue does not exist: run `firstlight setup`",
    "QueueDoesNotExist": "the queue does not exist: run `firstlight setup`",
    "ResourceNotFoundException": "the table does not exist: run `firstlight setup`",
    **dict.fromkeys(_FORBIDDEN, "the AWS identity lacks a permission: see the policies in deploy/"),
    "403": "the bucket is not this account's, or the AWS identity lacks a permission: choose another name, or grant it",
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSignatureException", "UnrecognizedClientException",
         "InvalidClientTokenId", "AuthFailure", "ExpiredToken", "ExpiredTokenException", "RequestTimeTooSkewed"),
        "the AWS credentials are not valid: renew them and look at the machine's clock",
    ),
}  # fmt: skip
_BUSY = (  # error codes below 500 that say: later
    "RequestLimitExceeded", "ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown",
    "ProvisionedThroughputExceededException", "RequestThrottled", "ThrottledException", "RequestTimeout",
    "TransactionConflictException", "OverLimit",
)  # fmt: skip


@contextmanager
def reaching(store: str) -> Iterator[None]:
    """Turn what botocore raises into facts: StoreBusy, StoreUnusable (PermissionMissing is one) with the cure where
    waiting does not help, and Declined for every other answer.
    """
    from botocore import exceptions as aws  # noqa: PLC0415 — a laptop needs no boto3

    try:
        yield
    except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError) as error:
        raise StoreUnusable(
            f"{store}: there are no AWS credentials ({error}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "run `aws configure`, or give the machine a role"
        ) from error
    except (aws.SSOError, aws.TokenRetrievalError, aws.LoginError) as error:
        raise StoreUnusable(
            f"{store}: nobody is signed in to AWS any more ({error}): run `aws sso login` or `aws login`"
        ) from error
    except aws.NoRegionError as error:
        raise StoreUnusable(f"{store}: no AWS region is chosen: set AWS_DEFAULT_REGION") from error
    except (
        aws.ConfigNotFound,
        aws.ConfigParseError,
        aws.InfiniteLoopConfigError,
        aws.InvalidConfigError,
        aws.InvalidRegionError,
        aws.MissingDependencyException,
        aws.ProfileNotFound,
        aws.UnknownCredentialError,
    ) as error:
        raise StoreUnusable(
            f"{store}: the AWS configuration cannot be used ({error}): correct AWS_PROFILE, AWS_DEFAULT_REGION or "
            "~/.aws/config"
        ) from error
    except aws.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _CURES:
            kind = PermissionMissing if code in _FORBIDDEN else StoreUnusable
            raise kind(f"{store}: {_CURES[code]} ({error})") from error
        if code in _BUSY or status >= 500:
            raise StoreBusy(f"{store}: {error}") from error
        raise Declined(code, error.response) from error
    except (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError) as error:
        raise StoreBusy(f"{store}: {error}") from error
