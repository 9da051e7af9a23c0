import threading
import time

import pytest
from redis.exceptions import ConnectionError as BrokerAwayError

from jobs.errors import StorageError
from worker.watch.health import SILENT_S, Health, Question


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def raising(error):
    def ask():
        raise error

    return ask


def test_a_process_isnt_ready_before_its_loop_says_so():
    health = Health()
    assert health.alive
    assert health.reasons() == ("starting",)
    assert not health.told_ready


def test_a_loop_that_turns_lives_and_one_that_stands_doesnt():
    clock = Clock()
    health = Health(clock=clock)
    health.ready(None)
    for _ in range(10):
        clock.now_s += SILENT_S - 1
        assert health.alive
        health.beat()
    clock.now_s += SILENT_S + 1
    assert not health.alive
    assert not health.told_ready
    assert health.reasons() == ("loop-silent",)
    health.beat()
    assert health.reasons() == ()


def test_a_slow_loop_may_take_its_time():
    clock = Clock()
    health = Health(silent_s=600, clock=clock)
    clock.now_s += 599
    assert health.alive
    clock.now_s += 2
    assert not health.alive


def test_reasons_come_and_go():
    health = Health()
    health.ready("engine-cold")
    assert health.reasons() == ("engine-cold",)
    health.ready(None)
    assert health.reasons() == ()
    assert health.told_ready


@pytest.mark.parametrize("reason", ["Geheimer Gast", "talks/geheim.mp3", "", "<script>", "a" * 33, "ready\n"])
def test_a_reason_is_a_code_or_isnt_shown(reason):
    health = Health()
    health.ready(reason)
    assert health.reasons() == ("other",)


@pytest.mark.parametrize(
    "error", [StorageError("unreachable"), BrokerAwayError("redis://:secret@host"), TimeoutError(), ValueError("x")]
)
def test_who_doesnt_answer_is_named(error):
    health = Health({"broker": lambda: None, "store": raising(error)})
    health.ready(None)
    assert health.reasons() == ("store-silent",)


def test_nobody_is_asked_while_the_loop_itself_isnt_ready():
    asked = []
    health = Health({"store": lambda: asked.append(1)})
    health.reasons()
    assert asked == []
    health.ready(None)
    assert health.reasons() == ()
    assert asked == [1]


def test_an_answer_may_be_anything_even_nothing():
    assert Question(lambda: 0).answer() == 0
    health = Health({"store": lambda: False})
    health.ready(None)
    assert health.reasons() == ()


def test_one_who_hangs_is_asked_once_whoever_asks_and_is_waited_for_no_longer_than_said():
    release, asked = threading.Event(), []

    def hang():
        asked.append(1)
        release.wait(60)
        return "late"

    question = Question(hang, patience_s=0.05)
    callers = [threading.Thread(target=question.answer) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
        assert not caller.is_alive()
    assert question.answer() is None
    assert asked == [1]
    release.set()
    while question.answer() != "late":
        time.sleep(0.01)


def test_an_old_answer_isnt_given_again_when_the_new_one_fails():
    answers = iter(["once"])

    def ask():
        try:
            return next(answers)
        except StopIteration:
            raise TimeoutError from None

    question = Question(ask)
    assert question.answer() == "once"
    assert question.answer() is None
