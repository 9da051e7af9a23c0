"""Where recordings lie and what is made of them: an S3 bucket, or a folder that stands in for one.

Keys are written by strangers. No message here holds one: logs and Redis see recording ids only.
"""

import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own tree; the builtin isn't used here
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.utils import parse_timestamp

from config.settings import Settings
from jobs.errors import InputError, NachleseError, SetupError, StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef

#: Called with the number of bytes moved since the last call; from any thread.
Moved = Callable[[int], None]

#: Where objects that only try the store out are written, and removed again.
PROBES = ".nachlese/probe-"
#: At once, by all threads together.
_CONNECTIONS = 32
_HALF_WRITTEN = ".half-written-"
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_UNKNOWN_CALLER = frozenset({"401", "403", "Forbidden", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"})
_DENIED = _UNKNOWN_CALLER | {"AccessDenied", "AllAccessDisabled", "ExpiredToken", "RequestTimeTooSkewed"}
_EXISTS = frozenset({"409", "412", "ConditionalRequestConflict", "PreconditionFailed"})
_TOO_LONG = frozenset({"414", "KeyTooLong", "KeyTooLongError"})


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as a listing shows it."""

    key: str
    #: The store's version tag, without quotation marks. Not a digest of the content.
    etag: str
    size_bytes: int
    #: When it was last written, by the store's clock; aware.
    modified: datetime


@dataclass(frozen=True, slots=True)
class Folder:
    """A part of the keys below a prefix: those that go on alike up to the next "/"."""

    #: Ends in "/".
    key: str


class Storage(Protocol):
    """Whatever holds recordings. Every method raises StorageError when the store can't answer."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """All objects whose key starts with `prefix`, page by page, in no promised order."""
        ...

    def folder(self, prefix: str = "") -> Iterator[Stored | Folder]:
        """What `list` gives, up to the next "/" after `prefix`: what lies deeper is told as its folder only."""
        ...

    def head(self, key: str) -> Stored | None:
        """The object at `key`; None where there is none."""
        ...

    def read(self, key: str) -> bytes:
        """The bytes at `key`.

        Raises:
            StorageError: "object-missing" when nothing is there.
        """
        ...

    def read_part(self, key: str, start: int, size_bytes: int) -> bytes:
        """At most `size_bytes` of the object at `key`, from byte `start`; it must have one there.

        Raises:
            StorageError: "object-missing" when nothing is there.
        """
        ...

    def write(
        self, key: str, data: bytes, media_type: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> bool:
        """Put `data` at `key`, whole or not at all; False when a condition fails, and nothing is written.

        Args:
            key: Where to put it.
            data: The whole object.
            media_type: What it is, e.g. "application/json".
            if_absent: Only where nothing is.
            if_match: Only over the object with this etag (`Stored.etag`).

        Raises:
            InputError: "name-too-long" when the store can't hold such a key.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove what is at `key`; nothing there is fine."""
        ...

    def download(self, key: str, path: Path) -> None:
        """Copy the object at `key` to the local file `path`.

        Raises:
            StorageError: "object-missing" when nothing is there, "disk-full" when it doesn't fit here.
        """
        ...

    def upload(self, path: Path, key: str, media_type: str, *, moved: Moved | None = None) -> None:
        """Copy the local file `path` to `key`, telling `moved` how many bytes went since it was last called.

        Raises:
            InputError: "name-too-long" when the store can't hold such a key.
        """
        ...

    def uri(self, key: str) -> str:
        """The address of `key`, e.g. "s3://stage/talk.mp3"; goes into the recording's id."""
        ...

    def clock(self) -> datetime:
        """What time it is where `Stored.modified` is stamped; aware."""
        ...


@dataclass(frozen=True, slots=True)
class S3Storage:
    """A bucket behind an S3 API."""

    client: "S3Client"
    bucket: str
    #: Keys asked for at once; S3 gives 1000 at most.
    page_size: int = 1000
    #: How the store is asked to encrypt what is written: boto3's arguments for it.
    sealing: Mapping[str, str] = field(default_factory=dict)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """See `Storage`."""
        for page in self._pages(prefix, ""):
            yield from map(_listed, page.get("Contents", ()))

    def folder(self, prefix: str = "") -> Iterator[Stored | Folder]:
        """See `Storage`."""
        for page in self._pages(prefix, "/"):
            yield from map(_listed, page.get("Contents", ()))
            yield from (Folder(each["Prefix"]) for each in page.get("CommonPrefixes", ()))

    def head(self, key: str) -> Stored | None:
        """See `Storage`."""
        try:
            with _translated():
                found = self.client.head_object(Bucket=self.bucket, Key=key)
        except StorageError as error:
            if error.code == "object-missing":
                return None
            raise
        return Stored(key, found["ETag"].strip('"'), found["ContentLength"], found["LastModified"])

    def read(self, key: str) -> bytes:
        """See `Storage`."""
        with _translated():
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def read_part(self, key: str, start: int, size_bytes: int) -> bytes:
        """See `Storage`."""
        wanted = f"bytes={start}-{start + size_bytes - 1}"
        with _translated():
            body = self.client.get_object(Bucket=self.bucket, Key=key, Range=wanted)["Body"]
            # A store that ignores the range would send hours of sound.
            return body.read(size_bytes)

    def write(
        self, key: str, data: bytes, media_type: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> bool:
        """See `Storage`."""
        arguments: Any = dict(self.sealing, Bucket=self.bucket, Key=key, Body=data, ContentType=media_type)
        if if_absent:
            arguments["IfNoneMatch"] = "*"
        if if_match is not None:
            arguments["IfMatch"] = f'"{if_match}"'
        try:
            with _translated():
                self.client.put_object(**arguments)
        except StorageError as error:
            if (if_absent or if_match is not None) and error.code in {"object-exists", "object-missing"}:
                return False
            raise
        return True

    def delete(self, key: str) -> None:
        """See `Storage`."""
        with _translated():
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def download(self, key: str, path: Path) -> None:
        """See `Storage`."""
        with _translated():
            self.client.download_file(self.bucket, key, str(path))

    def upload(self, path: Path, key: str, media_type: str, *, moved: Moved | None = None) -> None:
        """See `Storage`."""
        with _translated():
            self.client.upload_file(
                str(path),
                self.bucket,
                key,
                ExtraArgs={**self.sealing, "ContentType": media_type},
                Callback=moved or _ignore,
            )

    def uri(self, key: str) -> str:
        """See `Storage`."""
        return f"s3://{self.bucket}/{key}"

    def clock(self) -> datetime:
        """See `Storage`; from the Date header of an answer."""
        try:
            with _translated():
                headers = self.client.head_bucket(Bucket=self.bucket)["ResponseMetadata"]["HTTPHeaders"]
        except StorageError as error:
            # The answer to HEAD has no body, and so no code that names the bucket.
            raise (_no_bucket() if error.code == "object-missing" else error) from None
        with suppress(KeyError, ValueError):
            stamped = parsedate_to_datetime(headers["date"])
            if stamped.tzinfo is not None:
                return stamped
        return datetime.now(UTC)

    def _pages(self, prefix: str, delimiter: str) -> Iterator["ListObjectsV2OutputTypeDef"]:
        # Continuation tokens, never StartAfter: not every store lists in the order of bytes.
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": self.page_size}
        )
        with _translated():
            yield from pages


@dataclass(frozen=True, slots=True)
class FolderStorage:
    """A folder that answers like a bucket; an etag is made of a file's time and size."""

    root: Path

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """See `Storage`. Symbolic links are left out: they may lead anywhere."""
        with _translated():
            start = self.root / prefix.rpartition("/")[0]
            if not start.resolve().is_relative_to(self.root.resolve()):
                return
            for folder, folders, names in os.walk(start):
                folders.sort()
                for name in sorted(names):
                    path = Path(folder, name)
                    key = path.relative_to(self.root).as_posix()
                    if key.startswith(prefix) and _is_whole(path):
                        with suppress(FileNotFoundError):
                            yield _stored(key, path.stat())

    def folder(self, prefix: str = "") -> Iterator[Stored | Folder]:
        """See `Storage`."""
        with _translated(), suppress(FileNotFoundError, NotADirectoryError):
            start = self.root / prefix.rpartition("/")[0]
            if not start.resolve().is_relative_to(self.root.resolve()):
                return
            for path in sorted(start.iterdir()):
                key = path.relative_to(self.root).as_posix()
                if key.startswith(prefix) and _is_whole(path):
                    with suppress(FileNotFoundError):
                        yield Folder(f"{key}/") if path.is_dir() else _stored(key, path.stat())

    def head(self, key: str) -> Stored | None:
        """See `Storage`."""
        with _translated(), suppress(FileNotFoundError, NotADirectoryError):
            path = self._path(key)
            if path.is_file():
                return _stored(key, path.stat())
        return None

    def read(self, key: str) -> bytes:
        """See `Storage`."""
        with _translated():
            return self._path(key).read_bytes()

    def read_part(self, key: str, start: int, size_bytes: int) -> bytes:
        """See `Storage`."""
        with _translated(), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(size_bytes)

    def write(
        self,
        key: str,
        data: bytes,
        media_type: str,  # noqa: ARG002  # a folder keeps no types
        *,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> bool:
        """See `Storage`. Of those who write here at once under `if_match`, one wins."""
        with _translated(), self._new(key) as (half, path):
            half.write_bytes(data)
            _sync(half)
            if if_match is not None:
                with _alone_in(path.parent):
                    found = self.head(key)
                    matches = found is not None and found.etag == if_match
                    if matches:
                        half.replace(path)
                    return matches
            if not if_absent:
                half.replace(path)
                return True
            try:
                # Unlike a rename, a hard link fails where a file is.
                os.link(half, path)
            except FileExistsError:
                return False
            return True

    def delete(self, key: str) -> None:
        """See `Storage`."""
        with _translated(), suppress(FileNotFoundError, NotADirectoryError):
            self._path(key).unlink()

    def download(self, key: str, path: Path) -> None:
        """See `Storage`."""
        with _translated():
            shutil.copyfile(self._path(key), path)

    def upload(self, path: Path, key: str, media_type: str, *, moved: Moved | None = None) -> None:  # noqa: ARG002  # a folder keeps no types
        """See `Storage`."""
        with _translated(), self._new(key) as (half, target):
            shutil.copyfile(path, half)
            _sync(half)
            half.replace(target)
        if moved is not None:
            moved(target.stat().st_size)

    def uri(self, key: str) -> str:
        """See `Storage`."""
        return f"file://{self.root.resolve().as_posix()}/{key}"

    def clock(self) -> datetime:
        """See `Storage`."""
        return datetime.now(UTC)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        outside = not all(parts) or ".." in parts or "." in parts or "\0" in key
        path = self.root / key
        if outside or not path.parent.resolve().is_relative_to(self.root.resolve()) or path.is_symlink():
            raise InputError("bad-key", "a key must name a file below the folder")
        return path

    @contextmanager
    def _new(self, key: str) -> Iterator[tuple[Path, Path]]:
        """A file to fill beside `key`, and the path that it shall take; whatever is left of the first is removed."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_HALF_WRITTEN, dir=path.parent)
        os.close(handle)
        half = Path(name)
        half.chmod(0o644)
        try:
            yield half, path
            _sync(path.parent)
        finally:
            half.unlink(missing_ok=True)


def s3_storage(settings: Settings, *, patience_s: float | None = None) -> S3Storage:
    """Open the bucket that the settings name. Nothing is asked of the network yet.

    Args:
        settings: Where it is, and who we are; what they leave empty boto3 finds by itself: roles, profiles,
            environment.
        patience_s: Give up after one try of this length; None waits, and tries again, as long as work is worth.

    Raises:
        SetupError: "bucket-unset" when they name none, "bad-storage" when they can't be used.
    """
    storage = settings.storage
    if not storage.bucket:
        raise SetupError(
            "bucket-unset", "no bucket is set: set NACHLESE_STORAGE__BUCKET or storage.bucket in nachlese.toml"
        )
    options = Config(
        connect_timeout=patience_s or 10,
        read_timeout=patience_s or 60,
        retries={"mode": "standard", "max_attempts": 5 if patience_s is None else 1},
        max_pool_connections=_CONNECTIONS,
        s3={"addressing_style": storage.addressing},
        # Checksums in trailers are AWS's own: many other stores refuse them.
        request_checksum_calculation="when_required" if storage.endpoint_url else "when_supported",
        response_checksum_validation="when_required" if storage.endpoint_url else "when_supported",
    )
    core = botocore.session.get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    try:
        client = boto3.session.Session(botocore_session=core).client(
            "s3",
            endpoint_url=storage.endpoint_url or None,
            region_name=storage.region or None,
            aws_access_key_id=storage.access_key or None,
            aws_secret_access_key=storage.secret_key.get_secret_value() or None,
            verify=storage.ca_bundle or None,
            config=options,
        )
    except (BotoCoreError, ValueError) as error:
        message = (
            f"the storage settings can't be used ({type(error).__name__}): check endpoint_url, region and ca_bundle"
        )
        raise SetupError("bad-storage", message) from None
    sealing = {"ServerSideEncryption": storage.sse, "SSEKMSKeyId": storage.kms_key_id}
    return S3Storage(client, storage.bucket, sealing={name: value for name, value in sealing.items() if value})


def probe(storage: Storage) -> bool:
    """Whether the store obeys conditions on writes; without them two workers may write over each other.

    Raises:
        StorageError: it can't be written to.
    """
    key, media_type = f"{PROBES}{secrets.token_hex(8)}", "text/plain"
    try:
        first = storage.write(key, b"", media_type, if_absent=True)
        again = storage.write(key, b"again", media_type, if_absent=True)
        other = storage.write(key, b"other", media_type, if_match="0" * 32)
    except StorageError as error:
        if error.code != "storage-failed":
            raise
        # Some stores answer conditions that they don't know with an error.
        return False
    finally:
        storage.delete(key)
    return first and not again and not other


def _moment(told: str) -> datetime:
    """A time as a listing writes it. Botocore's own parser takes any, and more than half the time of a listing."""
    try:
        found = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        return parse_timestamp(told)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what boto3 and the disk raise into our errors.

    The cause is cut off: botocore's messages hold URLs, and so file names.
    """
    try:
        yield
    except ClientError as error:
        raise _of_answer(error) from None
    except (NoCredentialsError, PartialCredentialsError):
        raise _denied() from None
    except (ConnectionError, HTTPClientError) as error:
        message = f"the S3 endpoint doesn't answer ({type(error).__name__}): check storage.endpoint_url and the network"
        raise StorageError("unreachable", message) from None
    except (BotoCoreError, Boto3Error) as error:
        raise _of_library(error) from None
    except OSError as error:
        raise _of_disk(error) from None


def _of_answer(error: ClientError) -> NachleseError:
    code = error.response.get("Error", {}).get("Code", "")
    status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    seen = {code, status}
    if code == "NoSuchBucket":
        return _no_bucket()
    if seen & _TOO_LONG:
        return InputError("name-too-long", "the store can't hold so long a key")
    if seen & _DENIED:
        return _denied(f"the store answered {code or status}")
    if seen & _MISSING:
        return StorageError("object-missing", "nothing is stored at this key")
    if seen & _EXISTS:
        return StorageError("object-exists", "something is stored at this key already, or it changed meanwhile")
    return StorageError("storage-failed", f"the store answered {code or '?'} (HTTP {status or '?'}): see its own log")


def _of_library(error: Exception) -> NachleseError:
    # s3transfer wraps what it met in an error of its own; its text ends in the answer's name.
    inner = error.__cause__ or error.__context__
    if isinstance(inner, ClientError):
        return _of_answer(inner)
    return StorageError("storage-failed", f"the S3 client gave up ({type(error).__name__})")


def _of_disk(error: OSError) -> NachleseError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)):
        return StorageError("object-missing", "nothing is stored at this key")
    if error.errno == errno.ENAMETOOLONG:
        return InputError("name-too-long", "the disk can't hold so long a name")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError("disk-full", "no space is left on a disk of this machine: make room, or set media.scratch")
    if isinstance(error, PermissionError):
        return _denied("the disk refused")
    return StorageError("storage-failed", f"the disk failed ({errno.errorcode.get(error.errno or 0, '?')})")


def _no_bucket() -> StorageError:
    return StorageError("bucket-missing", "the bucket doesn't exist: create it, or correct storage.bucket")


def _denied(why: str = "no credentials were found") -> StorageError:
    remedy = "check storage.access_key and storage.secret_key, the right to list, read, write and delete, and the clock"
    return StorageError("access-denied", f"{why}: {remedy}")


def _stored(key: str, stat: os.stat_result) -> Stored:
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return Stored(key, f"{stat.st_mtime_ns:x}-{stat.st_size:x}", stat.st_size, modified)


def _listed(item: "ObjectTypeDef") -> Stored:
    return Stored(item["Key"], item["ETag"].strip('"'), item["Size"], item["LastModified"])


def _is_whole(path: Path) -> bool:
    """Whether a file, or a folder, is to be seen: no half-written one, no link."""
    return not path.name.startswith(_HALF_WRITTEN) and not path.is_symlink()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _ignore(_moved: int) -> None:
    """Nobody wants to know how far the upload is."""
