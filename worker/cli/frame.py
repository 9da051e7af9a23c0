"""What all commands share: the group, options, settings, and how a fault is told."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from jobs.errors import NachleseError, SetupError

if TYPE_CHECKING:
    from config.settings import Settings
    from worker.bucket.storage import Storage
    from worker.queue.dispatch import JobQueue

DONE, FAILED, UNUSABLE = 0, 1, 2

_EVERYBODY = ("run", "up", "put", "status", "ls", "pull", "correct", "sign", "retry", "rerun", "digest", "voices")
JSON = click.option("--json", "as_json", is_flag=True, help="Ausgabe für Programme (JSON).")
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
            leave(UNUSABLE, sentence_of(error))
        except NachleseError as error:
            leave(FAILED, sentence_of(error))
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
            leave(FAILED, f"Unexpected {type(error).__name__}; run again with `nachlese --debug …` for the details.")


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


SHAPE = click.option(
    "--shape", callback=_shape, metavar="FORM",
    help="Form des Entwurfs: rueckblick, meldung, shownotes, newsletter oder social.",
)  # fmt: skip

LOCAL = click.option(
    "--local", metavar="ORDNER", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Statt des Speichers ein Ordner mit Ergebnissen von „run“.",
)  # fmt: skip


def main(args: Sequence[str] | None = None) -> None:
    """The console script."""
    cli.main(args=None if args is None else list(args), prog_name="nachlese")


def settings_of(ctx: click.Context, *, quiet: bool = False) -> "Settings":
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


def storage_of(settings: "Settings") -> "Storage":
    """The bucket."""
    from worker.bucket.storage import s3_storage  # noqa: PLC0415

    return s3_storage(settings)


def queue_of(settings: "Settings") -> "JobQueue | None":
    """The broker's queue; None when the broker is away: the bucket alone knows enough."""
    from redis.exceptions import RedisError  # noqa: PLC0415

    from worker.queue.dispatch import job_queue  # noqa: PLC0415

    try:
        queue = job_queue(settings)
        queue.ping()
    except RedisError:
        return None
    return queue


def until_told_to() -> Any:
    """An event that is set by SIGTERM or Ctrl-C, as a context."""
    from worker.fleet.signals import until_told  # noqa: PLC0415

    return until_told()


def sentence_of(error: NachleseError, name: str = "Die Datei") -> str:
    """German where a producer's sentence exists, else the English detail."""
    from config.settings import labels  # noqa: PLC0415
    from jobs.export.labels import sentence  # noqa: PLC0415

    if isinstance(error, SetupError) or f"error.{error.code}" not in labels():
        return error.detail
    return sentence(labels(), "error", error.code, {"name": name, **error.fields})


def leave(code: int, message: str) -> NoReturn:
    """End the command with a message."""
    click.secho(message, fg="red", err=True)
    sys.exit(code)
