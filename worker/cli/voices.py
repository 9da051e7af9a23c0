"""Commands about voice profiles."""

import json

import click

from worker.cli.frame import FAILED, JSON, cli, settings_of, storage_of


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
    settings = settings_of(ctx)
    wish = profiles.Wish(name.strip(), consent.strip(), days, speaker)
    click.echo(profiles.told("enrolled", profiles.enrol(wish, key, storage_of(settings), settings)))


@voices.command("list")
@JSON
@click.pass_context
def list_voices(ctx: click.Context, as_json: bool) -> None:
    """Wessen Profile es gibt und bis wann; abgelaufene werden dabei gelöscht."""
    from config.settings import labels  # noqa: PLC0415
    from worker.desk import profiles  # noqa: PLC0415

    settings = settings_of(ctx)
    found = profiles.known(storage_of(settings), settings)
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

    done = profiles.forget(name.strip(), storage_of(settings_of(ctx)))
    click.echo(labels()["voices.forgotten"].format(count=done.profiles, person=name.strip()))
    if done.versions_left:
        click.secho(labels()["voices.versions-left"].format(folder=VOICES), fg="red", err=True)
        ctx.exit(FAILED)
