"""SQS as botocore would see it; nobody is asked."""

import threading
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from structlog.testing import capture_logs

from config.settings import load
from worker.queue.events import listen, waking

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/events"


@pytest.fixture
def client() -> Any:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return boto3.session.Session().client("sqs", region_name="eu-central-1", **keys)


class Ends(threading.Event):
    """Is set once its stop has been asked for so many times."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns
        self.pauses: list[float] = []

    def is_set(self) -> bool:
        self.turns -= 1
        return self.turns < 0

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        return False


def message(number: int) -> dict[str, str]:
    return {"MessageId": str(number), "ReceiptHandle": f"handle-{number}", "Body": "s3://elsewhere/Geheim.wav"}


def test_messages_wake_are_deleted_and_not_believed(client: Any) -> None:
    woken, stop = threading.Event(), Ends(2)
    with Stubber(client) as sqs, capture_logs() as logs:
        asked = {"QueueUrl": URL, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 10}
        sqs.add_response("receive_message", {}, asked)
        sqs.add_response("receive_message", {"Messages": [message(1), message(2)]}, asked)
        entries = [{"Id": "0", "ReceiptHandle": "handle-1"}, {"Id": "1", "ReceiptHandle": "handle-2"}]
        sqs.add_response(
            "delete_message_batch", {"Successful": [], "Failed": []}, {"QueueUrl": URL, "Entries": entries}
        )
        listen(client, URL, woken, stop)
        sqs.assert_no_pending_responses()
    assert woken.is_set()
    assert logs == []


def test_an_empty_answer_wakes_nobody(client: Any) -> None:
    woken = threading.Event()
    with Stubber(client) as sqs:
        sqs.add_response("receive_message", {}, {"QueueUrl": URL, "WaitTimeSeconds": ANY, "MaxNumberOfMessages": ANY})
        listen(client, URL, woken, Ends(1))
    assert not woken.is_set()


def test_trouble_makes_pauses_longer_and_ends(client: Any) -> None:
    woken, stop = threading.Event(), Ends(12)
    with Stubber(client) as sqs, capture_logs() as logs:
        for _ in range(11):
            sqs.add_client_error("receive_message", "AccessDenied", "who are you, Frau Schmidt?", 403)
        sqs.add_response("receive_message", {"Messages": [message(1)]})
        sqs.add_response("delete_message_batch", {"Successful": [], "Failed": []})
        listen(client, URL, woken, stop)
    assert woken.is_set()
    assert stop.pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert {entry["event"] for entry in logs} == {"events.silent"}
    assert "Schmidt" not in str(logs)


def test_without_a_queue_nobody_listens() -> None:
    before = threading.active_count()
    with waking(load(), threading.Event()) as woken:
        assert threading.active_count() == before
        assert not woken.is_set()
