import hashlib
import re

import pytest

from config.settings import load
from jobs.errors import SetupError
from worker import weights
from worker.engines.faster_whisper import FasterWhisperRecognizer


@pytest.fixture
def settings(tmp_path):
    return load().but(weights={"folder": str(tmp_path / "weights"), "mirrors": ()})


@pytest.fixture
def planted(settings):
    """Put a file in a set's place: `size_bytes` zeros, or these bytes."""

    def plant(set_name, file_name, content):
        path = weights.folder(settings) / set_name / file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content) if isinstance(content, bytes) else file.truncate(content)
        return path

    return plant


def test_every_file_of_the_lock_has_a_size_and_a_digest():
    for locked in weights.lock().values():
        assert locked.files
        assert locked.licence
        assert locked.size_bytes == sum(file.size_bytes for file in locked.files) > 0
        for file in locked.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert re.fullmatch(r"[\w.-]+", file.name)


def test_every_source_is_pinned_and_complete():
    for locked in weights.lock().values():
        assert locked.sources
        for source in locked.sources:
            if source.packages:
                assert all(re.fullmatch(r"[\w-]+==[\d.]+", package) for package in source.packages)
                assert set(source.parts) == {file.name for file in locked.files}
                assert all(source.parts.values())
            else:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", source.hub or "")


def test_the_defaults_need_what_the_lock_fetches_and_that_comes_from_packages(settings):
    default = {name for name, locked in weights.lock().items() if locked.default}
    assert set(weights.needed(settings)) == default
    assert all(any(source.packages for source in weights.lock()[name].sources) for name in default)


def test_only_what_the_settings_name_is_needed(settings):
    assert weights.needed(settings.but(transcribe={"model": "fake"}, diarize={"pipeline": "fake"})) == ()
    assert weights.needed(settings.but(transcribe={"model": "large-v3"}))[0] == "large-v3"
    own = settings.but(diarize={"pipeline": "/own/copy"})
    assert weights.needed(own) == ("whisper-base",)
    assert weights.needed(own.but(profiles={"enabled": True})) == ("whisper-base", "campplus")


def test_a_sets_digest_depends_on_its_files_and_not_on_their_order():
    whisper = weights.lock()["whisper-base"]
    digests = sorted(file.sha256 for file in whisper.files)
    assert whisper.sha256 == hashlib.sha256("".join(digests).encode()).hexdigest()
    assert whisper.sha256 != weights.lock()["whisper-small"].sha256


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is not there"), (b"short", "has 5 bytes instead of 5905440"), (5_905_440, "has SHA-256 ")],
)
def test_a_file_that_is_missing_or_wrong_is_refused_with_the_remedy(settings, planted, content, said):
    if content is not None:
        planted("pyannote-segmentation", "pytorch_model.bin", content)
    with pytest.raises(SetupError) as error:
        weights.locate("pyannote-segmentation", settings)
    assert error.value.code == "weights-missing"
    assert said in error.value.detail
    assert "nachlese weights fetch pyannote-segmentation" in error.value.detail
    (found,) = weights.status(settings, ("pyannote-segmentation",))
    assert not found.ok
    assert said in found.detail


def test_a_folder_in_a_files_place_is_refused(settings):
    (weights.folder(settings) / "pyannote-segmentation" / "pytorch_model.bin").mkdir(parents=True)
    with pytest.raises(SetupError, match="is not there"):
        weights.locate("pyannote-segmentation", settings)


def test_a_name_that_the_lock_does_not_have_is_told_with_those_it_has(settings):
    for ask in (weights.locate, weights.fetch):
        with pytest.raises(SetupError, match=r"whisper-base, pyannote-segmentation, campplus") as error:
            ask("whisper-huge", settings)
        assert error.value.code == "weights-unknown"


def test_a_recognizer_is_not_made_of_other_weights(settings, planted):
    planted("whisper-base", "model.bin", 145_217_532)
    with pytest.raises(SetupError, match=r"whisper-base: model\.bin has SHA-256") as error:
        FasterWhisperRecognizer(settings)
    assert error.value.code == "weights-missing"


def test_a_model_that_is_nothing_we_know_is_told(settings):
    with pytest.raises(SetupError, match=r"'large-v9' is no name of weights\.lock\.toml"):
        FasterWhisperRecognizer(settings.but(transcribe={"model": "large-v9"}))


def test_a_model_folder_of_ones_own_is_taken_and_digested(settings, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "model.bin").write_bytes(b"one")
    asked = settings.but(transcribe={"model": str(own)})
    first = FasterWhisperRecognizer(asked).digest()
    assert FasterWhisperRecognizer(asked).digest() == first
    (own / "model.bin").write_bytes(b"two")
    assert FasterWhisperRecognizer(asked).digest() != first


def test_a_folders_digest_sees_names_and_contents(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    first = weights.folder_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    second = weights.folder_digest(tmp_path)
    (tmp_path / "b").write_bytes(b"2")
    assert len({first, second, weights.folder_digest(tmp_path)}) == 3
