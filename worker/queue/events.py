"""The bucket's own events, by way of SQS: they wake intake before its pause is over, and no more.

Events come twice, late, out of order or not at all, and anybody who may write to the queue can invent them: so nothing
in a message is read. The listing is the truth.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import structlog
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.settings import Settings
from jobs.errors import SetupError
from jobs.timeline import Seconds

log = structlog.get_logger()

#: How long SQS holds a question for messages; 20 is its most.
_POLL_S = 20
_LONGEST_PAUSE_S: Seconds = 300.0


@contextmanager
def waking(settings: Settings, stop: threading.Event) -> Iterator[threading.Event]:
    """An event that is set whenever something has happened in the bucket; never, where no queue is set.

    Raises:
        SetupError: "bad-events" when `intake.sqs_url` or the region can't be used.
    """
    woken = threading.Event()
    if settings.intake.sqs_url:
        client = _client(settings)
        arguments = (client, settings.intake.sqs_url, woken, stop)
        # A daemon: SQS holds a question for 20 s, and nobody who leaves waits for that.
        threading.Thread(target=listen, args=arguments, name="events", daemon=True).start()
    yield woken


def listen(client: Any, url: str, woken: threading.Event, stop: threading.Event) -> None:
    """Set `woken` for every batch of messages, until `stop`. Trouble makes pauses longer: then intake polls alone."""
    pause_s: Seconds = 1.0
    while not stop.is_set():
        try:
            answer = client.receive_message(QueueUrl=url, WaitTimeSeconds=_POLL_S, MaxNumberOfMessages=10)
            handles = [message["ReceiptHandle"] for message in answer.get("Messages", ())]
            if handles:
                woken.set()
                # Whatever isn't deleted comes again and wakes us once more: that does no harm.
                entries = [{"Id": str(at), "ReceiptHandle": handle} for at, handle in enumerate(handles)]
                client.delete_message_batch(QueueUrl=url, Entries=entries)
            pause_s = 1.0
        except (BotoCoreError, ClientError, Boto3Error, KeyError) as error:
            log.warning("events.silent", error=type(error).__name__, pause_s=pause_s)
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _client(settings: Settings) -> Any:
    storage = settings.storage
    try:
        return boto3.session.Session().client(
            "sqs",
            region_name=storage.region or None,
            aws_access_key_id=storage.access_key or None,
            aws_secret_access_key=storage.secret_key.get_secret_value() or None,
            config=Config(connect_timeout=10, read_timeout=_POLL_S + 10, retries={"mode": "standard"}),
        )
    except (BotoCoreError, ValueError) as error:
        message = f"intake.sqs_url can't be used ({type(error).__name__}): check storage.region"
        raise SetupError("bad-events", message) from None
