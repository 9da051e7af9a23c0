import os
import signal

from worker.fleet.signals import counted, until_told


def test_every_time_is_counted_and_the_handlers_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with counted() as asked:
        assert (asked.times, asked.since, asked.last) == (0, None, None)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.times == 1
        assert asked.since == asked.last
        os.kill(os.getpid(), signal.SIGINT)
    assert asked.times == 2
    assert asked.since is not None
    assert asked.last is not None
    assert asked.since < asked.last
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_loop_that_waits_is_told() -> None:
    with until_told() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(30)


def test_being_told_while_the_events_own_lock_is_held_stops_nobody() -> None:
    """A handler runs in the middle of whatever the main thread does, also of `stop.wait`."""
    with until_told() as stop:
        with stop._cond:
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(30)
