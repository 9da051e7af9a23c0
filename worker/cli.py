"""The command line. Producers and editors read German here, ops English; the work is done elsewhere.

Nothing heavy is imported before a command needs it: `nachlese --help` answers at once.
"""

import json
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from jobs.errors import NachleseError, SetupError

if TYPE_CHECKING:
    from config.settings import Settings
    from jobs.recap import Recap
    from jobs.transcript import Transcript
    from worker.bucket.storage import Storage
    from worker.engines.host import Role
    from worker.job import Outcome
    from worker.queue.dispatch import JobQueue

DONE, FAILED, UNUSABLE = 0, 1, 2

_EVERYBODY = ("run", "up", "put", "status", "ls", "pull", "correct", "sign", "retry", "rerun", "digest", "voices")
_JSON = click.option("--json", "as_json", is_flag=True, help="Ausgabe für Programme (JSON).")
_CONFIG = click.option(
    "--config", type=click.Path(dir_okay=False), help="Settings file (default: nachlese.toml, if there)."
)


class _Commands(click.Group):
    """Lists what producers and editors need before what ops need, and keeps tracebacks off the terminal."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        rest = sorted(name for name in super().list_commands(ctx) if name not in _EVERYBODY)
        return [*_EVERYBODY, *rest]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, wanted in (("Für Produktion und Redaktion", True), ("For operations", False)):
            rows = [
                (name, command.get_short_help_str(90))
                for name in self.list_commands(ctx)
                if (name in _EVERYBODY) is wanted and (command := self.get_command(ctx, name)) is not None
            ]
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SetupError as error:
            _stop(UNUSABLE, _sentence(error))
        except NachleseError as error:
            _stop(FAILED, _sentence(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.secho(
                "\nAbgebrochen. Fertige Schritte sind gespeichert; derselbe Befehl macht dort weiter.", err=True
            )
            os._exit(130)  # an engine in the middle of a computation would keep us for minutes
        except Exception as error:  # the last boundary before the terminal
            if ctx.params.get("debug"):
                raise
            _stop(FAILED, f"Unexpected {type(error).__name__}; run again with `nachlese --debug …` for the details.")


def _show_version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        from worker.provenance import app_version  # noqa: PLC0415

        click.echo(f"nachlese {app_version()}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.option("--debug", is_flag=True, help="Log everything, show tracebacks.")
@_CONFIG
@click.pass_context
def cli(ctx: click.Context, debug: bool, config: str | None) -> None:
    """Nachlese macht aus Bühnenaufnahmen und Podcasts Transkripte mit Namen und deutsche Rückblick-Entwürfe.

    \b
    Eine Aufnahme auf diesem Rechner:   nachlese run AUFNAHME.mp4
    Alles auf diesem Rechner:           nachlese up
    Ist alles bereit?                   nachlese doctor
    """  # noqa: D301  # click's own sign
    ctx.obj = {"debug": debug, "config": config}


def _shape(_ctx: click.Context, _option: click.Parameter, named: str | None) -> str | None:
    if named is None:
        return None
    from config.settings import shapes  # noqa: PLC0415
    from jobs.shapes import shape_name  # noqa: PLC0415

    if shape_name(named) not in shapes():
        raise click.BadParameter(", ".join(shapes()))
    return shape_name(named)


_SHAPE = click.option(
    "--shape", callback=_shape, metavar="FORM",
    help="Form des Entwurfs: rueckblick, meldung, shownotes, newsletter oder social.",
)  # fmt: skip


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="AUFNAHME…", type=click.Path(path_type=Path))
@click.option("--out", default="nachlese-out", show_default=True, type=click.Path(file_okay=False, path_type=Path),
              help="Ordner für die Ergebnisse.")  # fmt: skip
@click.option("--talk", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Begleitdatei mit Titel, Gästen, Begriffen (sonst NAME.yaml neben der Aufnahme).")  # fmt: skip
@click.option("--language", help="Sprache festlegen, z. B. de oder en; auto erkennt sie Abschnitt für Abschnitt.")
@click.option("--voices", help="Zahl der Stimmen: höchstens 3 („3“) oder zwischen 2 und 4 („2-4“).")
@click.option("--track", type=int, help="Welche Tonspur (ab 0), wenn die Datei mehrere hat.")
@_SHAPE
@click.option("--fresh", is_flag=True, help="Frühere Zwischenergebnisse nicht übernehmen.")
@_JSON
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
    settings = _settings(ctx, quiet=watched)
    wish = local.Wish(out, talk, language, voices, track, shape, fresh)
    answers: list[dict[str, object]] = []
    for path in files:
        try:
            with progress_bars(path.name) if watched else progress_lines() as report:
                outcome = local.run(path, wish, settings, report)
        except SetupError:
            raise
        except NachleseError as error:  # the next recording may fare better
            message = _sentence(error, click.format_filename(path))
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

    laptop.up(_settings(ctx), data, say=click.echo, s3_port=port)


@cli.command()
@click.argument("file", metavar="AUFNAHME", type=click.Path(path_type=Path))
@click.option("--key", help="Schlüssel im Speicher, z. B. talks/mainstage/0930-panel.mp4 (sonst der Dateiname).")
@click.option(
    "--talk",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begleitdatei (sonst NAME.yaml daneben).",
)
@click.option("--urgent", is_flag=True, help="Dringend: kommt vor den anderen an die Reihe.")
@_JSON
@click.pass_context
def put(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, file: Path, key: str | None, talk: Path | None, urgent: bool, as_json: bool
) -> None:
    """Eine Aufnahme mit ihrer Begleitdatei hochladen."""
    from config.settings import labels  # noqa: PLC0415
    from worker.desk import status as standing  # noqa: PLC0415
    from worker.desk.rerun import hasten  # noqa: PLC0415

    settings = _settings(ctx)
    storage = _storage(settings)
    done = standing.put(file, storage, settings, key=key, talk=talk, moved=None)
    hastened = urgent and hasten(done.key, storage, _queue(settings))
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
@_JSON
@click.pass_context
def status(ctx: click.Context, key: str | None, as_json: bool) -> None:
    """Wie steht es um eine Aufnahme (oder um alle)? Angekommen, in der Reihe, in Arbeit, fertig, gescheitert."""
    from worker.desk import status as standing  # noqa: PLC0415

    settings = _settings(ctx)
    storage, queue = _storage(settings), _queue(settings)
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
@_JSON
@click.pass_context
def ls(ctx: click.Context, prefix: str, failed: bool, as_json: bool) -> None:
    """Alle Aufnahmen im Speicher mit ihrem Stand auflisten."""
    from worker.desk import status as standing  # noqa: PLC0415

    settings = _settings(ctx)
    states = standing.listing(prefix or settings.storage.prefix, _storage(settings), _queue(settings), settings)
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
    "--out", default=".", show_default=True, type=click.Path(file_okay=False, path_type=Path), help="Zielordner."
)
@click.option(
    "--format", "formats", multiple=True, help="Nur diese Formate, z. B. md, docx oder transcript.vtt; mehrfach."
)
@_SHAPE
@click.option("--with-chapters", is_flag=True, help="Dazu eine Kopie der Aufnahme, in der die Kapitelmarken stehen.")
@_JSON
@click.pass_context
def pull(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, key: str, out: Path, formats: tuple[str, ...], shape: str | None, with_chapters: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Transkript und Entwurf einer fertigen Aufnahme abholen, oder mit --shape nur den Entwurf in anderer Form."""
    from worker.desk import layout  # noqa: PLC0415
    from worker.desk import status as standing  # noqa: PLC0415

    settings = _settings(ctx)
    if shape is not None:
        paths = layout.pull_shape(key, layout.Wish(shape, out, formats), _storage(settings), settings)
    else:
        paths = standing.pull(key, _storage(settings), out, formats)
    if with_chapters:
        from worker.sound import chaptered  # noqa: PLC0415

        paths = (*paths, chaptered.embed(key, _storage(settings), out, settings))
    if as_json:
        click.echo(json.dumps([str(path) for path in paths], ensure_ascii=False))
        return
    for path in paths:
        click.echo(path)


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

    settings = _settings(ctx)
    again.retry(key, _storage(settings), _queue(settings), settings, urgent=urgent)
    click.echo(labels()["put.retried"].format(name=key))
    if urgent:
        click.echo(labels()["put.urgent"])
    click.echo(f"Nachsehen: nachlese status {shlex.quote(key)}")


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.argument("file", metavar="DATEI", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", metavar="NAME", help="Wer berichtigt hat; steht nur in der Fassung selbst.")
@_JSON
@click.pass_context
def correct(ctx: click.Context, key: str, file: Path, by: str | None, as_json: bool) -> None:
    """Ein berichtigtes Transkript (transcript.docx, .vtt oder .json) zurückgeben; alles andere folgt ihm."""
    from config.settings import labels  # noqa: PLC0415
    from worker.desk import correction  # noqa: PLC0415

    settings = _settings(ctx)
    done = correction.correct(key, file, _storage(settings), _queue(settings), settings, by=by)
    if as_json:
        click.echo(json.dumps({"key": key, "version": done.number, "changed": done.changed}, ensure_ascii=False))
        return
    word = "kept" if done.changed else "unchanged"
    click.echo(labels()[f"edit.{word}"].format(name=key, version=done.number))


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.argument("file", required=False, metavar="[DATEI]", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Wer freigibt und dafür einsteht.")
@click.option("--anyway", metavar="GRUND", help="Trotz Einwänden der Prüfung freigeben; der Grund wird festgehalten.")
@_JSON
@click.pass_context
def sign(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, key: str, file: Path | None, by: str, anyway: str | None, as_json: bool
) -> None:
    """Einen Entwurf freigeben: wie er ist, oder so, wie DATEI (recap.docx, .md oder .json) ihn jetzt hat."""
    from config.settings import labels  # noqa: PLC0415
    from jobs.artifacts import plain  # noqa: PLC0415
    from worker.desk import signoff  # noqa: PLC0415

    settings = _settings(ctx)
    done = signoff.sign(key, signoff.Wish(by, file, anyway), _storage(settings), _queue(settings), settings)
    if as_json:
        click.echo(json.dumps(plain(done), ensure_ascii=False, indent=1))
        return
    for line in signoff.summary(key, done, labels()):
        click.echo(line)


@cli.command()
@click.argument("key", metavar="SCHLÜSSEL")
@click.option("--from", "begin", required=True, type=click.Choice(["recap", "diarize", "transcribe", "decode"]),
              help="Der erste Schritt, der neu gemacht wird: Entwurf, Stimmen, Mitschrift oder alles.")  # fmt: skip
@click.pass_context
def rerun(ctx: click.Context, key: str, begin: str) -> None:
    """Eine fertige Aufnahme von einem Schritt an neu bearbeiten; was davor liegt, bleibt."""
    from worker.desk import rerun as again  # noqa: PLC0415

    settings = _settings(ctx)
    again.rerun(key, again.Stage(begin), _storage(settings), _queue(settings), settings)
    click.echo(f"„{key}“ wird neu bearbeitet. Nachsehen: nachlese status {shlex.quote(key)}")


@cli.command()
@click.argument("prefix", default="", metavar="[ANFANG]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="Auch in diesen Ordner schreiben, passend neben das, was „pull“ abholt.")  # fmt: skip
@click.option("--local", metavar="ORDNER", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Statt des Speichers ein Ordner mit Ergebnissen von „run“.")  # fmt: skip
@click.option("--with-sensitive", is_flag=True, help="Vertrauliche Talks mit aufnehmen.")
@_JSON
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
    settings = _settings(ctx, quiet=watched)
    storage = _storage(settings) if local is None else FolderStorage(local)
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


@cli.group()
def voices() -> None:
    """Stimmprofile anlegen, zeigen, löschen: nur mit Einwilligung der Person, und nur wenn sie eingeschaltet sind."""


@voices.command("enrol")
@click.argument("name", metavar="NAME")
@click.argument("key", metavar="SCHLÜSSEL")
@click.option("--speaker", metavar="SPEAKER_01", help="Welche Stimme, falls mehrere so heißen.")
@click.option("--consent", required=True, help="Wie und wann die Person eingewilligt hat; steht beim Profil.")
@click.option("--days", type=click.IntRange(1, 1825), default=365, show_default=True, help="So lange gilt es.")
@click.pass_context
def enrol_voice(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, name: str, key: str, speaker: str | None, consent: str, days: int
) -> None:
    """Ein Profil aus einer fertigen Aufnahme anlegen, in der die Redaktion den Namen bestätigt hat."""
    from worker.desk import profiles  # noqa: PLC0415

    if not name.strip() or not consent.strip():
        raise click.UsageError("NAME und --consent dürfen nicht leer sein.")
    settings = _settings(ctx)
    wish = profiles.Wish(name.strip(), consent.strip(), days, speaker)
    click.echo(profiles.told("enrolled", profiles.enrol(wish, key, _storage(settings), settings)))


@voices.command("list")
@_JSON
@click.pass_context
def list_voices(ctx: click.Context, as_json: bool) -> None:
    """Wessen Profile es gibt und bis wann; abgelaufene werden dabei gelöscht."""
    from config.settings import labels  # noqa: PLC0415
    from worker.desk import profiles  # noqa: PLC0415

    settings = _settings(ctx)
    found = profiles.known(_storage(settings), settings)
    if as_json:
        click.echo(json.dumps([profiles.shown(one) for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        click.echo(profiles.told("listed" if profiles.current(one) else "other-model", one))
    if not found:
        click.echo(labels()["voices.none"])


@voices.command("forget")
@click.argument("name", metavar="NAME")
@click.pass_context
def forget_voice(ctx: click.Context, name: str) -> None:
    """Alle Profile einer Person löschen, auch ältere Fassungen; geht auch, wenn Profile ausgeschaltet sind."""
    from config.settings import labels  # noqa: PLC0415
    from jobs.profiles import VOICES  # noqa: PLC0415
    from worker.desk import profiles  # noqa: PLC0415

    done = profiles.forget(name.strip(), _storage(_settings(ctx)))
    click.echo(labels()["voices.forgotten"].format(count=done.profiles, person=name.strip()))
    if done.versions_left:
        click.secho(labels()["voices.versions-left"].format(folder=VOICES), fg="red", err=True)
        ctx.exit(FAILED)


@cli.command()
@click.option("--once", is_flag=True, help="One sweep, then leave.")
@click.pass_context
def intake(ctx: click.Context, once: bool) -> None:
    """Watch the bucket and queue what isn't finished. Any number may run; the bucket is the only truth."""
    from worker.queue import intake as watcher  # noqa: PLC0415
    from worker.queue.dispatch import job_queue  # noqa: PLC0415

    settings = _settings(ctx)
    storage, queue = _storage(settings), job_queue(settings)
    if once:
        found = watcher.sweep(storage, queue, settings)
        click.echo(f"{found.queued} queued")
        return
    with _until_told() as stop:
        watcher.watch(storage, queue, settings, stop)


def _device(_ctx: click.Context, _option: click.Parameter, named: str | None) -> str | None:
    if named is not None and not re.fullmatch(r"auto|cpu|cuda(:\d+)?", named):
        raise click.BadParameter("auto, cpu, cuda or cuda:1")
    return named


@cli.command()
@click.option(
    "--queue",
    "role",
    type=click.Choice(["speech", "recap"]),
    default="speech",
    show_default=True,
    help="What to work on: recordings, or the recaps that settings give a queue of their own (recap.queue).",
)
@click.option(
    "--device",
    callback=_device,
    metavar="DEVICE",
    help="auto, cpu, cuda or cuda:1, for this worker's engines (default: as set). One worker a GPU.",
)
@click.option("--burst", is_flag=True, help="Leave when the queue is empty.")
@click.pass_context
def worker(ctx: click.Context, role: "Role", device: str | None, burst: bool) -> None:
    """Take jobs from a queue, one at a time, with models that stay loaded.

    Any number may run, on any number of machines, and may be killed at any moment: another takes over within
    seconds, at the stage that was reached. On a machine with two GPUs:

    \b
      nachlese worker --device cuda:0
      nachlese worker --device cuda:1

    SIGTERM or Ctrl-C: the current stage is finished if worker.drain_s allows, the rest is handed back.
    A second one: leave at once.
    """  # noqa: D301  # click's own sign
    from worker.fleet import worker as fleet  # noqa: PLC0415

    settings = _settings(ctx)
    if device is not None:
        settings = settings.but(transcribe={"device": device}, diarize={"device": device})
    fleet.serve(settings, role=role, burst=burst)


@cli.group()
def weights() -> None:
    """List, fetch or verify the model files of config/weights.lock.toml."""


@weights.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def list_weights(ctx: click.Context, as_json: bool) -> None:
    """What the lock holds, and what of it is here."""
    from worker import weights as store  # noqa: PLC0415

    settings = _settings(ctx)
    rows = [
        {"name": one.name, "here": store.status(settings, (one.name,))[0].ok,
         "needed": one.name in store.needed(settings), "bytes": one.size_bytes,
         "licence": one.licence, "purpose": one.purpose, "title": one.title,
         "sources": [str(source) for source in one.sources], "files": {f.name: f.sha256 for f in one.files}}
        for one in store.lock().values()
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        here = "here" if row["here"] else "needed" if row["needed"] else "-"
        click.echo(
            f"{here:<7} {row['name']:<22} {int(str(row['bytes'])) / 1e6:>7.1f} MB  {row['licence']:<11} {row['title']}"
        )
    click.echo(f"in {store.folder(settings)}")


@weights.command("fetch")
@click.argument("names", nargs=-1)
@click.pass_context
def fetch_weights(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Fetch what the settings need (or NAMES), from the first source with the right SHA-256."""
    from worker import weights as store  # noqa: PLC0415

    settings = _settings(ctx)
    for name in names or store.needed(settings):
        fetched = store.fetch(
            name, settings, lambda what, done, total: click.echo(f"  {what}  {done}/{total}", err=True)
        )
        click.echo(f"{name}: {'fetched' if fetched else 'here'}, SHA-256 verified")


@weights.command("verify")
@click.argument("names", nargs=-1)
@click.pass_context
def verify_weights(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Check the SHA-256 of every file the settings need (or of NAMES)."""
    from worker import weights as store  # noqa: PLC0415

    found = store.status(_settings(ctx), names)
    for one in found:
        click.echo(f"{'ok' if one.ok else 'FAULT':<6} {one.name}: {one.detail}")
    ctx.exit(DONE if all(one.ok for one in found) else FAILED)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check ffmpeg, weights, device, broker and bucket, and say the remedy for each fault."""
    from worker import doctor as examination  # noqa: PLC0415

    settings = _settings(ctx, quiet=True)
    found = []
    for check in examination.checks(settings):
        found.append(check)
        if not as_json:
            sign = {True: "ok", False: "FAULT", None: "-"}[check.ok]
            click.echo(f"{sign:<6} {check.name:<12} {check.detail}")
            if check.ok is False:
                click.echo(f"       {'':<12} → {check.remedy}")
    if as_json:
        rows = [{"name": c.name, "ok": c.ok, "detail": c.detail, "remedy": c.remedy} for c in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    ctx.exit(FAILED if any(check.ok is False for check in found) else DONE)


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", default="nachlese-evaluation", show_default=True,
              type=click.Path(file_okay=False, path_type=Path),
              help="Where the report goes, and what is made of the recordings.")  # fmt: skip
@click.option("--hypotheses", metavar="DIR2", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Run nothing, score what lies there: NAME.mp3.nachlese/, or NAME.seglst.json and NAME.rttm.",
)  # fmt: skip
@click.option("--silent", metavar="PATTERN", multiple=True,
              help="Recordings in which nobody speaks, e.g. 'noise*'; as an empty NAME.txt. Repeatable.")  # fmt: skip
@click.option("--collar", default=0.25, show_default=True, type=click.FloatRange(0, 5),
              help="Seconds left out on either side of speaker borders, in DER and JER.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def evaluate(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context, folder: Path, out: Path, hypotheses: Path | None, silent: tuple[str, ...], collar: float,
    as_json: bool,
) -> None:  # fmt: skip
    """Score the recordings in DIR by the references beside them, and write a report.

    \b
    Beside talk.mp3, all of it optional; what is missing isn't scored:
      talk.ref.json .seglst.json .stm .txt    what is said (an empty .txt: nobody speaks)
      talk.rttm                               who speaks when
      talk.names.txt .chapters.json           names, one a line; where chapters begin
      talk.doubt.txt                          passages that deserve doubt: start, end, reason
    A second call takes finished stages over.
    """  # noqa: D301  # click's own sign
    from jobs.scoring.report import document, summary  # noqa: PLC0415
    from worker.scoring import evaluation as measuring  # noqa: PLC0415
    from worker.terminal import progress_lines  # noqa: PLC0415

    settings = _settings(ctx)
    with progress_lines() as report:
        found = measuring.evaluate(measuring.Task(folder, out, hypotheses, silent, collar), settings, report)
    if as_json:
        click.echo(json.dumps(document(found), ensure_ascii=False, indent=1))
    else:
        click.echo(f"{summary(found)}\n\n{out / 'evaluation.md'}")
    ctx.exit(FAILED if any(row.failure for row in found.evaluation.rows) else DONE)


def main(args: Sequence[str] | None = None) -> None:
    """The console script."""
    cli.main(args=None if args is None else list(args), prog_name="nachlese")


def _settings(ctx: click.Context, *, quiet: bool = False) -> "Settings":
    """Read the settings and set up logging; a fault in them ends the command."""
    from pydantic import ValidationError  # noqa: PLC0415

    from config import settings as configuration  # noqa: PLC0415
    from worker import logs  # noqa: PLC0415
    from worker.ownership import check_ownership  # noqa: PLC0415

    try:
        settings = configuration.load(ctx.obj["config"])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SetupError("bad-settings", f"settings: {place}: {first['msg']}") from None
    except (FileNotFoundError, ValueError) as error:
        raise SetupError("bad-settings", f"settings: {error}") from None
    if ctx.obj["debug"]:
        settings = settings.but(log={"level": "debug"})
    logs.configure(settings.log, quiet=quiet and not ctx.obj["debug"])
    check_ownership()
    return settings


def _storage(settings: "Settings") -> "Storage":
    from worker.bucket.storage import s3_storage  # noqa: PLC0415

    return s3_storage(settings)


def _queue(settings: "Settings") -> "JobQueue | None":
    """The broker's queue; None when the broker is away: the bucket alone knows enough."""
    from redis.exceptions import RedisError  # noqa: PLC0415

    from worker.queue.dispatch import job_queue  # noqa: PLC0415

    try:
        queue = job_queue(settings)
        queue.ping()
    except RedisError:
        return None
    return queue


def _until_told() -> Any:
    from worker.fleet.signals import until_told  # noqa: PLC0415

    return until_told()


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


def _show_recap(transcript: "Transcript", recap: "Recap | None") -> None:
    from config.settings import labels  # noqa: PLC0415
    from worker.terminal import recap_head  # noqa: PLC0415

    click.echo()
    for line in recap_head(transcript, recap, labels()):
        click.echo(line)


def _tell(states: Sequence[Any], *, as_json: bool) -> None:
    from jobs.artifacts import plain  # noqa: PLC0415

    if as_json:
        click.echo(json.dumps([plain(state) for state in states], ensure_ascii=False, indent=1))
        return
    for state in states:
        click.echo(state.sentence)
    if not states:
        click.echo("Noch keine Aufnahme im Speicher.")


def _sentence(error: NachleseError, name: str = "Die Datei") -> str:
    """German where a producer's sentence exists, else the English detail."""
    from config.settings import labels  # noqa: PLC0415
    from jobs.export.labels import sentence  # noqa: PLC0415

    if isinstance(error, SetupError) or f"error.{error.code}" not in labels():
        return error.detail
    return sentence(labels(), "error", error.code, {"name": name, **error.fields})


def _stop(code: int, message: str) -> NoReturn:
    click.secho(message, fg="red", err=True)
    sys.exit(code)
