"""Pictures for an evaluation's report."""

import io
from collections.abc import Iterator, Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from jobs.scoring.figures import Figure as Rate
from jobs.scoring.report import Findings

#: What stands for a recording in a plot may be this long.
_LONGEST_NAME = 40
_DRAWN = {"wer": "WER", "cpwer": "cpWER", "der": "DER"}


def plots(found: Findings) -> Iterator[tuple[str, str, bytes]]:
    """File name, title and SVG of each plot that there is something for."""
    pairs = zip(found.evaluation.rows, found.rows, strict=True)
    rows = {row.name: some for row, some in pairs if some.keys() & _DRAWN.keys()}
    if rows:
        title = "Errors by recording, with 95 % intervals"
        yield "errors.svg", title, _svg(_errors(rows, title))
    off = sorted(one for scores in found.evaluation.scores for one in scores.word_times or ())
    if off:
        title = "Word times: share of starts and ends that are off by no more"
        yield "word-times.svg", title, _svg(_times(off, title))


def _errors(rows: Mapping[str, Mapping[str, Rate]], title: str) -> Figure:
    """One dot a rate, a line through its interval."""
    picture = Figure(figsize=(8, 1.4 + 0.5 * len(rows)), layout="constrained")
    axes = picture.subplots()
    for offset, (name, label) in enumerate(_DRAWN.items()):
        for place, some in enumerate(rows.values()):
            one = some.get(name)
            if one is None or one.rate is None:
                continue
            low, high = (one.rate if end is None else end for end in (one.low, one.high))
            # An interval from draws may leave out the rate itself.
            ends = [[100 * max(0.0, one.rate - low)], [100 * max(0.0, high - one.rate)]]
            height = place + 0.2 * (offset - 1)
            axes.errorbar(100 * one.rate, height, xerr=ends, fmt="o", capsize=3, color=f"C{offset}", label=label)
    axes.set_yticks(range(len(rows)), [name[:_LONGEST_NAME] for name in rows], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("%")
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(title)
    # Every dot has a label; one of each kind is enough.
    kinds = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(kinds.values(), kinds.keys())
    return picture


def _times(off: Sequence[float], title: str) -> Figure:
    """How many of them are off by how much."""
    picture = Figure(figsize=(8, 3.5), layout="constrained")
    axes = picture.subplots()
    axes.ecdf(off)
    axes.set_xlim(0, max(1.0, off[int(0.98 * (len(off) - 1))]))
    axes.set_ylim(0, 1)
    axes.set_xlabel("s")
    axes.grid(alpha=0.3)
    axes.set_title(title)
    return picture


def _svg(picture: Figure) -> bytes:
    drawn = io.BytesIO()
    # The same picture for the same figures; letters stay letters.
    with mpl.rc_context({"svg.hashsalt": "nachlese", "svg.fonttype": "none"}):
        picture.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
