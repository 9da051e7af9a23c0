import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jobs.audio import SAMPLE_RATE
from worker.sound.mixdown import Raw, mix_down, mixed

RANDOM = np.random.default_rng(7)


def noise(seconds, level=0.1):
    return (RANDOM.standard_normal(round(seconds * SAMPLE_RATE)) * level).astype(np.float32)


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def stereo(left, right):
    return np.stack([left, right], axis=1)


def raw(tmp_path, block, gain=1.0):
    path = tmp_path / "raw.f32"
    path.write_bytes(np.ascontiguousarray(block, dtype=np.float32).tobytes())
    return Raw(path, channels=block.shape[1], gain=gain)


@given(arrays(np.float32, st.tuples(st.integers(0, 400), st.integers(1, 2))))
def test_whatever_comes_in_finite_sound_comes_out(block):
    mono = mixed(block)
    assert mono.shape == (len(block),)
    assert mono.dtype == np.float32
    assert np.isfinite(mono).all()


@given(arrays(np.float32, st.tuples(st.integers(1, 400), st.just(2)), elements=st.floats(-1, 1, width=32)))
def test_the_mix_is_never_louder_than_the_louder_channel(block):
    assert (np.abs(mixed(block)) <= np.abs(block).max(axis=1) + 1e-6).all()


def test_one_channel_stays_as_it_is():
    sound = noise(2.5)
    assert np.array_equal(mixed(sound[:, None]), sound)


def test_twice_the_same_channel_is_that_channel():
    sound = noise(2.5)
    assert np.allclose(mixed(stereo(sound, sound)), sound, atol=1e-7)


def test_a_voice_on_either_side_stays_audible():
    left, right = noise(3), noise(3)
    silence = np.zeros_like(left)
    for block, voice in ((stereo(left, silence), left), (stereo(silence, right), right)):
        assert rms(mixed(block)) >= 0.49 * rms(voice)
    assert rms(mixed(stereo(left, right))) >= 0.49 * rms(left)


@pytest.mark.parametrize("level", [1.0, 0.9])
def test_swapped_poles_do_not_silence_the_recording(level):
    sound = noise(3)
    assert np.array_equal(mixed(stereo(sound, -sound * np.float32(level))), sound)


def test_only_the_seconds_with_swapped_poles_take_one_channel():
    sound = noise(4)
    turned = sound.copy()
    turned[SAMPLE_RATE : 2 * SAMPLE_RATE] *= -1
    assert np.allclose(mixed(stereo(sound, turned)), sound, atol=1e-7)


def test_damaged_samples_become_silence(tmp_path):
    sound = noise(1)
    sound[[10, 20, 30]] = [np.nan, np.inf, 3e30]
    samples = mix_down(raw(tmp_path, sound[:, None]))
    assert (samples[[10, 20, 30]] == 0).all()
    assert rms(samples) == pytest.approx(0.1, rel=0.05)


def test_a_float_recorders_peaks_are_turned_down_not_cut(tmp_path):
    sound = noise(2, level=8.0)
    samples = mix_down(raw(tmp_path, sound[:, None]))
    assert np.abs(samples).max() == pytest.approx(1.0)
    assert np.corrcoef(samples, sound)[0, 1] == pytest.approx(1.0)


def test_delay_is_silence_before_the_sound(tmp_path):
    sound = noise(1)
    samples = mix_down(raw(tmp_path, sound[:, None]), delay=2.5)
    assert len(samples) == 3.5 * SAMPLE_RATE
    assert not samples[: 5 * SAMPLE_RATE // 2].any()
    assert np.array_equal(samples[5 * SAMPLE_RATE // 2 :], sound)


def test_gain_is_applied(tmp_path):
    sound = noise(1)
    assert np.allclose(mix_down(raw(tmp_path, sound[:, None], gain=2.0)), 2 * sound)


def test_samples_outlive_their_file_and_may_be_written_to(tmp_path):
    sound = noise(61)
    samples = mix_down(raw(tmp_path, stereo(sound, sound)))
    for path in tmp_path.iterdir():
        path.unlink()
    assert type(samples) is np.ndarray
    samples[0] = 0.5
    assert samples[0] == 0.5
    assert np.allclose(samples[1:], sound[1:], atol=1e-7)


def test_length_counts_whole_frames(tmp_path):
    path = tmp_path / "raw.f32"
    assert Raw(path, channels=2).duration == 0.0
    path.write_bytes(bytes(SAMPLE_RATE * 8 + 5))
    assert Raw(path, channels=2).duration == 1.0


def test_memory_does_not_grow_with_the_recording(tmp_path):
    path = tmp_path / "raw.f32"
    with path.open("wb") as file:
        file.truncate(30 * 60 * SAMPLE_RATE * 2 * 4)
    tracemalloc.start()
    samples = mix_down(Raw(path, channels=2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples.nbytes == 30 * 60 * SAMPLE_RATE * 4
    assert peak < samples.nbytes * 0.7
