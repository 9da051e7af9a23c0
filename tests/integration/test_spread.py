"""Several workers on one recording, with a real store and a real broker."""

import hashlib
import itertools
import json
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from jobs.artifacts import MANIFEST, folder_of, stages_folder
from jobs.programme import Talk
from jobs.timeline import Span
from worker.bucket.place import Place
from worker.bucket.stages import quiet
from worker.bucket.tickets import recording_at
from worker.control import Control, Superseded
from worker.engines import engines
from worker.job import process
from worker.queue.dispatch import Errand, Kind, Standing
from worker.sound.media import decode
from worker.sound.source import opened
from worker.spread import Spread, hear_stretch

KEY = "mainstage/Geheimer Titel.opus"


@pytest.fixture
def settings(settings):
    """Engines without weights, a recap of its own job, stretches of three seconds."""
    return settings.but(
        transcribe={"model": "fake"}, diarize={"pipeline": "fake"},
        worker={"spread_minutes": 0.1, "stretch_minutes": 0.05},
    )  # fmt: skip


@pytest.fixture
def place(storage, fixtures):
    storage.write(KEY, (fixtures / "einzel.opus").read_bytes(), "audio/ogg")
    return place_of(storage)


def place_of(storage):
    stored = storage.head(KEY)
    return Place(recording_at(storage, stored), storage, folder_of(KEY), "Geheimer Titel.opus", KEY)


def work(place, settings, control=None, report=quiet):
    """What a worker does with a recording."""
    with opened(partial(place.storage.download, KEY), settings) as source:
        return process(place, source, Talk(), settings=settings, report=report, control=control or Control())


def whole(place):
    """Name → SHA-256 as the manifest lists them, once it is sure that just that lies there."""
    manifest = json.loads(place.read(MANIFEST))
    assert manifest["recording"]["id"] == place.recording.id
    listed = {entry["name"]: entry["sha256"] for entry in manifest["artifacts"]}
    assert listed == {name: hashlib.sha256(place.read(name)).hexdigest() for name in listed}
    return listed


def stages(place):
    start = place.folder + stages_folder(place.recording.id)
    return sorted(stored.key.removeprefix(start) for stored in place.storage.list(start))


def test_two_workers_on_one_recording_make_the_same_files_and_one_manifest(place, settings):
    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(work, place, settings) for _ in range(2)]]
    assert outcomes[0].manifest == outcomes[1].manifest
    listed = whole(place)
    assert not [name for name in stages(place) if name.startswith("sound-")]
    # Whatever of one's own clock stood in the results, it is the winner's in all of them.
    work(place, settings)
    assert whole(place) == listed


def test_a_slow_worker_on_a_replaced_upload_changes_nothing(place, settings, fixtures):
    """It stands still before its last files until the newer recording is finished, then goes on."""
    newer = []

    def report(stage, _done, _total):
        if stage == "store" and not newer:
            place.storage.write(KEY, (fixtures / "zweisprachig.opus").read_bytes(), "audio/ogg")
            newer.append(place_of(place.storage))
            work(newer[0], settings)

    with pytest.raises(Superseded):
        work(place, settings, report=report)
    whole(newer[0])


def helper(place, settings, queue, stop):
    """Another worker's loop, as far as stretches go; as often as not slower than the recording's own."""
    helped = 0
    while not stop.is_set():
        waiting = [job for job, standing in queue.standing().items() if standing is Standing.WAITING]
        for job in reversed(waiting):
            errand = Errand.parse(job)
            if errand.kind is Kind.STRETCH and queue.take_back(job):
                hear_stretch(place, errand.index, settings=settings, control=Control(), report=quiet)
                helped += 1
        time.sleep(0.02)
    return helped


def with_helpers(number, place, settings, queue):
    """Work on a recording with so many others; what came of it, and how many stretches they did."""
    stop, control = threading.Event(), Control(spread=Spread(queue, 0.0))
    with ThreadPoolExecutor(number + 1) as pool:
        helpers = [pool.submit(helper, place, settings, queue, stop) for _ in range(number)]
        try:
            outcome = work(place, settings, control)
        finally:
            stop.set()
        return outcome, sum(future.result() for future in helpers)


def test_stretches_wait_on_the_broker_and_none_is_left_there(place, settings, queue):
    with_helpers(0, place, settings, queue)
    whole(place)
    assert queue.standing() == {}
    assert len([name for name in stages(place) if name.startswith("stretch-")]) > 4


def test_a_broker_that_is_away_costs_nothing(place, settings, queue):
    away = replace(queue, rq=type(queue.rq)("gone", connection=type(queue.redis)(port=1)))
    work(place, settings, Control(spread=Spread(away, 0.0)))
    whole(place)


def test_a_broker_that_is_wiped_again_and_again_costs_nothing(place, settings, queue):
    stop = threading.Event()

    def wipe():
        while not stop.wait(0.05):
            queue.redis.flushall()

    thread = threading.Thread(target=wipe)
    thread.start()
    try:
        with_helpers(1, place, settings, queue)
    finally:
        stop.set()
        thread.join()
    whole(place)


# --- with the real recognizer -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def three_minutes(fixtures, tmp_path_factory):
    """The fixtures one after the other, a second apart."""
    path = tmp_path_factory.mktemp("long") / "long.flac"
    names = ["gespraech.opus", "zwiegespraech.opus", "zweisprachig.opus", "einzel.opus"]
    inputs = list(itertools.chain.from_iterable(("-i", str(fixtures / name)) for name in names))
    pads = "".join(f"[{n}:a]aresample=16000,apad=pad_dur=1[a{n}];" for n in range(len(names)))
    joined = pads + "".join(f"[a{n}]" for n in range(len(names))) + f"concat=n={len(names)}:v=0:a=1"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", *inputs, "-filter_complex", joined, "-ac", "1", str(path)], check=True
    )
    return path


def test_one_worker_and_three_hear_the_same_words(storage, settings, queue, three_minutes, tmp_path):
    heard = settings.but(
        transcribe={"model": "whisper-base", "threads": 1}, worker={"spread_minutes": 1.0, "stretch_minutes": 0.5}
    )
    storage.write(KEY, three_minutes.read_bytes(), "audio/flac")
    alone = place_of(storage)
    words = work(alone, heard).transcript
    together = replace(alone, folder="together.nachlese/")
    outcome, helped = with_helpers(2, together, heard, queue)
    assert helped > 0
    said = [(word.text, word.span, word.probability) for utterance in words.utterances for word in utterance.words]
    assert len(said) > 300
    assert said == [
        (word.text, word.span, word.probability)
        for utterance in outcome.transcript.utterances
        for word in utterance.words
    ]
    _cuts_fall_into_silence(alone, engines(heard).recognizer, three_minutes, heard, tmp_path)


def _cuts_fall_into_silence(place, recognizer, path, settings, tmp_path):
    (name,) = [name for name in stages(place) if name.startswith("plan-")]
    spans = json.loads(place.read(stages_folder(place.recording.id) + name))["spans"]
    assert len(spans) > 4
    audio, _ = decode(path, limits=settings.media, scratch=tmp_path)
    speech = recognizer.speech(audio)
    for span in spans[:-1]:
        assert not [spoken for spoken in speech if spoken.overlap(Span(span["end"] - 0.05, span["end"] + 0.05)) > 0]
