"""The talk data beside a recording: `NAME.yaml`, written by people, read once."""

from pathlib import Path

import yaml

from config.settings import labels
from jobs.errors import InputError
from jobs.programme import Talk, parse_talk
from worker.storage import Storage

#: A sidecar may be this long.
MAX_BYTES = 256 * 1024


def sidecar_keys(key: str) -> tuple[str, ...]:
    """Where the sidecar of the recording at `key` may lie, first choice first.

    Examples:
        >>> sidecar_keys("a/talk.mp3")
        ('a/talk.yaml', 'a/talk.yml', 'a/talk.mp3.yaml')
    """
    head, slash, name = key.rpartition("/")
    stem = f"{head}{slash}{Path(name).stem}"
    return (f"{stem}.yaml", f"{stem}.yml", f"{key}.yaml")


def read_stored(key: str, storage: Storage) -> Talk:
    """What the sidecar beside `key` says; an empty Talk where there is none.

    Raises:
        InputError: "bad-sidecar" when it is too long or can't be understood.
    """
    for sidecar in sidecar_keys(key):
        found = storage.head(sidecar)
        if found is not None:
            _check_size(found.size_bytes)
            return parse(storage.read(sidecar))
    return Talk()


def local_bytes(recording: Path, given: Path | None) -> bytes | None:
    """The sidecar given, or the one beside a file, once it is known to be understood; None where there is none.

    Raises:
        InputError: "not-found" or "bad-sidecar".
    """
    beside = [path for path in map(Path, sidecar_keys(str(recording))) if path.is_file()]
    chosen = given if given is not None else next(iter(beside), None)
    if chosen is None:
        return None
    try:
        _check_size(chosen.stat().st_size)
        data = chosen.read_bytes()
    except OSError:
        raise InputError("not-found", "there is no such sidecar", name=chosen.name) from None
    parse(data)
    return data


def parse(data: bytes) -> Talk:
    """Read a sidecar's bytes.

    Raises:
        InputError: "bad-sidecar" when they are too many or can't be understood.
    """
    _check_size(len(data))
    try:
        content = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError):
        # The cause would quote the sidecar.
        raise InputError("bad-sidecar", "the sidecar is not YAML", what=labels()["put.sidecar_unreadable"]) from None
    return parse_talk(content)


def _check_size(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        detail = f"the sidecar has {size_bytes} bytes; {MAX_BYTES} are allowed"
        raise InputError("bad-sidecar", detail, what=labels()["put.sidecar_too_long"])
