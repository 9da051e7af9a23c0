"""The folder and the bucket keep the same promises; the bucket is a real server."""

import os
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings
from jobs.errors import InputError, NachleseError, SetupError, StorageError
from worker.storage import FolderStorage, S3Storage, Storage, s3_storage

ODD_KEYS = (
    "talks/Käse & Über.mp3",
    unicodedata.normalize("NFD", "talks/Käse & Über.mp3"),
    "talks/💥<script>alert(1)</script>.wav",
    "talks/new\nline\ttab.mp3",
    "talks/%20+&=?#;'\".mp3",
    "talks/ lead and trail .mp3",
    "talks/" + "x" * 255,
    "ä/" * 100 + "deep.wav",
)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        (tmp_path / "root").mkdir()
        return FolderStorage(tmp_path / "root")
    found: S3Storage = request.getfixturevalue("storage")
    return found


def test_what_is_written_is_found_under_any_key(store: Storage) -> None:
    for number, key in enumerate(ODD_KEYS):
        assert store.write(key, b"%d" % number, "audio/mpeg")
    listed = {item.key: item for item in store.list()}
    assert set(listed) == set(ODD_KEYS)
    for number, key in enumerate(ODD_KEYS):
        assert store.read(key) == b"%d" % number
        assert store.head(key) == listed[key]
        assert listed[key].size_bytes == 1


def test_a_prefix_is_a_string_not_a_folder(store: Storage) -> None:
    for key in ("a/1", "a/2", "ab/3", "b/4", "a.txt"):
        store.write(key, b"", "text/plain")
    assert {item.key for item in store.list("a/")} == {"a/1", "a/2"}
    assert {item.key for item in store.list("a")} == {"a/1", "a/2", "ab/3", "a.txt"}
    assert not list(store.list("nothing/here/"))


def test_a_new_version_gets_a_new_etag_and_keeps_its_place(store: Storage) -> None:
    store.write("k", b"one", "text/plain")
    first = store.head("k")
    store.write("k", b"three", "text/plain")
    second = store.head("k")
    assert first is not None
    assert second is not None
    assert first.etag != second.etag
    assert [item.key for item in store.list()] == ["k"]


def test_if_absent_never_overwrites(store: Storage) -> None:
    assert store.write("k", b"one", "text/plain", if_absent=True)
    assert not store.write("k", b"two", "text/plain", if_absent=True)
    assert store.read("k") == b"one"


def test_files_come_back_as_they_went(store: Storage, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(17 * 1024 * 1024))
    moved: list[int] = []
    store.upload(source, "big.wav", "audio/wav", moved=moved.append)
    store.download("big.wav", back)
    assert back.read_bytes() == source.read_bytes()
    assert sum(moved) == source.stat().st_size
    assert [store.head("big.wav")] == list(store.list())


def test_missing_is_said_as_such(store: Storage, tmp_path: Path) -> None:
    assert store.head("nothing") is None
    store.delete("nothing")
    for ask in (lambda: store.read("nothing"), lambda: store.download("nothing", tmp_path / "x")):
        with pytest.raises(StorageError) as caught:
            ask()
        assert caught.value.code == "object-missing"


def test_deleted_is_gone(store: Storage) -> None:
    store.write("k", b"", "text/plain")
    store.delete("k")
    assert store.head("k") is None
    assert not list(store.list())


def test_a_key_too_long_for_the_store_is_the_names_fault(store: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    key = "talks/" + "ü" * 150 + ".mp3"
    for ask in (lambda: store.write(key, b"", "text/plain"), lambda: store.upload(source, key, "audio/mpeg")):
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.code == "name-too-long"


def test_the_clock_is_the_one_that_stamps(store: Storage) -> None:
    store.write("k", b"", "text/plain")
    found = store.head("k")
    assert found is not None
    assert abs(store.clock() - found.modified) < timedelta(minutes=1)
    assert abs(store.clock() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_listing_has_as_many_pages_as_it_needs(storage: S3Storage) -> None:
    keys = {f"deep/{number % 7}/{number}" for number in range(53)}
    for key in keys:
        storage.write(key, b"", "text/plain")
    small = S3Storage(storage.client, storage.bucket, page_size=10)
    listed = [item.key for item in small.list("deep/")]
    assert len(listed) == 53
    assert set(listed) == keys


WRONG = {
    "secret": ({"secret_key": SecretStr("wr0ng-Secret")}, "access-denied", "storage.secret_key"),
    "who": ({"access_key": "nobody-known"}, "access-denied", "storage.access_key"),
    "bucket": ({"bucket": "no-such-bucket"}, "bucket-missing", "create it"),
    "endpoint": ({"endpoint_url": "http://127.0.0.1:1"}, "unreachable", "storage.endpoint_url"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_named_with_its_remedy_and_without_secrets(
    settings: Settings, tmp_path: Path, case: str
) -> None:
    change, code, remedy = WRONG[case]
    storage = s3_storage(settings.but(storage=change))
    source = tmp_path / "Frau Schmidt.wav"
    source.write_bytes(b"x")
    for ask in (
        lambda: list(storage.list()),
        storage.clock,
        lambda: storage.write("Frau Schmidt.wav", b"", "text/plain"),
        lambda: storage.upload(source, "Frau Schmidt.wav", "audio/wav"),
    ):
        with pytest.raises(StorageError) as caught:
            ask()
        said = str(caught.value)
        assert caught.value.code == code
        assert remedy in said
        assert "Schmidt" not in said
        assert settings.storage.secret_key.get_secret_value() not in said
        assert "wr0ng" not in said
        assert caught.value.__suppress_context__


def test_a_bucket_must_be_named(settings: Settings) -> None:
    with pytest.raises(SetupError, match=r"storage\.bucket"):
        s3_storage(settings.but(storage={"bucket": ""}))


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a//b", "a/", ".", "a/./b", "a\0b", ""])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "x").write_bytes(b"secret")
    storage = FolderStorage(root)
    for ask in (
        lambda: storage.write(key, b"", "text/plain"),
        lambda: storage.read(key),
        lambda: storage.head(key),
        lambda: storage.delete(key),
    ):
        with pytest.raises(NachleseError) as caught:
            ask()
        assert caught.value.code == "bad-key"
    assert (tmp_path / "x").read_bytes() == b"secret"
    assert not list(storage.list("../"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"secret")
    (root / "link.wav").symlink_to(outside / "secret.wav")
    (root / "folder").symlink_to(outside)
    storage = FolderStorage(root)
    assert not list(storage.list())
    for key in ("link.wav", "folder/secret.wav"):
        with pytest.raises(InputError):
            storage.read(key)


def test_nothing_half_written_is_left_or_listed(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.write("a/b", b"x", "text/plain")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    with pytest.raises(NachleseError):
        storage.upload(tmp_path / "not-there", "a/c", "text/plain")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
