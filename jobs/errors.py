"""The one tree of errors.

    NachleseError
    ├── InputError      the recording (or what was said about it) is at fault; never retried
    ├── EngineError     a model or ffmpeg failed on a good recording; retried
    ├── StorageError    the bucket or the disk failed; retried
    └── SetupError      this machine is not ready; raised before the first job, never retried

Every error has a `code`, a short kebab-case name. The producer reads the German sentence that
`config/labels.de.toml` holds under `error.<code>`, filled with `fields`; ops read `detail`.
"""

from collections.abc import Mapping
from typing import ClassVar

Field = str | int | float


class NachleseError(Exception):
    """Something went wrong; see `code` and `detail`."""

    #: Whether the same work can succeed when it is tried again.
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, detail: str = "", **fields: Field) -> None:
        self.code = code
        #: One English sentence for ops. Never holds a title, a name or a word of what was said.
        self.detail = detail or (type(self).__doc__ or code)
        #: Values that the German sentence for the producer names (file name, seconds, …).
        self.fields: Mapping[str, Field] = dict(fields)
        super().__init__(f"{code}: {self.detail}")

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way from an engine process to its parent."""
        return _rebuild, (type(self), self.code, self.detail, dict(self.fields))


class InputError(NachleseError):
    """The recording can't be worked on as it is: upload a sound file."""


class EngineError(NachleseError):
    """An engine failed; it is tried again."""

    retryable = True


class StorageError(NachleseError):
    """The storage failed; it is tried again."""

    retryable = True


class SetupError(NachleseError):
    """This machine is not ready: run `nachlese doctor`."""


def _rebuild(kind: type[NachleseError], code: str, detail: str, fields: dict[str, Field]) -> NachleseError:
    return kind(code, detail, **fields)
