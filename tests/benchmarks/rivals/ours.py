"""Nachlese as `nachlese run` works, engines warm: from file to transcript, recap and every file."""

import tempfile
from pathlib import Path

from drive import Heard, Moment, Said, drive

from config.settings import load
from worker import logs
from worker.engines import engines
from worker.local import Wish, run


class Nachlese:
    def __init__(self) -> None:
        self._settings = load()
        logs.configure(self._settings.log, quiet=True)
        engines(self._settings).load()

    def hear(self, path: Path) -> Heard:
        heard_at: list[Moment] = []

        def report(stage: str, _done: float, _total: float) -> None:
            if stage == "recap":
                heard_at.append(Moment.now())

        with tempfile.TemporaryDirectory() as out:
            began = Moment.now()
            transcript = run(path, Wish(Path(out)), self._settings, report).transcript
            ended = Moment.now()
        if transcript is None:
            message = "the recording was refused"
            raise ValueError(message)
        said = tuple(
            Said(one.text, one.span.start, one.span.end, one.speaker, one.language) for one in transcript.utterances
        )
        turns = tuple((turn.span.start, turn.span.end, turn.speaker) for turn in transcript.turns)
        stages = {"transcript": heard_at[0] - began, "recap and files": ended - heard_at[0]}
        return Heard({"nachlese": said}, turns, stages)


if __name__ == "__main__":
    drive(Nachlese)
