"""The folder and the bucket keep the same promises; the bucket is a real server."""

import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from pydantic import SecretStr

from config.settings import Settings, load
from jobs.errors import InputError, NachleseError, SetupError, StorageError
from worker.bucket.storage import PROBES, Folder, FolderStorage, S3Storage, Storage, Stored, probe, s3_storage

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


def test_if_match_overwrites_what_was_seen_and_nothing_else(store: Storage) -> None:
    assert not store.write("k", b"nothing there", "text/plain", if_match="0" * 32)
    store.write("k", b"one", "text/plain")
    seen = store.head("k")
    assert seen is not None
    assert store.write("k", b"two!", "text/plain", if_match=seen.etag)
    assert not store.write("k", b"three", "text/plain", if_match=seen.etag)
    assert store.read("k") == b"two!"


def test_of_many_that_saw_the_same_one_wins(store: Storage) -> None:
    store.write("k", b"", "text/plain")
    seen = store.head("k")
    assert seen is not None

    def write(number: int) -> bool:
        return store.write("k", b"x" * (number + 1), "text/plain", if_match=seen.etag)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(16)))
    assert sum(won) == 1
    assert store.read("k") == b"x" * (won.index(True) + 1)


def test_a_part_is_a_part(store: Storage) -> None:
    store.write("k", bytes(range(100)), "text/plain")
    assert store.read_part("k", 0, 10) == bytes(range(10))
    assert store.read_part("k", 95, 10) == bytes(range(95, 100))
    with pytest.raises(StorageError, match="object-missing"):
        store.read_part("nothing", 0, 1)


def test_folder_by_folder_is_the_same_as_all_at_once(store: Storage) -> None:
    for key in ("a.wav", "a.wav.nachlese/stages/x/done", "a/b.wav", "a/c/d.wav", "ab/e.wav", "ä ö/f.wav", "z.wav"):
        store.write(key, key.encode(), "text/plain")

    def walk(prefix: str) -> set[Stored]:
        found = set()
        for each in store.folder(prefix):
            found |= walk(each.key) if isinstance(each, Folder) else {each}
        return found

    for prefix in ("", "a", "a/", "a/c/d", "nothing/"):
        assert walk(prefix) == set(store.list(prefix))
    top = {each.key for each in store.folder()}
    assert top == {"a.wav", "a.wav.nachlese/", "a/", "ab/", "ä ö/", "z.wav"}


def test_a_store_that_obeys_conditions_is_known(store: Storage) -> None:
    assert probe(store)
    assert not list(store.list(PROBES))


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


# --- what leaves this machine -------------------------------------------------------------------------------------


class Raw(BytesIO):
    """An answer's body, as botocore reads it."""

    def stream(self) -> "Raw":
        return self


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[AWSPreparedRequest]]:
    """Requests as they would leave, for settings of a store that nobody can reach; answered by an empty 200."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))

    def ask(does: Callable[[S3Storage], object], **storage: object) -> list[AWSPreparedRequest]:
        known = {"bucket": "stage", "access_key": "AKIAX", "secret_key": SecretStr("geheim"), "region": "eu-central-1"}
        found = s3_storage(load().but(storage=known | storage))
        seen: list[AWSPreparedRequest] = []

        def note(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            seen.append(request)
            return AWSResponse(request.url, 200, {"ETag": '"e"'}, Raw())

        found.client.meta.events.register("before-send", note)
        does(found)
        return seen

    return ask


def put_one(storage: S3Storage) -> None:
    storage.write("a/b.wav", b"x", "audio/wav")


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://stage.s3.eu-central-1.amazonaws.com/a/b.wav"),
        ({"addressing": "path"}, "https://s3.eu-central-1.amazonaws.com/stage/a/b.wav"),
        ({"region": "us-west-2"}, "https://stage.s3.us-west-2.amazonaws.com/a/b.wav"),
        ({"endpoint_url": "https://s3.example.org", "addressing": "virtual"}, "https://stage.s3.example.org/a/b.wav"),
        ({"endpoint_url": "https://s3.example.org", "addressing": "path"}, "https://s3.example.org/stage/a/b.wav"),
        ({"endpoint_url": "http://127.0.0.1:9", "addressing": "auto"}, "http://127.0.0.1:9/stage/a/b.wav"),
    ],
)
def test_addressing(leaving: Any, settings: dict[str, object], address: str) -> None:
    (request,) = leaving(put_one, **settings)
    assert request.url == address
    region = settings.get("region", "eu-central-1")
    assert f"/{region}/s3/aws4_request" in request.headers["Authorization"].decode()


@pytest.mark.parametrize("size_mb", [1, 9])
def test_every_write_asks_for_encryption(leaving: Any, tmp_path: Path, size_mb: int) -> None:
    """Also the upload in parts, of which the first request says it for all."""
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(size_mb << 20))
    sealed = {"sse": "aws:kms", "kms_key_id": "arn:aws:kms:eu-central-1:1:key/k"}

    def put_both(storage: S3Storage) -> None:
        put_one(storage)
        storage.write("c", b"", "text/plain", if_absent=True)
        with suppress(NachleseError, KeyError):  # the parts' answers are too plain for boto3
            storage.upload(path, "a.wav", "audio/wav")

    for request in leaving(put_both, **sealed)[:3]:
        assert request.headers["x-amz-server-side-encryption"] == b"aws:kms"
        assert request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == sealed["kms_key_id"].encode()
    for request in leaving(put_both, sse="AES256")[:3]:
        assert request.headers["x-amz-server-side-encryption"] == b"AES256"
        assert "x-amz-server-side-encryption-aws-kms-key-id" not in request.headers
    for request in leaving(put_both):
        assert not [name for name in request.headers if "encryption" in name.lower()]


def test_a_ca_bundle_is_the_one_that_is_trusted(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    found = s3_storage(load().but(storage={"bucket": "b", "region": "r", "ca_bundle": str(bundle)}))
    assert found.client._endpoint.http_session._verify == str(bundle)


def test_roles_are_boto3s_own_affair(leaving: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without keys in the settings, a web identity's role is assumed, as on Kubernetes."""
    token = tmp_path / "token"
    token.write_text("an-identity")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/nachlese")
    asked: list[str] = []

    def sts(self: object, request: AWSPreparedRequest) -> AWSResponse:  # noqa: ARG001  # a method
        asked.append(f"{request.url} {request.body!r}")
        body = _ASSUMED.encode()
        return AWSResponse(request.url, 200, {"Content-Length": str(len(body))}, Raw(body))

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", sts)
    (request,) = leaving(put_one, access_key="", secret_key=SecretStr(""))
    assert len(asked) == 1
    assert asked[0].startswith("https://sts.")
    assert "role%2Fnachlese" in asked[0]
    assert "Credential=ASIAROLE/" in request.headers["Authorization"].decode()
    assert request.headers["X-Amz-Security-Token"] == b"of-the-role"


def test_profiles_are_boto3s_own_affair(leaving: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile stage]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "stage")
    (request,) = leaving(put_one, access_key="", secret_key=SecretStr(""))
    assert "Credential=AKIAPROFILE/" in request.headers["Authorization"].decode()


_ASSUMED = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey>
<SessionToken>of-the-role</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


@pytest.mark.parametrize("obeys", ["neither", "absent", "match"])
def test_a_store_that_ignores_a_condition_is_known(tmp_path: Path, obeys: str) -> None:
    class Careless(FolderStorage):
        def write(self, key: str, data: bytes, media_type: str, **given: Any) -> bool:
            kept = {name: value for name, value in given.items() if name == f"if_{obeys}"}
            return super().write(key, data, media_type, **kept)

    storage = Careless(tmp_path)
    assert not probe(storage)
    assert not list(storage.list())


def test_a_store_that_fails_at_conditions_is_known(tmp_path: Path) -> None:
    class Simple(FolderStorage):
        def write(self, key: str, data: bytes, media_type: str, **given: Any) -> bool:
            if given:
                raise StorageError("storage-failed", "NotImplemented")
            return super().write(key, data, media_type)

    assert not probe(Simple(tmp_path))
