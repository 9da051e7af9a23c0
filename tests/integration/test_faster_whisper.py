"""The recognizer with its real weights, against what was really said."""

import json
import re
import subprocess
from itertools import pairwise

import jiwer
import numpy as np
import pytest
from faster_whisper.vad import VadOptions, get_speech_timestamps

from config.settings import load
from jobs.audio import SAMPLE_RATE, Audio
from jobs.speech import MAX_CLIP_S, PIECE_S
from jobs.timeline import Span
from jobs.transcribe import TranscribeOptions
from worker.engines.faster_whisper import _VAD, FasterWhisperRecognizer


def plain(text):
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def heard(transcript):
    return " ".join(word["text"] for utterance in transcript["utterances"] for word in utterance["words"])


@pytest.mark.parametrize(
    ("name", "most"),
    [("gespraech", 0.06), ("einzel", 0.06), ("zwiegespraech", 0.12), ("zweisprachig", 0.08), ("wechsel", 0.08)],
)
def test_words_are_those_that_were_said(demo_run, fixtures, name, most):
    said = (fixtures / f"{name}.txt").read_text()
    found = demo_run.transcript(f"{name}.opus")
    assert jiwer.wer(plain(said), plain(heard(found))) <= most


@pytest.mark.parametrize("name", ["zweisprachig", "wechsel"])
def test_each_utterance_is_heard_in_its_language(demo_run, fixtures, name):
    """Of two languages, neither is translated nor taken for the other."""
    rows = json.loads((fixtures / f"{name}.json").read_text())
    utterances = demo_run.transcript(f"{name}.opus")["utterances"]
    assert {utterance["language"] for utterance in utterances} == {"de", "en"}
    for utterance in utterances:
        span = Span(utterance["words"][0]["span"]["start"], utterance["words"][-1]["span"]["end"])
        row = max(rows, key=lambda row: Span(row["start"], row["end"]).overlap(span))
        assert utterance["language"] == row["language"]


@pytest.mark.parametrize("name", ["gespraech", "einzel", "zwiegespraech"])
def test_german_is_heard_as_german(demo_run, name):
    transcript = demo_run.transcript(f"{name}.opus")
    assert {transcript["language"], *(u["language"] for u in transcript["utterances"])} == {"de"}


@pytest.mark.parametrize("name", ["gespraech", "einzel", "zwiegespraech", "zweisprachig", "wechsel"])
def test_times_are_inside_the_recording_and_in_order(demo_run, name):
    transcript = demo_run.transcript(f"{name}.opus")
    words = [word for utterance in transcript["utterances"] for word in utterance["words"]]
    starts = [word["span"]["start"] for word in words]
    assert starts == sorted(starts)
    assert all(0 <= word["span"]["start"] <= word["span"]["end"] <= transcript["duration_s"] for word in words)
    assert all(0 <= word["probability"] <= 1 for word in words)


@pytest.mark.parametrize("name", ["gespraech", "einzel", "zwiegespraech", "zweisprachig", "wechsel"])
def test_words_lie_in_the_turn_that_they_were_said_in(demo_run, fixtures, name):
    """Of the words that stand only once in the reference, nine in ten have their middle in their own turn."""
    rows = [row.split() for row in (fixtures / f"{name}.rttm").read_text().splitlines()]
    lines = (fixtures / f"{name}.txt").read_text().splitlines()
    turns = [Span(float(row[3]), float(row[3]) + float(row[4])) for row in rows]
    places = [(plain(word), turn) for line, turn in zip(lines, turns, strict=True) for word in line.split()]
    texts = [text for text, _ in places]
    once = {text: turn for text, turn in places if texts.count(text) == 1}
    words = [word for u in demo_run.transcript(f"{name}.opus")["utterances"] for word in u["words"]]
    found = [(once[plain(w["text"])], w["span"]) for w in words if plain(w["text"]) in once]
    right = [turn.start - 0.2 <= (at["start"] + at["end"]) / 2 <= turn.end + 0.2 for turn, at in found]
    assert len(right) >= 10
    assert sum(right) >= 0.9 * len(right)


def samples(path):
    command = ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def test_speech_in_hours_is_that_of_the_detector_itself(fixtures):
    """Against Silero given all at once: pieces may differ by a breath where they meet."""
    audio = Audio(np.tile(samples(fixtures / "gespraech.opus"), 8))
    assert audio.duration > 2 * PIECE_S
    found = FasterWhisperRecognizer(load()).speech(audio)
    whole = get_speech_timestamps(audio.samples, VadOptions(max_speech_duration_s=MAX_CLIP_S, **_VAD))
    tenths = np.zeros((2, round(audio.duration * 10) + 10), bool)
    for span in found:
        tenths[0, round(span.start * 10) : round(span.end * 10)] = True
    for span in whole:
        tenths[1, round(span["start"] / SAMPLE_RATE * 10) : round(span["end"] / SAMPLE_RATE * 10)] = True
    assert (tenths[0] != tenths[1]).sum() <= 0.01 * tenths[1].sum()
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert max(span.duration for span in found) <= MAX_CLIP_S


def test_the_same_samples_give_the_same_words_whatever_they_are_decoded_beside(fixtures):
    """Stretches of a recording are recognized by different machines: with any number of threads, in any batch."""
    audio = Audio(samples(fixtures / "gespraech.opus")[: 60 * SAMPLE_RATE])
    heard = [
        FasterWhisperRecognizer(load().but(transcribe={"threads": threads, "device": "cpu"}))
        .recognize(audio, TranscribeOptions(batch_size=batch), lambda *_: None)
        .segments
        for threads, batch in ((1, 8), (2, 8), (1, 1))
    ]
    assert heard[0]
    assert heard[1] == heard[0]
    assert heard[2] == heard[0]


def test_a_language_that_is_heard_gives_the_words_of_one_that_is_given(fixtures):
    """Told the language, the library encodes by itself; else it is given what the votes were held on."""
    recognizer = FasterWhisperRecognizer(load().but(transcribe={"device": "cpu"}))
    audio = Audio(samples(fixtures / "gespraech.opus")[: 60 * SAMPLE_RATE])
    given, heard = (
        recognizer.recognize(audio, TranscribeOptions(language=one), lambda *_: None) for one in ("de", None)
    )
    assert heard.language == "de"
    assert heard.segments == given.segments
