"""What the programme does for names, with the recognizer's real weights, on five people and five terms invented."""

import re
import subprocess

import numpy as np
import pytest
import yaml

from config.settings import load
from jobs.audio import SAMPLE_RATE, Audio
from jobs.hotwords import hotwords
from jobs.programme import parse_talk
from jobs.spelling import repaired
from jobs.transcribe import TranscribeOptions
from jobs.transcript import Transcript, Utterance
from worker.engines.faster_whisper import FasterWhisperRecognizer


@pytest.fixture(scope="module")
def talk(fixtures):
    return parse_talk(yaml.safe_load((fixtures / "namen.yaml").read_text()))


@pytest.fixture(scope="module")
def wrong(fixtures, talk):
    """Share of the names that aren't spelt as the programme spells them: with hotwords or without, repaired or not."""
    command = ["ffmpeg", "-v", "error", "-i", str(fixtures / "namen.opus"), "-f", "f32le", "-ac", "1"]
    sound = subprocess.run([*command, "-ar", str(SAMPLE_RATE), "-"], stdout=subprocess.PIPE, check=True).stdout
    audio = Audio(np.frombuffer(sound, np.float32), SAMPLE_RATE)
    names = {word for guest in talk.guests for word in guest.name.split()} | set(talk.terms)
    said = named((fixtures / "namen.txt").read_text(), names)
    recognizer, rates = FasterWhisperRecognizer(load()), {}
    for told in ((), hotwords(talk)):
        found = recognizer.recognize(audio, TranscribeOptions("de", hotwords=told), lambda _done, _whole: None)
        utterances = (Utterance(f"u{n}", one.words, None, "de") for n, one in enumerate(found.segments))
        heard = Transcript("r-1", audio.duration, "de", tuple(utterances))
        for transcript in (heard, repaired(heard, talk)):
            text = " ".join(one.text for one in transcript.utterances)
            right = sum(min(said[name], count) for name, count in named(text, names).items())
            rates[bool(told), transcript is not heard] = 1 - right / sum(said.values())
    return rates


def named(text, names):
    """How often each name stands in a text, in the genitive too."""
    words = re.findall(r"\w+", text)
    return {name: sum(word in {name, f"{name}s", f"{name}es"} for word in words) for name in names}


def test_hotwords_lower_the_share_of_wrong_names(wrong):
    assert wrong[True, False] < wrong[False, False]


def test_repair_lowers_it_without_hotwords(wrong):
    assert wrong[False, True] < wrong[False, False]


def test_both_together_are_as_good_as_either(wrong):
    assert wrong[True, True] <= min(wrong[True, False], wrong[False, True])
