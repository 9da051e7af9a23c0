"""Commands for those who upload, edit and sign."""

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.frame import FAILED, JSON, LOCAL, SHAPE, cli, queue_of, settings_of, storage_of

if TYPE_CHECKING:
    from config.settings import Settings


@cli.command()
@click.argument("file", metavar="AUFNAHME", type=click.Path(path_type=Path))
@click.option("--key", help="Schlüssel im Speicher, z. B. talks/mainstage/0930-panel.mp4 (sonst der Dateiname).")
@click.option(
    "--talk",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begleitdatei (sonst NAME.yaml daneben).",
)
@click.option("--urgent", is_flag=True, help="Dringend: kommt vor den anderen an die Reihe.")
@JSON
@click.pass_context
def put(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, file: Path, key: str | None, talk: Path | None, urgent: bool, as_json: bool
) -> None:
    """Eine Aufnahme mit ihrer Begleitdatei hochladen."""
    from config.settings import labels  # noqa: PLC0415
    from worker.desk import status as standing  # noqa: PLC0415
    from worker.desk.rerun import hasten  # noqa: PLC0415

    settings = settings_of(ctx)
    storage = storage_of(settings)
    done = standing.put(file, storage, settings, key=key, talk=talk, moved=None)
    hastened = urgent and hasten(done.key, storage, queue_of(settings))
    word = "replaced" if done.replaced else "uploaded" if done.uploaded else "unchanged"
    if as_json:
        answer = {"key": done.key, "uploaded": done.uploaded, "replaced": done.replaced, "urgent": hastened}
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(labels()[f"put.{word}"].format(name=done.key))
        if urgent:
            click.echo(labels()["put.urgent" if hastened else "put.urgent_too_late"])
        click.echo(f"Nachsehen: nachlese status {shlex.quote(done.key)}")


@cli.command()
@click.argument("key", required=False, metavar="[SCHLÜSSEL]")
@JSON
@click.pass_context
def status(ctx: click.Context, key: str | None, as_json: bool) -> None:
    """Wie steht es um eine Aufnahme (oder um alle)? Angekommen, in der Reihe, in Arbeit, fertig, gescheitert."""
    from worker.desk import status as standing  # noqa: PLC0415

    settings = settings_of(ctx)
    storage, queue = storage_of(settings), queue_of(settings)
    if key is None:
        states = list(standing.listing(settings.storage.prefix, storage, queue, settings))
    else:
        states = [standing.state_of(key, storage, queue, settings)]
    _tell(states, as_json=as_json)
    if key is not None and states[0].phase in {*standing.FAILED, standing.Phase.MISSING, standing.Phase.IGNORED}:
        ctx.exit(FAILED)


@cli.command()
@click.argument("prefix", default="", metavar="[ANFANG]")
@click.option("--failed", is_flag=True, help="Nur gescheiterte und beiseitegelegte, mit dem Grund.")
@JSON
@click.pass_context
def ls(ctx: click.Context, prefix: str, failed: bool, as_json: bool) -> None:
    """Alle Aufnahmen im Speicher mit ihrem Stand auflisten."""
    from worker.desk import status as standing  # noqa: PLC0415

    settings = settings_of(ctx)
    states = standing.listing(prefix or settings.storage.prefix, storage_of(settings), queue_of(settings), settings)
    if failed:
        states = (state for state in states if state.phase in standing.FAILED)
    if as_json:
        _tell(list(states), as_json=True)
        return
    for state in states:
        reason = f"\n{'':<11} {state.message}" if failed and state.message else ""
        click.echo("  ".join((f"{state.phase.value:<11} {state.key}", *standing.people(state))) + reason)


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Zielordner (sonst hier; mit --local: dort)."
)
@click.option(
    "--format", "formats", multiple=True, help="Nur diese Formate, z. B. md, docx oder transcript.vtt; mehrfach."
)
@SHAPE
@click.option("--with-chapters", is_flag=True, help="Dazu eine Kopie der Aufnahme, in der die Kapitelmarken stehen.")
@LOCAL
@JSON
@click.pass_context
def pull(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, key: str, out: Path | None, formats: tuple[str, ...], shape: str | None, with_chapters: bool,
    local: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Transkript und Entwurf einer fertigen Aufnahme abholen, oder mit --shape nur den Entwurf in anderer Form."""
    if local is not None and shape is None and not with_chapters:
        raise click.UsageError(f"Die Dateien liegen schon in {local}; bitte --shape oder --with-chapters angeben.")
    settings, asked = settings_of(ctx), _Asked(shape, out or local or Path(), formats, with_chapters)
    paths = tuple(_pulled(key, asked, settings) if local is None else _pulled_here(key, asked, local, settings))
    if as_json:
        click.echo(json.dumps([str(path) for path in paths], ensure_ascii=False))
        return
    for path in paths:
        click.echo(path)


@dataclass(frozen=True, slots=True)
class _Asked:
    shape: str | None
    out: Path
    formats: tuple[str, ...]
    with_chapters: bool


def _pulled(key: str, asked: _Asked, settings: "Settings") -> Iterator[Path]:
    from worker.bucket.sidecar import read_stored  # noqa: PLC0415
    from worker.desk import chaptered, layout  # noqa: PLC0415
    from worker.desk import status as standing  # noqa: PLC0415

    storage = storage_of(settings)
    if asked.shape is not None:
        talk = read_stored(key, storage, settings.storage.prefix)
        yield from layout.pull_shape(key, layout.Wish(asked.shape, asked.out, asked.formats), storage, talk)
    else:
        yield from standing.pull(key, storage, asked.out, asked.formats)
    if asked.with_chapters:
        yield chaptered.embed(key, storage, asked.out, settings)


def _pulled_here(key: str, asked: _Asked, local: Path, settings: "Settings") -> Iterator[Path]:
    from worker.desk import here, layout  # noqa: PLC0415

    if asked.shape is not None:
        yield from here.pull_shape(key, layout.Wish(asked.shape, asked.out, asked.formats), local)
    if asked.with_chapters:
        yield here.embed(key, local, asked.out, settings)


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.option(
    "--urgent", is_flag=True, help="Dringend: kommt vor den anderen an die Reihe, auch wenn sie schon wartet."
)
@click.pass_context
def retry(ctx: click.Context, key: str, urgent: bool) -> None:
    """Eine gescheiterte oder beiseitegelegte Aufnahme noch einmal versuchen."""
    from config.settings import labels  # noqa: PLC0415
    from worker.desk import rerun as again  # noqa: PLC0415

    settings = settings_of(ctx)
    again.retry(key, storage_of(settings), queue_of(settings), settings, urgent=urgent)
    click.echo(labels()["put.retried"].format(name=key))
    if urgent:
        click.echo(labels()["put.urgent"])
    click.echo(f"Nachsehen: nachlese status {shlex.quote(key)}")


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.argument("file", metavar="DATEI", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", metavar="NAME", help="Wer berichtigt hat; steht nur in der Fassung selbst.")
@LOCAL
@JSON
@click.pass_context
def correct(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, key: str, file: Path, by: str | None, local: Path | None, as_json: bool
) -> None:
    """Ein berichtigtes Transkript (transcript.docx, .vtt oder .json) zurückgeben; alles andere folgt ihm."""
    from config.settings import labels  # noqa: PLC0415
    from worker.terminal import progress_bars, progress_lines  # noqa: PLC0415

    watched = local is not None and sys.stderr.isatty() and not as_json
    settings = settings_of(ctx, quiet=watched)
    if local is None:
        from worker.desk import correction  # noqa: PLC0415

        done = correction.correct(key, file, storage_of(settings), queue_of(settings), settings, by=by)
    else:
        from worker.desk import here  # noqa: PLC0415

        with progress_bars(key) if watched else progress_lines() as report:
            done = here.correct(key, file, local, settings, by=by, report=report)
    if as_json:
        click.echo(json.dumps({"key": key, "version": done.number, "changed": done.changed}, ensure_ascii=False))
        return
    word = "unchanged" if not done.changed else "kept" if local is None else "kept_here"
    click.echo(labels()[f"edit.{word}"].format(name=key, version=done.number))


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.argument("file", required=False, metavar="[DATEI]", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Wer freigibt und dafür einsteht.")
@click.option("--anyway", metavar="GRUND", help="Trotz Einwänden der Prüfung freigeben; der Grund wird festgehalten.")
@LOCAL
@JSON
@click.pass_context
def sign(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, key: str, file: Path | None, by: str, anyway: str | None, local: Path | None, as_json: bool
) -> None:
    """Einen Entwurf freigeben: wie er ist, oder so, wie DATEI (recap.docx, .md oder .json) ihn jetzt hat."""
    from config.settings import labels  # noqa: PLC0415
    from jobs.artifacts import plain  # noqa: PLC0415
    from worker.desk import signoff  # noqa: PLC0415

    settings, wish, words = settings_of(ctx), signoff.Wish(by, file, anyway), labels()
    if local is None:
        done = signoff.sign(key, wish, storage_of(settings), queue_of(settings), settings)
    else:
        from worker.desk import here  # noqa: PLC0415

        done = here.sign(key, wish, local, settings)
        words = {**words, "signoff.done": words["signoff.done_here"]}
    if as_json:
        click.echo(json.dumps(plain(done), ensure_ascii=False, indent=1))
        return
    for line in signoff.summary(key, done, words):
        click.echo(line)


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.option("--from", "begin", required=True, type=click.Choice(["recap", "diarize", "transcribe", "decode"]),
              help="Der erste Schritt, der neu gemacht wird: Entwurf, Stimmen, Mitschrift oder alles.")  # fmt: skip
@click.pass_context
def rerun(ctx: click.Context, key: str, begin: str) -> None:
    """Eine fertige Aufnahme von einem Schritt an neu bearbeiten; was davor liegt, bleibt."""
    from worker.desk import rerun as again  # noqa: PLC0415

    settings = settings_of(ctx)
    again.rerun(key, again.Stage(begin), storage_of(settings), queue_of(settings), settings)
    click.echo(f"„{key}“ wird neu bearbeitet. Nachsehen: nachlese status {shlex.quote(key)}")


@cli.command()
@click.argument("prefix", default="", metavar="[ANFANG]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="Auch in diesen Ordner schreiben, passend neben das, was „pull“ abholt.")  # fmt: skip
@LOCAL
@click.option("--with-sensitive", is_flag=True, help="Vertrauliche Talks mit aufnehmen.")
@JSON
@click.pass_context
def digest(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, prefix: str, out: Path | None, local: Path | None, with_sensitive: bool, as_json: bool
) -> None:
    """Einen Rückblick auf alle fertigen Talks unter einem Ordner schreiben: Themen, Gegensätze, Zitate, mit Beleg."""
    from config.settings import labels  # noqa: PLC0415
    from jobs.german import counted  # noqa: PLC0415
    from worker.bucket.storage import FolderStorage  # noqa: PLC0415
    from worker.desk import digest as overview  # noqa: PLC0415
    from worker.terminal import progress_bars, progress_lines  # noqa: PLC0415

    watched = sys.stderr.isatty() and not as_json
    settings = settings_of(ctx, quiet=watched)
    storage = storage_of(settings) if local is None else FolderStorage(local)
    if local is None:
        prefix = prefix or settings.storage.prefix
    wish = overview.Wish(prefix, local is not None, out, with_sensitive)
    with progress_bars(prefix or "/") if watched else progress_lines() as report:
        made = overview.make(wish, storage, settings, report)
    if as_json:
        click.echo(json.dumps(overview.told(made), ensure_ascii=False, indent=1))
        return
    word = "done" if made.changed else "unchanged"
    talks = counted(len(made.digest.talks), labels()["digest.one_talk"], labels()["digest.talks"])
    click.echo(labels()[f"digest.{word}"].format(talks=talks, folder=made.folder))
    click.echo("  " + "\n  ".join(made.files))


def _tell(states: Sequence[Any], *, as_json: bool) -> None:
    from jobs.artifacts import plain  # noqa: PLC0415

    if as_json:
        click.echo(json.dumps([plain(state) for state in states], ensure_ascii=False, indent=1))
        return
    for state in states:
        click.echo(state.sentence)
    if not states:
        click.echo("Noch keine Aufnahme im Speicher.")
