"""`nachlese evaluate`: a folder of recordings with references is worked on, scored and reported."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import structlog

from config.settings import Settings
from jobs.artifacts import folder_of
from jobs.errors import InputError, NachleseError, SetupError
from jobs.scoring.reference import Hypothesis, Reference
from jobs.scoring.report import Evaluation, Findings, Row, document, findings, markdown
from worker import local
from worker.bucket.inventory import is_recording
from worker.bucket.stages import Report, quiet
from worker.provenance import app_version
from worker.scoring.references import hypothesis_of, reference_of
from worker.scoring.scores import COLLAR_S, TCP_COLLAR_S, meeteval, scores

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be evaluated."""

    #: Holds recordings and, beside them, what `worker.scoring.references` reads.
    folder: Path
    #: Where the report goes, and what is made of the recordings.
    out: Path
    #: Transcripts that are there already; None works on the recordings.
    hypotheses: Path | None = None
    #: Patterns ("*", "?") of names of recordings in which nobody speaks, as if an empty text lay beside them.
    silent: tuple[str, ...] = ()
    #: Left out on either side of the border of a turn, in DER and JER.
    collar_s: float = COLLAR_S


def evaluate(task: Task, settings: Settings, report: Report = quiet) -> Findings:
    """Score every recording that has a reference, and write `evaluation.md`, `evaluation.json` and the plots.

    A recording that fails doesn't stop the others. What an earlier call made is taken over.

    Raises:
        SetupError: "nothing-to-score", or this machine isn't ready.
    """
    meeteval()
    known: dict[Path, Reference | InputError] = {}
    unscored = []
    for path in _recordings(task.folder, settings):
        reference = _reference(path, task)
        if reference is None:
            unscored.append(path.name)
        else:
            known[path] = reference
    if not known:
        raise SetupError("nothing-to-score", "no recording in the folder has a reference beside it")
    found = findings(Evaluation(
        rows=tuple(_row(path, reference, task, settings, report) for path, reference in known.items()),
        unscored=tuple(unscored),
        system=_system(task, settings),
        collar_s=task.collar_s,
        tcp_collar_s=TCP_COLLAR_S,
        made_at=datetime.now(UTC),
    ))  # fmt: skip
    _write(found, task.out)
    return found


def _recordings(folder: Path, settings: Settings) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and local.has_plain_name(path) and is_recording(path.name, settings):
            yield path


def _reference(path: Path, task: Task) -> Reference | InputError | None:
    """What is known of a recording, or why that can't be understood."""
    try:
        found = reference_of(path, local.talk_of(path, None, language=None, voices=None))
    except InputError as error:
        return error
    silent = any(fnmatchcase(path.name, pattern) for pattern in task.silent)
    return Reference(segments=()) if found is None and silent else found


def _row(path: Path, reference: Reference | InputError, task: Task, settings: Settings, report: Report) -> Row:
    """Work on a recording and score it; a fault of one isn't a fault of all."""
    if isinstance(reference, InputError):
        return Row(path.name, failure=str(reference))
    try:
        hypothesis = _made(path, task, settings, report) if task.hypotheses is None else _given(path, task.hypotheses)
        found = scores(reference, hypothesis, collar=task.collar_s)
    except SetupError:
        raise
    except NachleseError as error:
        log.warning("recording.not_scored", code=error.code)
        return Row(path.name, silent=reference.is_silent, failure=str(error))
    return Row(path.name, found, reference.is_silent)


def _made(path: Path, task: Task, settings: Settings, report: Report) -> Hypothesis:
    out = task.out / "out"
    outcome = local.run(path, local.Wish(out), settings, report)
    made = hypothesis_of(out / folder_of(path.name)) if outcome.manifest is not None else None
    if made is None:
        failure = outcome.failure
        raise InputError(
            "nothing-made-yet" if failure is None else failure.code, "" if failure is None else failure.detail
        )
    return made


def _given(path: Path, folder: Path) -> Hypothesis:
    """Our folder of a recording, or a rival's files named after it."""
    for place in (folder / folder_of(path.name), folder / path.stem, folder / path.name):
        made = hypothesis_of(place)
        if made is not None:
            return made
    raise InputError("nothing-made-yet", "neither transcript.json nor SegLST is there")


def _system(task: Task, settings: Settings) -> str:
    if task.hypotheses is not None:
        return "Transcripts as they were found"
    model, kind = settings.transcribe.model, settings.transcribe.compute_type
    return f"Nachlese {app_version()}, {model} ({kind}), diarization {settings.diarize.pipeline or 'built in'}"


def _write(found: Findings, out: Path) -> None:
    from worker.scoring.plots import plots  # noqa: PLC0415  # draws with matplotlib, which takes a second to import

    out.mkdir(parents=True, exist_ok=True)
    text = markdown(found)
    for name, title, drawing in plots(found):
        (out / name).write_bytes(drawing)
        text += f"\n![{title}]({name})\n"
    (out / "evaluation.md").write_text(text)
    data = json.dumps(document(found), ensure_ascii=False, indent=1, allow_nan=False)
    (out / "evaluation.json").write_text(data + "\n")
