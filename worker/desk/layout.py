"""A finished recording's recap in another shape, laid out on the spot: nothing is computed again, nothing is stored."""

from dataclasses import dataclass
from pathlib import Path

from config.settings import labels, shapes
from jobs.artifacts import Artifact, folder_of
from jobs.errors import InputError, StorageError
from jobs.export import shaped_files
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.shapes import parse_shapes
from jobs.transcript import Transcript
from worker.bucket.reading import bytes_at, parsed
from worker.bucket.signatures import RECAP, TRANSCRIPT
from worker.bucket.storage import Storage
from worker.desk.status import shown


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    #: A name of `config/shapes.toml`.
    shape: str
    #: A local folder; made if it isn't there.
    out: Path
    #: Suffixes ("docx") or whole names; empty takes Markdown, HTML and Word.
    formats: tuple[str, ...] = ()


def pull_shape(key: str, wish: Wish, storage: Storage, talk: Talk) -> tuple[Path, ...]:
    """Lay out the draft of the recording at `key`, and write it into its folder below `wish.out`.

    Args:
        key: The recording.
        wish: How, and where to.
        storage: Where it lies.
        talk: What its programme says now.

    Raises:
        InputError: "no-such-shape", "no-recap-yet" or "no-such-format".
        StorageError: "object-changed" when the draft can't be read; or the bucket failed.
    """
    known = parse_shapes(shapes())
    if wish.shape not in known:
        raise InputError("no-such-shape", "there is no such shape", shape=wish.shape[:40], shapes=", ".join(known))
    recap, transcript = _draft(key, storage)
    made = shaped_files(recap, transcript, talk, labels(), (wish.shape, known[wish.shape]))
    wanted = [one for one in made if not wish.formats or any(_fits(one, named) for named in wish.formats)]
    if not wanted:
        raise InputError("no-such-format", "no file fits", formats=" ".join(wish.formats))
    target = wish.out / folder_of(key).rstrip("/").rpartition("/")[2]
    target.mkdir(parents=True, exist_ok=True)
    for one in wanted:
        (target / one.name).write_bytes(one.data)
    return tuple(target / one.name for one in wanted)


def _draft(key: str, storage: Storage) -> tuple[Recap, Transcript]:
    drafted, said = (bytes_at(storage, folder_of(key) + name) for name in (RECAP, TRANSCRIPT))
    if drafted is None or said is None:
        raise InputError("no-recap-yet", "there is no recap", name=shown(key.rpartition("/")[2]))
    recap, transcript = parsed(drafted, Recap), parsed(said, Transcript)
    if recap is None or transcript is None:
        raise StorageError("object-changed", "the draft can't be read: pull again")
    return recap, transcript


def _fits(artifact: Artifact, named: str) -> bool:
    return artifact.name == named or artifact.name.endswith(f".{named.removeprefix('recap.')}")
