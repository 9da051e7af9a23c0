from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from config.settings import load
from jobs.errors import SetupError
from worker import tasks
from worker.queue.dispatch import RUN, Errand, Kind, job_queue, pause_s


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


@given(st.integers(0, 2**80 - 1), st.sampled_from(Kind), st.integers(0, 999))
def test_an_errand_is_its_id(number: int, kind: Kind, index: int) -> None:
    errand = Errand(f"r-{number:020x}", kind, index if kind is Kind.STRETCH else None)
    assert Errand.parse(errand.id) == errand


@given(st.one_of(st.text(max_size=40), st.from_regex(r"r-[0-9a-fA-F]{19,21}(-s[0-9]{2,4}|-draft.?)?\n?")))
def test_nothing_else_is_an_errand(text: str) -> None:
    parsed = Errand.parse(text)
    assert parsed is None or parsed.id == text


@pytest.mark.parametrize(
    ("recording_id", "kind", "index"),
    [("r-x", Kind.DRAFT, None), ("r-" + "0" * 20, Kind.STRETCH, None), ("r-" + "0" * 20, Kind.DRAFT, 1),
     ("r-" + "0" * 20, Kind.STRETCH, 1000), ("r-" + "0" * 20, Kind.STRETCH, -1)],
)  # fmt: skip
def test_an_errand_that_cannot_be_is_none(recording_id: str, kind: Kind, index: int | None) -> None:
    with pytest.raises(ValueError, match="no such errand"):
        Errand(recording_id, kind, index)
