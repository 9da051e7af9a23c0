"""Nachlese beside WhisperX, and beside bare faster-whisper with stock pyannote.audio: time, memory, words, speakers.

Run by `make bench`. All hear the same recordings on the same weights and threads, in processes of their own, one after
the other in an order that changes from round to round; models are loaded and have heard something before anything is
timed. Machines are noisy, so ratios of one run are judged, never times. BENCH_AUDIO names a folder of recordings with
references (README, "evaluate"), else four of the fixtures are taken; BENCH_ROUNDS is how often everybody hears them
(3).
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import pytest

from config.settings import load
from jobs.scoring.measure import Measure
from jobs.scoring.scores import Scores, together
from worker.scoring.references import hypothesis_of, reference_of
from worker.scoring.scores import scores

pytestmark = [pytest.mark.bench, pytest.mark.timeout(4 * 3600)]

HERE = Path(__file__).parent
RIVALS = HERE / "rivals"
FIXTURES = HERE.parent / "fixtures"
SPOKEN = ("einzel.opus", "gespraech.opus", "zweisprachig.opus", "zwiegespraech.opus")

#: How many times as long WhisperX is meant to take from file to text with speakers; on any machine at least the second.
GOAL = 2.0
LEAST = 1.25
#: Rates this close are equal: the fixtures have five hundred words.
EQUAL = 0.01

#: System → program and what it needs beyond our own environment.
PROGRAMS = {"nachlese": "ours.py", "bare": "bare.py", "whisperx": "with_whisperx.py"}
NEEDS = {"bare": "bare.lock", "whisperx": "whisperx.lock"}

#: Reading → the system it comes from, and how it is shown.
READINGS = {
    "nachlese": ("nachlese", "Nachlese"),
    "bare": ("bare", "faster-whisper + pyannote"),
    "whisperx": ("whisperx", "WhisperX"),
    "whisperx-words": ("whisperx", "WhisperX, word times given"),
}

#: What all of them are told.
ALIKE = {
    "NACHLESE_TRANSCRIBE__DEVICE": "cpu", "NACHLESE_TRANSCRIBE__COMPUTE_TYPE": "int8",
    "NACHLESE_DIARIZE__DEVICE": "cpu", "HF_HUB_OFFLINE": "1", "PYANNOTE_METRICS_ENABLED": "false",
}  # fmt: skip

#: Nachlese's stage that the others have no counterpart of: told apart, and not in the ratios.
BEYOND = "recap and files"

CONDITIONS = """
Conditions
  All     CPU, the same weights, int8, beams and batches as set, a thread a core, language detected, no sidecar.
          pyannote segmentation-3.0 and CAM++ are the packaged ones. From compressed file to text with speakers.
  Nachlese  `nachlese run`, engines warm; the recap and all files, which it makes besides, are told apart.
  faster-whisper + pyannote
          BatchedInferencePipeline with its defaults and word times, then pyannote's SpeakerDiarization with its default
          step of 0.1; a word goes to the speaker whom it overlaps most. CAM++ runs as ONNX, the way pyannote takes
          foreign networks; clustering is agglomerative, because the published alternative needs gated weights.
  WhisperX 3.8.6
          batched recognizer behind its own pyannote voice activity detector (both packaged with it), then the same
          stock diarization and its own assign_word_speakers. Replaced: the gated community-1 pipeline, by the packaged
          weights; torch 2.8, by the torch that is here. Its default for CPUs is float32; int8 makes it faster.
          Left out: alignment, whose German model must be downloaded. That flatters its time, and costs it speakers: a
          stretch of up to 30 s gets one. "Word times given" lends it Whisper's own word times, free of charge.
  Words, cpWER, DER as in `nachlese evaluate`, borders of turns left out by 0.25 s on either side.
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the rivals run."""

    python: Path
    #: System → why it can't run.
    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process gave."""

    #: Recording → "stages" or "aside", which is counted nowhere → stage → seconds on the clock, and of processors.
    times: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]
    #: Resident memory of the process and all it started.
    peak_mb: float
    folder: Path


@pytest.fixture(scope="module")
def environment() -> Environment:
    """Made once, within ours, and made anew when what it is made of changes."""
    folder = Path(sys.prefix) / "rivals"
    recipe = [RIVALS / name for name in ("environment.sh", "campplus_onnx.py", *NEEDS.values())]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in recipe)).hexdigest()
    stamp = folder / "made-of"
    if stamp.is_file() and stamp.read_text() == wanted:
        return Environment(folder / "bin" / "python", {})
    shutil.rmtree(folder, ignore_errors=True)
    faults = {}
    for system, lock in NEEDS.items():
        fault = failure(["sh", RIVALS / "environment.sh", sys.executable, folder, RIVALS / lock])
        if fault:
            faults[system] = f"its packages can't be installed here: {fault}"
    if "bare" in faults:
        faults = dict.fromkeys(NEEDS, faults["bare"])
    else:
        fault = failure([folder / "bin" / "python", RIVALS / "campplus_onnx.py", embedding(folder)])
        faults |= dict.fromkeys(NEEDS, f"CAM++ can't be written as ONNX: {fault}") if fault else {}
    if not faults:
        stamp.write_text(wanted)
    return Environment(folder / "bin" / "python", faults)


def embedding(folder: Path) -> Path:
    """Its path tells pyannote.audio what kind of network it is."""
    return folder / "wespeaker-campplus.onnx"


def failure(command: Sequence[str | Path]) -> str | None:
    """Run it; the last line that it complained with, or None."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else None


@pytest.fixture(scope="module")
def originals() -> tuple[Path, ...]:
    """Recordings with references beside them."""
    folder = os.environ.get("BENCH_AUDIO")
    if folder is None:
        return tuple(FIXTURES / name for name in SPOKEN)
    suffixes = load().intake.suffixes
    found = tuple(path for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in suffixes and is_told(path))
    assert found, "BENCH_AUDIO holds no recording with a reference beside it"
    assert len({path.stem for path in found}) == len(found), "two recordings in BENCH_AUDIO share a name"
    return found


def is_told(path: Path) -> bool:
    reference = reference_of(path)
    return reference is not None and bool(reference.segments)


@pytest.fixture(scope="module")
def recordings(originals: Iterable[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Copies, so that no sidecar lies beside them: the others couldn't read it."""
    folder = tmp_path_factory.mktemp("recordings")
    return tuple(Path(shutil.copyfile(path, folder / path.name)) for path in originals)


def test_faster_than_whisperx_and_no_worse(
    environment: Environment,
    originals: Sequence[Path],
    recordings: Sequence[Path],
    tmp_path: Path,
) -> None:
    systems = [system for system in PROGRAMS if system not in environment.faults]
    runs: dict[str, list[Run]] = {system: [] for system in systems}
    for number in range(int(os.environ.get("BENCH_ROUNDS", "3"))):
        turn = number % len(systems)
        for system in systems[turn:] + systems[:turn]:
            folder = tmp_path / f"{system}-{number}"
            folder.mkdir()
            runs[system].append(measured(system, environment.python, recordings, folder))
    readings = {name: shown for name, shown in READINGS.items() if shown[0] in runs}
    found = {name: scored(runs[system][0].folder / name, originals) for name, (system, _) in readings.items()}
    print(CONDITIONS)
    for system, fault in environment.faults.items():
        print(f"{system} is missing: {fault}")
    print_totals(runs, found)
    print_recordings(runs, found)
    print_stages(runs)
    assert not environment.faults, "a rival is missing; what can be compared stands above"
    ratio = seconds(runs["whisperx"], "wall") / seconds(runs["nachlese"], "wall")
    print(f"WhisperX takes {ratio:.2f} times as long; the goal, {GOAL}, is {'reached' if ratio >= GOAL else 'missed'}")
    ours = together(found["nachlese"].values())
    for reading in ("whisperx", "whisperx-words"):
        theirs = together(found[reading].values())
        assert no_worse(ours.wer, theirs.wer)
        assert no_worse(ours.cpwer, theirs.cpwer)
    assert ratio >= LEAST


def measured(system: str, python: Path, recordings: Sequence[Path], folder: Path) -> Run:
    """Have one system hear all recordings in a process of its own."""
    interpreter = Path(sys.executable) if system == "nachlese" else python
    environ = os.environ | ALIKE | {"RIVALS_EMBEDDING": os.path.relpath(embedding(python.parents[1]))}
    peak = 0
    with (folder / "said.log").open("w") as said:
        process = psutil.Popen(
            [interpreter, RIVALS / PROGRAMS[system], folder, *recordings], stdout=said, stderr=said, env=environ
        )
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(0.1)
    assert process.returncode == 0, (folder / "said.log").read_text()[-2000:]
    return Run(json.loads((folder / "times.json").read_text()), peak / 2**20, folder)


def resident(process: psutil.Process) -> int:
    """Bytes of it and of all it started, as far as they live."""
    held = 0
    try:
        for one in (process, *process.children(recursive=True)):
            held += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return held


def scored(folder: Path, originals: Iterable[Path]) -> dict[str, Scores]:
    """Scores by recording."""
    found = {}
    for path in originals:
        reference, hypothesis = reference_of(path), hypothesis_of(folder / path.stem)
        assert reference is not None
        assert hypothesis is not None
        found[path.stem] = scores(reference, hypothesis)
    return found


def no_worse(ours: Measure | None, theirs: Measure | None) -> bool:
    """Also where neither is scored, for want of references."""
    return ours is theirs is None or rate(ours) <= rate(theirs) + EQUAL


def rate(measure: Measure | None) -> float:
    """The rate; not a number where nothing could be scored."""
    return float("nan") if measure is None or measure.rate is None else measure.rate


def seconds(
    runs: Sequence[Run], clock: str, *, recording: str | None = None, stage: str | None = None, spent: str = "stages"
) -> float:
    """The median over the rounds, for all recordings or one, for one stage or all that others have as well."""
    return median(
        sum(
            took[clock]
            for name, times in run.times.items()
            for label, took in times[spent].items()
            if recording in {None, name} and (label == stage if stage else label != BEYOND)
        )
        for run in runs
    )


def print_totals(runs: Mapping[str, Sequence[Run]], found: Mapping[str, Mapping[str, Scores]]) -> None:
    print(f"{'':28}{'wall s':>9}{'×':>7}{'CPU s':>9}{'×':>7}{'peak MB':>9}{'×':>7}{'WER':>8}{'cpWER':>8}{'DER':>8}")
    ours = runs["nachlese"]
    base = seconds(ours, "wall"), seconds(ours, "cpu"), median(run.peak_mb for run in ours)
    for reading, one in found.items():
        system, shown = READINGS[reading]
        mine = runs[system]
        values = seconds(mine, "wall"), seconds(mine, "cpu"), median(run.peak_mb for run in mine)
        cost = "".join(f"{value:9.1f}{value / unit:7.2f}" for value, unit in zip(values, base, strict=True))
        print(f"{shown:28}{cost}{quality(together(one.values()))}")
    print(f"Nachlese's recap and files besides: {seconds(ours, 'wall', stage=BEYOND):.1f} s")


def quality(one: Scores) -> str:
    return "".join(f"{rate(measure):8.3f}" for measure in (one.wer, one.cpwer, one.der))


def print_recordings(runs: Mapping[str, Sequence[Run]], found: Mapping[str, Mapping[str, Scores]]) -> None:
    print()
    for name in found["nachlese"]:
        print(name)
        for reading, one in found.items():
            system, shown = READINGS[reading]
            wall = seconds(runs[system], "wall", recording=name)
            ratio = wall / seconds(runs["nachlese"], "wall", recording=name)
            print(f"  {shown:26}{wall:9.1f}{ratio:7.2f}{'':32}{quality(one[name])}")


def print_stages(runs: Mapping[str, Sequence[Run]]) -> None:
    """Where the time goes."""
    print()
    for system, mine in runs.items():
        for spent in ("stages", "aside"):
            for stage in dict.fromkeys(stage for times in mine[0].times.values() for stage in times[spent]):
                wall, cpu = (seconds(mine, clock, stage=stage, spent=spent) for clock in ("wall", "cpu"))
                counted = "" if spent == "stages" else "   not counted"
                print(f"  {system:10}{stage:18}{wall:7.1f} s wall{cpu:9.1f} s CPU{counted}")
