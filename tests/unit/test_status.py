import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.settings import labels, load
from worker.bucket.storage import FolderStorage
from worker.bucket.tickets import Mark, recording_at, write_mark
from worker.desk.status import Phase, State, _finish, state_of

#: Scores are for ops, who read English; a recap that fails never reaches anybody.
_UNTOLD = {"evaluation", "references", "extractive"}
_OURS = sorted(path for path in (Path(__file__).parents[2] / "worker").rglob("*.py") if path.stem not in _UNTOLD)
#: Set-up errors are told to ops, by their detail.
_RAISED = re.compile(r'(?:InputError|EngineError|StorageError)\(\s*"([a-z-]+)"')


@pytest.mark.parametrize("module", _OURS, ids=lambda path: path.stem)
def test_every_error_has_a_sentence_that_says_what_to_do(module: Path) -> None:
    for code in _RAISED.findall(module.read_text("utf-8")):
        sentence = labels()[f"error.{code}"]
        assert "; " in sentence or ". " in sentence, code


def test_every_phase_has_a_sentence(tmp_path: Path) -> None:
    fields = {"name": "n", "position": 1, "stage": "s", "percent": 1, "message": "m", "urgent": "", "finish": "f"}
    for word in (*(phase.value for phase in Phase), "soon", "started"):
        assert "n" in labels()[f"status.{word}"].format(**fields)
    storage = FolderStorage(tmp_path)
    storage.write("a\n{name}.wav", b"x", "audio/wav")
    stored = storage.head("a\n{name}.wav")
    assert stored is not None
    recording = recording_at(storage, stored)
    write_mark(storage, stored.key, recording.id, Mark.DONE)
    told = state_of(stored.key, storage, None, load().but(intake={"settle_s": 0.0}))
    wanted = "„a\ufffd{name}.wav“ ist fertig: Transkript und Entwurf liegen bereit."
    assert told == State(stored.key, recording.id, Phase.DONE, wanted)


NOON = datetime(2026, 11, 3, 12, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (NOON, "voraussichtlich fertig gegen 12:00 Uhr"),
        (NOON + timedelta(minutes=31), "voraussichtlich fertig gegen 12:35 Uhr"),
        (NOON + timedelta(minutes=35, seconds=1), "voraussichtlich fertig gegen 12:40 Uhr"),
        ((NOON + timedelta(hours=1)).astimezone(UTC), "voraussichtlich fertig gegen 13:00 Uhr"),
        (NOON + timedelta(hours=21, minutes=2), "voraussichtlich fertig am 4.11. gegen 09:05 Uhr"),
        (None, "wann es fertig ist, lässt sich noch nicht sagen"),
    ],
)
def test_the_time_is_that_of_the_clock_on_the_wall(expected: datetime | None, said: str) -> None:
    assert _finish(expected, NOON, labels()) == said
