import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from config import settings as configuration
from config.settings import Settings, cache_folder, labels, load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    """No settings but the defaults, whatever this machine is set to; `load` may set NACHLESE_CONFIG."""
    monkeypatch.setenv("NACHLESE_CONFIG", "")
    monkeypatch.chdir(tmp_path)
    for name in ("NACHLESE_STORAGE__BUCKET", "NACHLESE_TRANSCRIBE__MODEL", "NACHLESE_LOG__LEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def written(tmp_path):
    """Write a settings file; gives its path."""

    def write(text, name="some.toml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_every_setting_has_a_default_and_every_default_is_a_setting():
    with (configuration.HERE / "default.toml").open("rb") as file:
        table = tomllib.load(file)
    assert {name: set(section) for name, section in table.items()} == {
        name: set(type(getattr(load(), name)).model_fields) for name in Settings.model_fields
    }


def test_a_file_overrides_the_defaults_and_the_environment_overrides_the_file(written, monkeypatch):
    path = written('[storage]\nbucket = "file"\nregion = "eu"\n[transcribe]\nmodel = "large-v3"\n')
    monkeypatch.setenv("NACHLESE_STORAGE__BUCKET", "environment")
    found = load(path)
    assert (found.storage.bucket, found.storage.region) == ("environment", "eu")
    assert found.transcribe.model == "large-v3"
    assert found.transcribe.beam_size == load().transcribe.beam_size == 5


def test_the_file_named_stands_for_processes_started_later(written):
    path = written("[worker]\nmax_tries = 7\n")
    assert load(path).worker.max_tries == 7
    assert load().worker.max_tries == 7


def test_a_file_in_the_working_directory_is_found(written):
    written("[worker]\nmax_tries = 8\n", "nachlese.toml")
    assert load().worker.max_tries == 8


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[storage]\nbuket = "x"\n', "storage.buket"),
        ("[storrage]\n", "storrage"),
        ("[worker]\nmax_tries = 0\n", "worker.max_tries"),
        ('[log]\nlevel = "loud"\n', "log.level"),
        ('[broker]\nqueue = "Not a name"\n', "broker.queue"),
        ("[transcribe]\nlanguages = []\n", "transcribe.languages"),
    ],
)
def test_an_unknown_key_or_value_is_an_error_that_names_it(written, text, place):
    with pytest.raises(ValidationError) as error:
        load(written(text))
    assert [".".join(map(str, one["loc"])) for one in error.value.errors()] == [place]


def test_an_unknown_key_in_the_environment_is_an_error_too(monkeypatch):
    monkeypatch.setenv("NACHLESE_STORAGE__BUKET", "x")
    with pytest.raises(ValidationError, match="buket"):
        load()


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.toml"):
        load(str(tmp_path / "nowhere.toml"))


def test_a_file_that_is_no_toml_is_an_error(written):
    with pytest.raises(tomllib.TOMLDecodeError):
        load(written("[storage\n"))


@pytest.mark.parametrize("show", [repr, str, lambda found: str(found.model_dump()), lambda found: f"{found.storage!r}"])
def test_secrets_are_never_shown(monkeypatch, show):
    monkeypatch.setenv("NACHLESE_STORAGE__SECRET_KEY", "hidden-key")
    monkeypatch.setenv("NACHLESE_BROKER__URL", "redis://:hidden-word@127.0.0.1:6379/0")
    found = load()
    assert found.storage.secret_key.get_secret_value() == "hidden-key"
    assert "hidden" not in show(found)


def test_settings_are_frozen_and_changed_by_copying():
    found = load()
    with pytest.raises(ValidationError):
        found.storage.bucket = "other"
    changed = found.but(storage={"bucket": "other"})
    assert (changed.storage.bucket, found.storage.bucket) == ("other", "")
    assert changed.but(storage={"bucket": ""}) == found
    assert hash(changed) != hash(found)


def test_the_cache_lies_where_the_desktop_standard_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "nachlese"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "nachlese"


def test_labels_are_flat_and_german_sentences_have_no_unknown_gaps():
    assert labels()["draft.label"].startswith("ENTWURF")
    errors = {key: text for key, text in labels().items() if key.startswith("error.")}
    assert len(errors) > 20
    for key, text in errors.items():
        assert all(part.isascii() and part.replace("-", "").islower() for part in key.split(".")), key
        assert text.rstrip(".: }")[-1:].isalnum() or text.endswith("}"), key
        assert text.count("{") == text.count("}"), key
