"""The queue and its dead-letter queue: there, joined, and the second one empty."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from jobs.errors import StoreUnusable
from jobs.provision import MAX_RECEIVES


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """`receives` is after how many a message is taken for dead; 0 when there is no dead-letter queue."""

    url: str
    exists: bool
    receives: int = 0
    dead: int = 0
    dead_name: str = ""


def observed(questions: Questions, url: str) -> Queues:
    """Raises Forbidden, StoreBusy."""
    endpoint = "{0.scheme}://{0.netloc}".format(urlsplit(url))

    def attributes(of: str, *names: str) -> dict[str, str]:
        asked = {"QueueUrl": of, "AttributeNames": list(names)}
        known: dict[str, str] = questions.ask("sqs", "get_queue_attributes", endpoint=endpoint, **asked)["Attributes"]
        return known

    try:
        # SQS gives no attributes, rather than an error, where the one asked for is not set.
        known = attributes(url, "RedrivePolicy", "VisibilityTimeout")
    except StoreUnusable as no:
        if "does not exist" in str(no):
            return Queues(url=url, exists=False)
        raise
    redrive = json.loads(known.get("RedrivePolicy") or "{}")
    if not redrive:
        return Queues(url=url, exists=True)
    dead_name = str(redrive["deadLetterTargetArn"]).rpartition(":")[2]
    dead_url = f"{url.rpartition('/')[0]}/{dead_name}"
    depth = attributes(dead_url, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"]
    return Queues(url=url, exists=True, receives=int(redrive["maxReceiveCount"]), dead=int(depth), dead_name=dead_name)


def findings(queues: Queues) -> list[Finding]:
    """Pure."""
    if not queues.exists:
        return [
            error(
                "no_queue",
                f"There is no queue {queues.url}.",
                "Run `firstlight setup` or `make deploy`, and set QUEUE as it says.",
            )
        ]
    if not queues.receives:
        return [
            warning(
                "no_dead_letter_queue",
                "The queue has no dead-letter queue: a message that nobody can take comes again until it expires.",
                "Run `firstlight setup`: it makes and joins one.",
            )
        ]
    found = []
    if queues.receives < MAX_RECEIVES:
        found.append(
            warning(
                "dead_too_soon",
                f"A message is taken for dead after {queues.receives} receipts; a photo may need more, for its row "
                "decides.",
                f"Set maxReceiveCount to {MAX_RECEIVES}: run `firstlight setup`.",
            )
        )
    if queues.dead:
        found.append(
            warning(
                "dead_letters",
                f"{queues.dead} {'message lies' if queues.dead == 1 else 'messages lie'} in {queues.dead_name}: "
                f"received {queues.receives} times and never done with.",
                "Run `firstlight jobs replay`: it puts unfinished photos back into line and drops the rest.",
            )
        )
    return found
