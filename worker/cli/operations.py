"""Commands for those who run it all."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker.cli.frame import DONE, FAILED, cli, settings_of, storage_of, until_told_to

if TYPE_CHECKING:
    from worker.engines.host import Role


@cli.command()
@click.option("--once", is_flag=True, help="One sweep, then leave.")
@click.pass_context
def intake(ctx: click.Context, once: bool) -> None:
    """Watch the bucket and queue what isn't finished. Any number may run; the bucket is the only truth."""
    from worker.queue import intake as watcher  # noqa: PLC0415
    from worker.queue.dispatch import job_queue  # noqa: PLC0415

    settings = settings_of(ctx)
    storage, queue = storage_of(settings), job_queue(settings)
    if once:
        found = watcher.sweep(storage, queue, settings)
        click.echo(f"{found.queued} queued")
        return
    with until_told_to() as stop:
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

    settings = settings_of(ctx)
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

    settings = settings_of(ctx)
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

    settings = settings_of(ctx)
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

    found = store.status(settings_of(ctx), names)
    for one in found:
        click.echo(f"{'ok' if one.ok else 'FAULT':<6} {one.name}: {one.detail}")
    ctx.exit(DONE if all(one.ok for one in found) else FAILED)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check ffmpeg, weights, device, broker and bucket, and say the remedy for each fault."""
    from worker import doctor as examination  # noqa: PLC0415

    settings = settings_of(ctx, quiet=True)
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
    from jobs.scoring.report import by_recording, document, summary  # noqa: PLC0415
    from worker.scoring import evaluation as measuring  # noqa: PLC0415
    from worker.terminal import progress_lines  # noqa: PLC0415

    settings = settings_of(ctx)
    with progress_lines() as report:
        found = measuring.evaluate(measuring.Task(folder, out, hypotheses, silent, collar), settings, report)
    if as_json:
        click.echo(json.dumps(document(found), ensure_ascii=False, indent=1))
    else:
        click.echo(f"{summary(found)}\n\n{by_recording(found)}\n\n{out / 'evaluation.md'}")
    ctx.exit(FAILED if any(row.failure for row in found.evaluation.rows) else DONE)
