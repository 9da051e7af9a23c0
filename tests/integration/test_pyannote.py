"""The diarizer with its real weights on the recordings in `tests/fixtures`."""

import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from config.settings import load
from jobs.audio import SAMPLE_RATE, Audio
from jobs.diarize import Diarization, DiarizeOptions
from jobs.errors import SetupError
from jobs.transcript import Turn
from worker import weights
from worker.engines.campplus import DIMENSION, MEL_BINS, CamPlusPlus, embed_windows, load_campplus
from worker.engines.pyannote import PyannoteDiarizer

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture(scope="module")
def diarizer() -> PyannoteDiarizer:
    made = PyannoteDiarizer(load())
    made.load()
    return made


@pytest.fixture(scope="module")
def network() -> CamPlusPlus:
    folder = weights.locate("campplus", load())
    return load_campplus(folder / "campplus_cn_en_common.pt", torch.device("cpu"))


def _samples(name: str) -> NDArray[np.float32]:
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(FIXTURES / name),
        "-ac",
        "1",
        "-ar",
        str(SAMPLE_RATE),
        "-f",
        "f32le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def _diarize(diarizer: PyannoteDiarizer, samples: NDArray[np.float32], **bounds: int) -> Diarization:
    return diarizer.diarize(Audio(samples), DiarizeOptions(**bounds), lambda *_: None)


def _reference(name: str) -> list[tuple[float, float, str]]:
    rows = [line.split() for line in (FIXTURES / name).with_suffix(".rttm").read_text().splitlines()]
    return [(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows]


def _speakers(turns: tuple[Turn, ...]) -> set[str]:
    return {turn.speaker for turn in turns}


def _error_rate(name: str, turns: tuple[Turn, ...]) -> float:
    """Diarization error rate with a collar of ±0.25 s, by pyannote.metrics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyannote.core import Annotation, Segment, Timeline  # noqa: PLC0415
        from pyannote.metrics.diarization import DiarizationErrorRate  # noqa: PLC0415
    reference, found = Annotation(), Annotation()
    for place, (start, end, speaker) in enumerate(_reference(name)):
        reference[Segment(start, end), place] = speaker
    for place, turn in enumerate(turns):
        found[Segment(turn.span.start, turn.span.end), place] = turn.speaker
    heard = Timeline([reference.get_timeline().extent() | found.get_timeline().extent()])
    # pyannote.metrics takes the collar's total width.
    return float(DiarizationErrorRate(collar=0.5)(reference, found, uem=heard))


@pytest.mark.parametrize(
    ("name", "speakers", "most"),
    [
        ("gespraech.opus", 3, 0.05),
        ("zwiegespraech.opus", 2, 0.05),
        ("zweisprachig.opus", 2, 0.05),
        ("einzel.opus", 1, 0.03),
    ],
)
def test_who_spoke_when(diarizer: PyannoteDiarizer, name: str, speakers: int, most: float) -> None:
    samples = _samples(name)
    found = _diarize(diarizer, samples)
    assert len(_speakers(found.turns)) == speakers
    assert _speakers(found.exclusive) == _speakers(found.turns)
    assert _error_rate(name, found.turns) <= most
    assert _error_rate(name, found.exclusive) <= most
    assert max(turn.span.end for turn in found.turns) <= len(samples) / SAMPLE_RATE
    assert list(found.turns) == sorted(found.turns)


@pytest.mark.parametrize("name", ["stille.flac", "rauschen.flac", "musik.opus"])
def test_nobody_speaks(diarizer: PyannoteDiarizer, name: str) -> None:
    found = _diarize(diarizer, _samples(name))
    assert (found.turns, found.exclusive) == ((), ())


@pytest.mark.parametrize("bounds", [{"max_speakers": 1}, {"max_speakers": 2}, {"min_speakers": 4, "max_speakers": 4}])
def test_bounds_are_obeyed(diarizer: PyannoteDiarizer, bounds: dict[str, int]) -> None:
    number = len(_speakers(_diarize(diarizer, _samples("gespraech.opus"), **bounds).turns))
    assert bounds.get("min_speakers", 1) <= number <= bounds["max_speakers"]


@pytest.mark.parametrize("bounds", [{"min_speakers": 2, "max_speakers": 5}, {"max_speakers": 8}])
def test_wide_bounds_change_nothing(diarizer: PyannoteDiarizer, bounds: dict[str, int]) -> None:
    samples = _samples("zwiegespraech.opus")
    assert _diarize(diarizer, samples, **bounds).turns == _diarize(diarizer, samples).turns


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3, 0.6, 2.9])
def test_a_clip_has_one_speaker_at_most(diarizer: PyannoteDiarizer, seconds: float) -> None:
    clip = _samples("zwiegespraech.opus")[16_000 : 16_000 + round(seconds * SAMPLE_RATE)]
    assert len(_speakers(_diarize(diarizer, clip).turns)) <= 1


def test_samples_may_lie_on_disk_and_progress_only_grows(diarizer: PyannoteDiarizer, tmp_path: Path) -> None:
    samples = _samples("zwiegespraech.opus")
    (tmp_path / "audio").write_bytes(samples.tobytes())
    mapped = np.memmap(tmp_path / "audio", np.float32, "r")
    seen: list[tuple[float, float]] = []
    found = diarizer.diarize(Audio(mapped), DiarizeOptions(), lambda done, total: seen.append((done, total)))
    assert found.turns == _diarize(diarizer, samples).turns
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({done for done, _ in seen}) > 3
    assert seen[-1] == (len(samples) / SAMPLE_RATE,) * 2


def test_silence_before_a_conversation_only_shifts_it(diarizer: PyannoteDiarizer) -> None:
    later = np.concatenate([np.zeros(33 * SAMPLE_RATE, np.float32), _samples("zwiegespraech.opus")])
    found = _diarize(diarizer, later).exclusive
    assert found[0].span.start > 33
    moved = tuple(Turn(turn.span.shift(-33), turn.speaker) for turn in found)
    assert _error_rate("zwiegespraech.opus", moved) <= 0.05


def test_a_users_folder_needs_its_config(tmp_path: Path) -> None:
    settings = load()
    own = settings.model_copy(update={"diarize": settings.diarize.model_copy(update={"pipeline": str(tmp_path)})})
    (tmp_path / "model.bin").write_bytes(b"weights")
    with pytest.raises(SetupError) as caught:
        PyannoteDiarizer(own).load()
    assert caught.value.code == "pipeline-missing"


def test_embeddings_are_repeatable_and_closer_within_a_voice(network: CamPlusPlus) -> None:
    turns = [(start, end, who) for start, end, who in _reference("gespraech.opus") if end - start > 3.0]
    halves = [half for start, end, _ in turns for half in ((start, start + 1.0), (end - 1.0, end))]
    owners = np.array([who for *_, who in turns for _ in range(2)])
    waveform = torch.from_numpy(_samples("gespraech.opus").copy())[None]
    with torch.inference_mode():
        once = embed_windows(network, waveform, np.array(halves), lambda **_: None)
        again = embed_windows(network, waveform, np.array(halves), lambda **_: None)
    assert np.array_equal(once, again)
    assert np.linalg.norm(once, axis=1) == pytest.approx(1.0, abs=1e-5)
    cosine = once @ once.T
    same = owners[:, None] == owners
    others = ~np.eye(len(owners), dtype=bool)
    for place in range(len(owners)):
        assert cosine[place, same[place] & others[place]].mean() > cosine[place, ~same[place]].mean() + 0.1


def test_a_stretch_pooled_from_its_frames_is_the_network_itself(network: CamPlusPlus) -> None:
    features = torch.from_numpy(np.random.default_rng(3).normal(size=(2, 200, MEL_BINS)).astype(np.float32))
    with torch.inference_mode():
        frames = network.trunk(features)
        pooled = network.pooled(frames.mean(-1), frames.std(-1))
        whole = network(features)
    assert pooled.shape == (2, DIMENSION)
    assert torch.allclose(pooled, whole, atol=1e-5)
