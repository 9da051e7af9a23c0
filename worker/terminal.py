"""What people see while work goes on: bars on a terminal, nothing where a script reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from config.settings import labels
from jobs.export.labels import Labels, sentence
from jobs.export.voices import voices_of
from jobs.german import quoted, time_code

if TYPE_CHECKING:
    from rich.progress import TaskID

    from jobs.recap import Recap
    from jobs.transcript import Transcript
    from worker.bucket.stages import Report


@contextmanager
def progress_bars(title: str) -> Iterator["Report"]:
    """Show one bar a stage on stderr, in seconds of sound done."""
    from rich.console import Console  # noqa: PLC0415  # only where somebody looks
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    console.print(Text(title, style="bold"))
    bars = Progress(
        TextColumn("  {task.description:<28}"), BarColumn(bar_width=30), TextColumn("{task.fields[done]:>17}"),
        TimeElapsedColumn(), console=console,
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}
    lock = Lock()

    def report(stage: str, done: float, total: float) -> None:
        with lock:
            if stage not in tasks:
                name = labels().get(f"status.stage.{stage}", stage)
                tasks[stage] = bars.add_task(name, total=max(total, 0.001), done="")
            bars.update(tasks[stage], completed=done, total=max(total, 0.001), done=_measure(stage, done, total))

    with bars:
        yield report


@contextmanager
def progress_lines() -> Iterator["Report"]:
    """Log each stage once when it starts and once when it ends."""
    import structlog  # noqa: PLC0415

    log = structlog.get_logger()
    state: dict[str, str] = {}

    def report(stage: str, done: float, total: float) -> None:
        now = "ended" if total and done >= total else "started"
        if state.get(stage) != now:
            state[stage] = now
            log.info(f"stage.{now}", stage=stage, done_s=round(done, 1), total_s=round(total, 1))

    yield report


def _measure(stage: str, done: float, total: float) -> str:
    if stage == "store":
        return f"{done:.0f}/{total:.0f}"
    return f"{time_code(done)} / {time_code(total)}" if total else time_code(done)


def recap_head(transcript: "Transcript", recap: "Recap | None", labels: Labels) -> Iterator[str]:
    """The first lines of a recap, for the end of a run."""
    for notice in transcript.notices:
        yield f"! {sentence(labels, 'notice', notice.code, notice.fields)}"
    if recap is None or recap.headline is None:
        return
    voices = voices_of(transcript, labels)

    def foreign(language: str) -> str:
        return "" if language == "de" else f" [{labels['draft.translation_needed']}]"

    yield labels["draft.label"]
    yield ""
    yield f"  {recap.headline.text}{foreign(recap.headline.language)}"
    yield ""
    for told in recap.lead:
        yield f"  {told.text}{foreign(told.language)}"
    for quote in recap.quotes[:2]:
        said_by = f"{voices.name(quote.speaker)}, {time_code(quote.span.start)}"
        yield f"  {quoted(quote.text)} – {said_by}{foreign(quote.language)}"
    yield ""
    for chapter in recap.chapters:
        yield f"  {time_code(chapter.span.start):>7}  {chapter.title}"
