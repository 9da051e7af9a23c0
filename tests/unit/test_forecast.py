from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.queue.dispatch import Running
from worker.queue.forecast import NOBODY, Fleet, Forecast, forecasts
from worker.queue.waiting import Waiting

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
LENGTHS = st.floats(1, 8 * 3600)


def waiting(*seconds: float) -> tuple[Waiting, ...]:
    return tuple(Waiting(f"w{number}", length, None, urgent=False) for number, length in enumerate(seconds))


def running(*seconds: float, since_s: float = 0.0) -> tuple[Running, ...]:
    begun = NOW - timedelta(seconds=since_s)
    return tuple(Running(f"b{number}", length, begun) for number, length in enumerate(seconds))


def minutes(forecast: Forecast) -> float | None:
    return None if forecast.expected_at is None else (forecast.expected_at - NOW).total_seconds() / 60


def test_one_worker_takes_one_after_the_other() -> None:
    fleet = Fleet(waiting(1200, 600), running(3600, since_s=900), workers=1, pace=0.5)
    found = forecasts(fleet, NOW)
    assert {job: minutes(each) for job, each in found.items()} == {"b0": 15, "w0": 25, "w1": 30}
    assert [(found[job].position, found[job].seconds_ahead) for job in ("b0", "w0", "w1")] == [
        (None, 0.0), (1, 1800.0), (2, 3000.0),
    ]  # fmt: skip


def test_two_workers_share_the_line() -> None:
    found = forecasts(Fleet(waiting(600, 600, 600), running(3600), workers=2, pace=1.0), NOW)
    assert [minutes(found[job]) for job in ("b0", "w0", "w1", "w2")] == [60, 10, 20, 30]


@given(st.lists(LENGTHS, max_size=12), st.lists(LENGTHS, max_size=4), st.integers(0, 5), st.floats(0.01, 3))
def test_a_promise_lies_where_graham_has_it(ahead: list[float], begun: list[float], workers: int, pace: float) -> None:
    """Whoever is next begins once a worker is free: while it waits all work, so it waits for their mean at most.

    Graham, "Bounds on multiprocessing timing anomalies", 1969.
    """
    found = forecasts(Fleet(waiting(*ahead, 600.0), running(*begun), workers, pace), NOW)
    last = found[f"w{len(ahead)}"]
    assert last.position == len(ahead) + 1
    if workers == 0:
        assert last.expected_at is None
        return
    in_minutes = minutes(last)
    assert in_minutes is not None
    alone = 600 * pace / 60
    mean = (sum(ahead) + sum(begun)) * pace / 60 / workers
    longest = max([0.0, *ahead, *begun]) * pace / 60
    assert max(alone, alone + mean - longest) - 1e-4 <= in_minutes <= alone + mean + 1e-4


@given(st.lists(LENGTHS, min_size=1, max_size=12), st.integers(1, 5), st.floats(0.01, 3))
def test_another_worker_makes_nobody_later(ahead: list[float], workers: int, pace: float) -> None:
    few, more = (forecasts(Fleet(waiting(*ahead), (), count, pace), NOW) for count in (workers, workers + 1))
    for job, forecast in few.items():
        later, sooner = forecast.expected_at, more[job].expected_at
        assert later is not None
        assert sooner is not None
        assert sooner <= later


def test_what_nobody_knows_is_not_invented() -> None:
    line, begun = waiting(600, 0, 600), running(600)
    for fleet in (Fleet(line, begun, 1, None), Fleet(line, begun, 0, 0.5), Fleet(line, running(0), 1, 0.5)):
        found = forecasts(fleet, NOW)
        assert [found[f"w{number}"].expected_at for number in range(3)] == [None, None, None]
    known = forecasts(Fleet(line, begun, 1, 0.5), NOW)
    assert [known[f"w{number}"].expected_at is None for number in range(3)] == [False, True, True]
    assert forecasts(NOBODY, NOW) == {}


def test_what_is_late_is_not_done() -> None:
    found = forecasts(Fleet((), running(3600, since_s=9e6), 1, 0.5), NOW)
    assert minutes(found["b0"]) == 3
