"""Commands that need no bucket: work on files here, or start everything here."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.errors import NachleseError, SetupError
from worker.cli.frame import DONE, FAILED, JSON, SHAPE, cli, sentence_of, settings_of

if TYPE_CHECKING:
    from jobs.recap import Recap
    from jobs.transcript import Transcript
    from worker.job import Outcome


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="AUFNAHME…", type=click.Path(path_type=Path))
@click.option("--out", default="nachlese-out", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Ordner für die Ergebnisse.")  # fmt: skip
@click.option("--talk", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Begleitdatei mit Titel, Gästen, Begriffen (sonst NAME.yaml neben der Aufnahme).")  # fmt: skip
@click.option("--language", help="Sprache festlegen, z. B. de oder en; auto erkennt sie Abschnitt für Abschnitt.")
@click.option("--voices", help="Zahl der Stimmen: höchstens 3 („3“) oder zwischen 2 und 4 („2-4“).")
@click.option("--track", type=int, help="Welche Tonspur (ab 0), wenn die Datei mehrere hat.")
@SHAPE
@click.option("--fresh", is_flag=True, help="Frühere Zwischenergebnisse nicht übernehmen.")
@JSON
@click.pass_context
def run(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, files: tuple[Path, ...], out: Path, talk: Path | None, language: str | None, voices: str | None,
    track: int | None, shape: str | None, fresh: bool, as_json: bool,
) -> None:  # fmt: skip
    """Aufnahmen auf diesem Rechner verarbeiten, ohne Server: Transkript und Entwurf landen in einem Ordner."""
    from worker import local  # noqa: PLC0415
    from worker.terminal import progress_bars, progress_lines  # noqa: PLC0415

    if doubles := local.doubles(files):
        raise click.UsageError(f"Zwei Aufnahmen heißen „{doubles[0]}“; bitte einzeln oder mit eigenem --out aufrufen.")
    watched = sys.stderr.isatty() and not as_json
    settings = settings_of(ctx, quiet=watched)
    wish = local.Wish(out, talk, language, voices, track, shape, fresh)
    answers: list[dict[str, object]] = []
    for path in files:
        try:
            with progress_bars(path.name) if watched else progress_lines() as report:
                outcome = local.run(path, wish, settings, report)
        except SetupError:
            raise
        except NachleseError as error:  # the next recording may fare better
            message = sentence_of(error, click.format_filename(path))
            click.secho(message, fg="red", err=True)
            answers.append({"file": click.format_filename(path), "error": message})
            continue
        answers.append(_answer(path, out, outcome))
        if not as_json:
            _show(path, out, outcome)
    if as_json:
        click.echo(json.dumps(answers, ensure_ascii=False, indent=1))
    ctx.exit(FAILED if any(answer.get("failure") or "error" in answer for answer in answers) else DONE)


@cli.command()
@click.option("--data", default="nachlese-data", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Ordner für Aufnahmen, Ergebnisse und Protokolle.")  # fmt: skip
@click.option("--port", default=0, help="Port des S3-Speichers beim ersten Start (sonst 8333 oder ein freier).")
@click.pass_context
def up(ctx: click.Context, data: Path, port: int) -> None:
    """Alles auf diesem Rechner starten: S3-Speicher, Warteschlange, Eingang und ein Arbeiter. Ende mit Strg-C."""
    from worker import laptop  # noqa: PLC0415

    laptop.up(settings_of(ctx), data, say=click.echo, s3_port=port)


def _answer(path: Path, out: Path, outcome: "Outcome") -> dict[str, object]:
    """One recording's result for a script."""
    from jobs.artifacts import folder_of, plain  # noqa: PLC0415

    folder = out / folder_of(path.name)
    names = [] if outcome.manifest is None else [entry.name for entry in outcome.manifest.artifacts]
    return {
        "file": str(path),
        "folder": str(folder),
        "artifacts": [str(folder / name) for name in names],
        "failure": None if outcome.failure is None else plain(outcome.failure),
    }


def _show(path: Path, out: Path, outcome: "Outcome") -> None:
    """The head of the recap, and where every file lies."""
    from jobs.artifacts import folder_of  # noqa: PLC0415

    folder = out / folder_of(path.name)
    if outcome.failure is not None:
        click.secho(outcome.failure.message, fg="red", err=True)
    if outcome.manifest is None:
        click.echo(f"Näheres: {folder / 'failure.json'}", err=True)
        return
    if outcome.transcript is not None:
        _show_recap(outcome.transcript, outcome.recap)
    click.echo(f"\nDateien in {folder}:")
    click.echo("  " + "\n  ".join(entry.name for entry in outcome.manifest.artifacts))
    name, here = shlex.quote(path.name), shlex.quote(str(out))
    click.echo(f"\nBerichtigen:  nachlese correct {name} DATEI --local {here}")
    click.echo(f"Freigeben:    nachlese sign {name} [DATEI] --by NAME --local {here}")


def _show_recap(transcript: "Transcript", recap: "Recap | None") -> None:
    from config.settings import labels  # noqa: PLC0415
    from worker.terminal import recap_head  # noqa: PLC0415

    click.echo()
    for line in recap_head(transcript, recap, labels()):
        click.echo(line)
