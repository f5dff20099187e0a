"""A spot machine hears of its end from a metadata service on loopback, and hands its photos back."""

import http.server
import json
import threading

import pytest

from worker import notice
from worker.notice import Metadata, Notice, listen, metadata_of
from worker.supervisor import NOTICE_GRACE_S


class Service(http.server.ThreadingHTTPServer):
    """IMDSv2 as far as notices need it: a token first, then documents; what is not there is a 404."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.documents = {}
        self.token = "first"
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def announce(self, path, **facts):
        self.documents[f"/latest/meta-data/{path}"] = facts


class Answers(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        self.server.asked.append(self.path)
        self._answer(200, self.server.token.encode()) if self.server.token else self._answer(403, b"")

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") != self.server.token:
            self._answer(401, b"")
        elif (facts := self.server.documents.get(self.path)) is None:
            self._answer(404, b"")
        else:
            self._answer(200, json.dumps(facts).encode())

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture
def hear(service, monkeypatch):
    """Have a worker listen to the service, looking often."""
    monkeypatch.setattr(notice, "LOOK_S", 0.02)
    stopped = threading.Event()
    threads = []

    def hear(heed):
        threads.append(listen(Metadata(service.url), heed, stopped))
        return threads[-1]

    yield hear
    stopped.set()
    for thread in threads:
        thread.join(60)


def test_no_news_is_none_and_the_token_is_kept(service):
    metadata = Metadata(service.url)
    assert metadata.notice() is None
    assert metadata.notice() is None
    assert service.asked == ["/latest/api/token"]


def test_an_interruption_outweighs_a_rebalance(service):
    service.announce("events/recommendations/rebalance", noticeTime="2026-11-22T19:00:00Z")
    assert Metadata(service.url).notice() == Notice(kind="rebalance", at="2026-11-22T19:00:00Z")
    service.announce("spot/instance-action", action="terminate", time="2026-11-22T19:02:00Z")
    assert Metadata(service.url).notice() == Notice(kind="interruption", at="2026-11-22T19:02:00Z")


def test_a_token_that_went_stale_is_replaced(service):
    metadata = Metadata(service.url)
    metadata.notice()
    service.token = "second"
    service.announce("spot/instance-action", action="terminate", time="soon")
    assert metadata.notice().kind == "interruption"


def test_a_service_that_is_silent_stops_nothing(service, hear, caplog):
    service.token = ""  # every answer is refused
    heard = []
    thread = hear(heard.append)
    while not caplog.records:
        thread.join(0.01)
        assert thread.is_alive()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert not heard


def test_only_a_machine_of_ec2_listens_unless_told():
    assert metadata_of({}, fleet="process:x") is None
    assert metadata_of({}, fleet="ec2:lt-1") is not None
    assert metadata_of({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}, fleet="process:x") is not None
    assert metadata_of({"AWS_EC2_METADATA_DISABLED": "true"}, fleet="ec2:lt-1") is None


def test_the_look_and_the_grace_leave_the_stores_half_of_the_sixth_second():
    assert notice.LOOK_S + NOTICE_GRACE_S <= 5.5


@pytest.mark.parametrize("stage", ["enhancing", "decoding"])
def test_after_a_notice_a_photo_goes_back_with_its_attempt(start, send, until, ports, service, hear, stage):
    jobs = [send(), send()]
    worker = start("waits")
    until(jobs[0], lambda job: job.phase == "enhancing")
    until(jobs[1], lambda job: job.phase == "decoding")
    hear(worker.supervisor.heed)
    service.announce("spot/instance-action", action="terminate", time="2026-11-22T19:02:00Z")
    job = until(jobs[stage == "decoding"], lambda job: job.state == "queued")
    assert (job.attempts, job.lease) == (0, None)
    assert worker.ended() == 0
    assert (worker.heartbeat.state, worker.heartbeat.detail) == ("draining", "spot interruption")


def test_after_a_notice_the_network_may_finish_its_photo(start, send, until, service, hear, tmp_path):
    accepted = send()
    worker = start("waits")
    until(accepted, lambda job: job.phase == "enhancing")
    hear(worker.supervisor.heed)
    service.announce("spot/instance-action", action="terminate", time="2026-11-22T19:02:00Z")
    while worker.heartbeat.state != "draining":
        worker.thread.join(0.01)
        assert worker.thread.is_alive()
    (tmp_path / "mark").touch()
    assert until(accepted, lambda job: job.finished).state == "done"
    assert worker.ended() == 0


def test_after_a_rebalance_recommendation_a_worker_ends_once_nothing_is_in_hand(
    start, send, until, service, hear, tmp_path
):
    accepted = send()
    worker = start("waits", idle_s=3600)
    until(accepted, lambda job: job.phase == "enhancing")
    hear(worker.supervisor.heed)
    service.announce("events/recommendations/rebalance", noticeTime="2026-11-22T19:00:00Z")
    (tmp_path / "mark").touch()
    assert until(accepted, lambda job: job.finished).state == "done"
    assert worker.ended() == 0
    assert worker.heartbeat.detail == "spot rebalance"
