"""Reads what lies in a storage, where it may be missing or unreadable."""

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from jobs.errors import StorageError
from worker.bucket.storage import Storage

T = TypeVar("T")


def bytes_at(storage: Storage, key: str) -> bytes | None:
    """The object at `key`; None where there is none."""
    try:
        return storage.read(key)
    except StorageError as error:
        if error.code != "object-missing":
            raise
        return None


def parsed(data: bytes | None, kind: type[T]) -> T | None:
    """A value of that type from its JSON; None where there is nothing, or nothing that can be read as one."""
    try:
        return None if data is None else TypeAdapter(kind).validate_json(data)
    except ValidationError:
        return None
