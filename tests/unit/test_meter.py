"""Processor time is counted once, whoever uses it."""

import subprocess
import sys
import threading
import time

import pytest

from worker.watch.meter import Meter


def burn(seconds):
    """Use the processor in this thread alone."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_stage_that_computes_costs_what_it_computes():
    meter = Meter()
    with meter.running() as cost:
        burn(0.1)
    # The kernel counts in hundredths.
    assert 0.08 <= cost.cpu_s <= 0.02 + cost.wall_s


def test_what_children_computed_counts_once_they_have_ended():
    meter = Meter()
    with meter.running() as cost:
        subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert cost.cpu_s > 0.02


def test_what_was_computed_before_is_nobodys():
    meter = Meter()
    burn(0.2)
    with meter.running() as cost:
        pass
    assert cost.cpu_s < 0.1


def test_stages_side_by_side_share_what_the_process_computes():
    meter, begun, over = Meter(), threading.Barrier(2), threading.Event()
    costs = []

    def idle():
        with meter.running() as cost:
            costs.append(cost)
            begun.wait()
            over.wait()

    before = time.process_time()
    thread = threading.Thread(target=idle)
    thread.start()
    begun.wait()
    with meter.running() as busy:
        burn(0.2)
    over.set()
    thread.join()
    spent = time.process_time() - before
    assert busy.cpu_s + costs[0].cpu_s == pytest.approx(spent, abs=0.08)
    assert busy.cpu_s >= 0.08


def test_a_stage_that_fails_stops_counting():
    meter = Meter()
    with pytest.raises(RuntimeError), meter.running() as failed:
        raise RuntimeError
    before = failed.cpu_s
    with meter.running():
        burn(0.1)
    assert failed.cpu_s == before
