from itertools import pairwise

import pytest
from pydantic import SecretStr

from config.settings import load
from jobs.errors import SetupError
from worker import tasks
from worker.dispatch import RUN, job_queue, pause_s


def test_the_queue_asks_for_a_function_that_is_there() -> None:
    assert f"{tasks.run.__module__}.{tasks.run.__qualname__}" == RUN


def test_pauses_only_grow() -> None:
    assert all(0 < one <= two for one, two in pairwise(pause_s(tries) for tries in range(1, 20)))


@pytest.mark.parametrize("url", ["s3cret@nowhere", "http://:s3cret@host", "redis://:s3cret@host:port/0"])
def test_a_bad_address_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SetupError) as caught:
        job_queue(load().but(broker={"url": SecretStr(url)}))
    assert caught.value.code == "bad-broker"
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__
