from pathlib import Path

import pytest

from config.settings import Settings, load
from jobs.errors import SetupError
from worker.sound.scratch import clean_scratch, scratch


def settings(folder: Path) -> Settings:
    return load().but(media={"scratch": str(folder)})


def test_it_is_empty_and_goes_with_its_use(tmp_path: Path) -> None:
    with scratch(settings(tmp_path)) as folder:
        assert not list(folder.iterdir())
        (folder / "sub").mkdir()
        (folder / "sub" / "x").write_bytes(b"x")
    assert not list(tmp_path.iterdir())


def test_only_what_nobody_uses_is_cleaned(tmp_path: Path) -> None:
    (tmp_path / "nachlese-scratch-left").mkdir()
    (tmp_path / "nachlese-scratch-left" / "recording").write_bytes(b"x")
    (tmp_path / "somebody-elses").mkdir()
    (tmp_path / "nachlese-scratch-link").symlink_to(tmp_path / "somebody-elses")
    with scratch(settings(tmp_path)) as used:
        assert clean_scratch(settings(tmp_path)) == 1
        assert used.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"somebody-elses", "nachlese-scratch-link"}


def test_a_folder_that_is_not_there_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"media\.scratch"), scratch(settings(tmp_path / "nowhere")):
        pytest.fail("it opened")
