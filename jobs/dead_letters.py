"""Dead letters: messages that were received again and again and never done with; SQS sets them aside, we bring back
those whose photo still waits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from jobs.clients import Clients, reaching
from jobs.clock import Clock
from jobs.ports import Ports
from jobs.queue import Queue, SqsQueue

MOST = 10_000  # messages in one go
HIDDEN_S = 60.0
WAIT_S = 1.0  # a long poll asks all of SQS's servers, a short one a few


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How many messages went back into line, and how many were dropped, because their photo is finished or gone."""

    sent: int = 0
    dropped: int = 0


def dead_letters(queue_url: str, clients: Clients, *, clock: Clock) -> Queue | None:
    """The dead-letter queue that SQS joined to this one; None where there is none. A laptop's queue never needs one:
    it has no limit of receipts, and the row decides. Raises StoreBusy.
    """
    if not queue_url.startswith(("https:", "http:")):
        return None
    client = SqsQueue(queue_url, clients, clock=clock).client()
    with reaching("sqs"):
        known = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"])
    redrive = json.loads(known.get("Attributes", {}).get("RedrivePolicy") or "{}")
    if not redrive:
        return None
    name = str(redrive["deadLetterTargetArn"]).rpartition(":")[2]
    return SqsQueue(f"{queue_url.rpartition('/')[0]}/{name}", clients, clock=clock)


def replayed(ports: Ports, dead: Queue) -> Replay:
    """Bring every dead letter back whose job is unfinished, and drop the others. Raises StoreBusy.

    Sent before it is deleted: a crash between costs a duplicate, which the row turns away.
    """
    sent = dropped = 0
    while sent + dropped < MOST and (message := dead.receive(wait_s=WAIT_S, visibility_s=HIDDEN_S)):
        job = ports.ledger.read(message.body)
        if job is not None and not job.finished:
            ports.queue.send(job.id)
            sent += 1
        else:
            dropped += 1
        dead.delete(message)
    return Replay(sent=sent, dropped=dropped)
