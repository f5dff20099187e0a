"""What only SQS has to care for: its long polls, its estimates, and messages that nobody can finish."""

from __future__ import annotations

import pytest

from jobs.clients import Clients
from jobs.errors import StoreBusy
from jobs.provision import MAX_RECEIVES
from jobs.queue import DEPTH_KEPT_MS, LONGEST_VISIBILITY_S, Depth, SqsQueue, region_in
from tests.jobs.calls import CallCounter
from tests.jobs.clocks import FakeClock
from tests.jobs.clouds import Cloud


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def counter() -> CallCounter:
    return CallCounter()


@pytest.fixture
def queue(moto: Cloud, counter: CallCounter, clock: FakeClock, no_pauses: None) -> SqsQueue:
    return SqsQueue(moto.settings(whole=True).queue, Clients(heard=counter.heard), clock=clock)


def test_the_depth_is_asked_for_once_a_second(queue: SqsQueue, counter: CallCounter, clock: FakeClock) -> None:
    queue.send("a")
    assert queue.depth() == queue.depth() == Depth(visible=1, in_flight=0)
    queue.send("b")
    assert queue.depth() == Depth(visible=1, in_flight=0)
    clock.pass_s(DEPTH_KEPT_MS / 1000)
    assert queue.depth() == Depth(visible=2, in_flight=0)
    assert counter.times("sqs", "GetQueueAttributes") == 2


def test_an_answer_without_a_depth_is_a_busy_store_and_no_empty_queue(queue: SqsQueue) -> None:
    queue.client().meta.events.register("after-call.sqs.GetQueueAttributes", lambda parsed, **_: parsed.clear())
    with pytest.raises(StoreBusy, match="the depth was not told"):
        queue.depth()


def test_lengths_beyond_what_sqs_takes_are_cut(queue: SqsQueue) -> None:
    queue.send("a")
    message = queue.receive(wait_s=0, visibility_s=LONGEST_VISIBILITY_S + 1)
    assert message is not None
    queue.change_visibility(message, -1)
    assert queue.receive(wait_s=0, visibility_s=0.2) is not None


def test_an_empty_long_poll_is_one_request(queue: SqsQueue, counter: CallCounter) -> None:
    assert queue.receive(wait_s=1, visibility_s=30) is None
    assert counter.calls() == {("sqs", "ReceiveMessage"): 1}


def test_a_message_that_nobody_can_finish_goes_to_the_dead_letter_queue(queue: SqsQueue) -> None:
    queue.send("poison")
    for expected in range(1, MAX_RECEIVES + 1):
        message = queue.receive(wait_s=0, visibility_s=0)
        assert message is not None
        assert message.receive_count == expected
    assert queue.receive(wait_s=0, visibility_s=0) is None


@pytest.mark.parametrize("action", ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"])
def test_a_request_that_was_refused_is_sent_again(queue: SqsQueue, moto: Cloud, action: str) -> None:
    moto.order(faults=[{"action": action, "does": "503", "times": 2}])
    queue.send("a")
    message = queue.receive(wait_s=1, visibility_s=30)
    assert message is not None
    queue.change_visibility(message, 30)
    queue.delete(message)
    assert queue.depth() == Depth(visible=0, in_flight=0)


def test_a_receipt_that_was_never_given_harms_nobody(queue: SqsQueue) -> None:
    queue.send("a")
    message = queue.receive(wait_s=0, visibility_s=0)
    assert message is not None
    queue.delete(message)
    queue.delete(message)
    queue.change_visibility(message, 10)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/firstlight", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/firstlight", "cn-north-1"),
        ("http://127.0.0.1:9324/000000000000/firstlight", None),
        ("sqlite:./var/jobs.db", None),
    ],
)
def test_the_queues_url_names_the_region(url: str, region: str | None) -> None:
    assert region_in(url) == region
