import re
from pathlib import Path

import pytest

from config.settings import labels, load
from worker.status import Phase, State, state_of
from worker.storage import FolderStorage
from worker.tickets import Mark, recording_at, write_mark

_OURS = ("storage", "tickets", "scratch", "dispatch", "tasks", "intake", "fleet", "status", "laptop")
_RAISED = re.compile(r'(?:InputError|EngineError|StorageError|SetupError)\(\s*"([a-z-]+)"')


@pytest.mark.parametrize("module", _OURS)
def test_every_error_has_a_sentence_that_says_what_to_do(module: str) -> None:
    source = (Path(__file__).parents[2] / "worker" / f"{module}.py").read_text("utf-8")
    for code in _RAISED.findall(source):
        sentence = labels()[f"error.{code}"]
        assert "; " in sentence or ". " in sentence, code


def test_every_phase_has_a_sentence(tmp_path: Path) -> None:
    fields = {"name": "n", "position": 1, "stage": "s", "percent": 1, "message": "m"}
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
