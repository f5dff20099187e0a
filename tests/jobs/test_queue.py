"""What a queue promises."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from itertools import pairwise

from jobs.clock import now_ms
from jobs.queue import Depth, Queue
from tests.jobs.clocks import FakeClock


def take(queue: Queue, *, visibility_s: float = 30.0) -> str | None:
    message = queue.receive(wait_s=0, visibility_s=visibility_s)
    return message.body if message else None


def test_a_message_is_received_hidden_and_deleted(queue: Queue) -> None:
    queue.send("a")
    message = queue.receive(wait_s=0, visibility_s=30)
    assert message is not None
    assert (message.body, message.receive_count) == ("a", 1)
    assert queue.receive(wait_s=0, visibility_s=30) is None
    queue.delete(message)
    assert queue.depth() == Depth(visible=0, in_flight=0)


def test_a_message_comes_again_when_its_visibility_timeout_is_over(queue: Queue, clock: FakeClock) -> None:
    queue.send("a")
    for expected in (1, 2, 3):
        message = queue.receive(wait_s=0, visibility_s=30)
        assert message is not None
        assert message.receive_count == expected
        clock.pass_s(20)  # a fake cloud's time also passes by itself
        assert take(queue) is None
        clock.pass_s(10)


def test_a_message_can_be_held_longer_or_handed_back(queue: Queue, clock: FakeClock) -> None:
    queue.send("a")
    message = queue.receive(wait_s=0, visibility_s=30)
    assert message is not None
    clock.pass_s(20)
    queue.change_visibility(message, 30)
    clock.pass_s(20)
    assert take(queue) is None
    queue.change_visibility(message, 0)
    assert take(queue) == "a"


def test_the_depth_tells_what_can_be_received_and_what_is_held(queue: Queue, clock: FakeClock) -> None:
    for body in "abc":
        queue.send(body)
    take(queue, visibility_s=30)
    take(queue, visibility_s=60)
    assert queue.depth() == Depth(visible=1, in_flight=2)
    clock.pass_s(45)
    assert queue.depth() == Depth(visible=2, in_flight=1)


def test_an_old_receipt_handle_harms_nobody(queue: Queue, clock: FakeClock) -> None:
    queue.send("a")
    old = queue.receive(wait_s=0, visibility_s=10)
    clock.pass_s(10)
    new = queue.receive(wait_s=0, visibility_s=10)
    assert old is not None
    assert new is not None
    queue.change_visibility(old, 0)
    queue.delete(old)
    queue.delete(new)
    queue.delete(new)
    queue.change_visibility(new, 0)
    assert queue.depth() == Depth(visible=0, in_flight=0)


def test_the_same_body_twice_is_two_messages(queue: Queue) -> None:
    queue.send("a")
    queue.send("a")
    assert [take(queue), take(queue), take(queue)] == ["a", "a", None]


def test_waiting_starves_no_message(queue: Queue) -> None:
    for number in range(10):
        queue.send(str(number))
    assert {take(queue) for _ in range(10)} == {str(number) for number in range(10)}


def test_a_long_poll_ends_empty_after_its_time(queue: Queue) -> None:
    before = now_ms()
    assert queue.receive(wait_s=0.2, visibility_s=30) is None
    assert now_ms() - before >= 150


def test_a_long_poll_hears_what_another_process_sends(opened, process) -> None:
    sender = process("print('here', flush=True); sys.stdin.readline(); ports.queue.send('a')")
    assert sender.stdout.readline() == "here\n"
    queue = opened(clock=now_ms).queue
    threading.Timer(0.1, lambda: (sender.stdin.write("go\n"), sender.stdin.flush())).start()
    message = queue.receive(wait_s=20, visibility_s=30)
    assert message is not None
    assert message.body == "a"


def test_each_message_goes_to_one_of_many_receivers(opened, process) -> None:
    queue = opened(clock=now_ms).queue
    count = 60
    for number in range(count):
        queue.send(str(number))
    script = (
        "print('here', flush=True); sys.stdin.readline()\n"
        "while message := ports.queue.receive(wait_s=0, visibility_s=600):\n"
        "    print(message.body)\n"
    )
    others = [process(script) for _ in range(2)]
    for other in others:
        assert other.stdout.readline() == "here\n"
        other.stdin.write("go\n")
        other.stdin.flush()
    taken: list[str] = []

    def receive() -> None:
        mine = opened(clock=now_ms).queue
        while message := mine.receive(wait_s=0, visibility_s=600):
            taken.append(message.body)

    threads = [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        taken += other.communicate(timeout=90)[0].split()
    assert Counter(taken) == Counter(str(number) for number in range(count))


def test_what_was_sent_survives_a_kill(queue: Queue, clock: FakeClock, process) -> None:
    sender = process("for number in range(100_000): ports.queue.send(str(number)); print(number, flush=True)")
    heard = [sender.stdout.readline().strip() for _ in range(20)]
    sender.send_signal(signal.SIGKILL)
    heard += sender.stdout.read().split()
    clock.ms = now_ms() + 1000
    found = set()
    while body := take(queue):
        found.add(body)
    assert set(heard) <= found
    assert all(after - before == 1 for before, after in pairwise(sorted(map(int, found))))
