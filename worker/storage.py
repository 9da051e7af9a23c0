"""Where recordings lie and what is made of them: an S3 bucket, or a folder that stands in for one.

Keys are written by strangers. No message here holds one: logs and Redis see recording ids only.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import boto3
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

from config.settings import Settings
from jobs.errors import InputError, NachleseError, SetupError, StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

#: Called with the number of bytes moved since the last call; from any thread.
Moved = Callable[[int], None]

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


class Storage(Protocol):
    """Whatever holds recordings. Every method raises StorageError when the store can't answer."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """All objects whose key starts with `prefix`, page by page, in no promised order."""
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

    def write(self, key: str, data: bytes, media_type: str, *, if_absent: bool = False) -> bool:
        """Put `data` at `key`, whole or not at all; False when `if_absent` and something is there already.

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

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """See `Storage`."""
        # Continuation tokens, never StartAfter: not every store lists in the order of bytes.
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, PaginationConfig={"PageSize": self.page_size}
        )
        with _translated():
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Stored(item["Key"], item["ETag"].strip('"'), item["Size"], item["LastModified"])

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

    def write(self, key: str, data: bytes, media_type: str, *, if_absent: bool = False) -> bool:
        """See `Storage`."""
        try:
            with _translated():
                if if_absent:
                    self.client.put_object(
                        Bucket=self.bucket, Key=key, Body=data, ContentType=media_type, IfNoneMatch="*"
                    )
                else:
                    self.client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=media_type)
        except StorageError as error:
            if if_absent and error.code == "object-exists":
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
                str(path), self.bucket, key, ExtraArgs={"ContentType": media_type}, Callback=moved or _ignore
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
                    if key.startswith(prefix) and not name.startswith(_HALF_WRITTEN) and not path.is_symlink():
                        with suppress(FileNotFoundError):
                            yield _stored(key, path.stat())

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

    def write(self, key: str, data: bytes, media_type: str, *, if_absent: bool = False) -> bool:  # noqa: ARG002  # a folder keeps no types
        """See `Storage`."""
        with _translated(), self._new(key) as (half, path):
            half.write_bytes(data)
            _sync(half)
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


def s3_storage(settings: Settings) -> S3Storage:
    """Open the bucket that the settings name. Nothing is asked of the network yet.

    Raises:
        SetupError: "bucket-unset" when they name none, "bad-storage" when they can't be used.
    """
    storage = settings.storage
    if not storage.bucket:
        raise SetupError(
            "bucket-unset", "no bucket is set: set NACHLESE_STORAGE__BUCKET or storage.bucket in nachlese.toml"
        )
    options = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 5},
        s3={"addressing_style": storage.addressing},
        # Checksums in trailers are AWS's own: many other stores refuse them.
        request_checksum_calculation="when_required" if storage.endpoint_url else "when_supported",
        response_checksum_validation="when_required" if storage.endpoint_url else "when_supported",
    )
    try:
        client = boto3.session.Session().client(
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
    return S3Storage(client, storage.bucket)


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _ignore(_moved: int) -> None:
    """Nobody wants to know how far the upload is."""
