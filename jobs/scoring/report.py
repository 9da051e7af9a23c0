"""What an evaluation found, for people (Markdown) and for programs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.scoring.bootstrap import DRAWS
from jobs.scoring.doubts import NEAR_SPEECH_S
from jobs.scoring.figures import SPEAKER_COST, Figure, drawn_by, figures, offsets
from jobs.scoring.scores import Scores
from jobs.timeline import Seconds

SCHEMA = "nachlese/evaluation/1"


@dataclass(frozen=True, slots=True)
class Row:
    """One recording."""

    #: File name.
    name: str
    scores: Scores | None = None
    #: Whether it is known that nobody says anything in it.
    silent: bool = False
    #: Why there are no scores: an error's code and its English sentence.
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All recordings of a folder."""

    rows: tuple[Row, ...]
    #: File names of recordings without any reference.
    unscored: tuple[str, ...]
    #: What was scored: engines and models, or where the transcripts came from.
    system: str
    #: Left out on either side of the border of a turn, in DER and JER.
    collar_s: Seconds
    #: Words may be that far off in tcpWER.
    tcp_collar_s: Seconds
    made_at: datetime

    @property
    def scores(self) -> tuple[Scores, ...]:
        """Of all recordings that could be scored."""
        return tuple(row.scores for row in self.rows if row.scores is not None)


@dataclass(frozen=True, slots=True)
class Findings:
    """An evaluation with all of its figures; intervals take a while, so they are worked out once."""

    evaluation: Evaluation
    #: Of each row; empty where it couldn't be scored.
    rows: tuple[Mapping[str, Figure], ...]
    #: Of all recordings, of those in which nobody speaks, and of the others.
    total: Mapping[str, Figure]
    silent: Mapping[str, Figure]
    others: Mapping[str, Figure]


def findings(evaluation: Evaluation) -> Findings:
    """Work out the figures of an evaluation."""
    scored = [row for row in evaluation.rows if row.scores is not None]
    invented = [
        figures([row.scores for row in scored if row.silent is silent and row.scores is not None], _COUNTED)
        for silent in (True, False)
    ]
    rows = (figures(() if row.scores is None else (row.scores,)) for row in evaluation.rows)
    return Findings(evaluation, tuple(rows), figures(evaluation.scores), *invented)


#: Table → column → title. Those in `_RIGHT` are shown as shares of what is right.
_TABLES: Mapping[str, Mapping[str, str]] = {
    "Words and speakers": {
        "wer": "WER", "wer_basic": "WER, basic", "cpwer": "cpWER", SPEAKER_COST: "cpWER − WER", "tcpwer": "tcpWER",
        "der": "DER", "jer": "JER", "names": "Wrong names",
    },
    "Languages, doubt, chapters": {
        "languages": "Right language, utterances", "language_time": "Right language, seconds",
        "invented": "Invented words", "invented_unmarked": "… unmarked", "doubt_precision": "Doubt: precision",
        "doubt_recall": "Doubt: recall", "doubt_cost": "Right words in doubt", "chapters_missed": "Chapters found",
        "chapters_extra": "Chapters: precision",
    },
}  # fmt: skip
_RIGHT = {"languages", "language_time", "doubt_precision", "doubt_recall", "chapters_missed", "chapters_extra"}
_COUNTED = ("invented", "invented_unmarked")
#: What matters most: its title, and what is counted.
_HEAD = {
    "wer": ("WER", "words"), "cpwer": ("cpWER", "words"), SPEAKER_COST: ("cpWER − WER", "words"),
    "der": ("DER", "s of speech"), "languages": ("Utterances in the right language", "utterances"),
    "names": ("Wrong names", "mentions"),
}  # fmt: skip

#: What a terminal has room for.
_SHORT = {
    "wer": "WER", SPEAKER_COST: "cpWER − WER", "der": "DER", "languages": "language", "names": "wrong names",
    "invented": "invented", "doubt_recall": "doubt", "chapters_missed": "chapters", "chapters_extra": "right of them",
}  # fmt: skip


def document(found: Findings) -> dict[str, object]:
    """The findings in what JSON knows; rates as shares, times in seconds."""
    evaluation = found.evaluation
    return {
        "schema": SCHEMA,
        "system": evaluation.system,
        "made_at": evaluation.made_at.isoformat(),
        "collar_s": evaluation.collar_s,
        "tcp_collar_s": evaluation.tcp_collar_s,
        "drawn_by": drawn_by(evaluation.scores),
        "total": _plain(found.total, evaluation.scores),
        "recordings": [
            {"name": row.name, "silent": row.silent, "failure": row.failure} | _plain(of_row, _scores(row))
            for row, of_row in zip(evaluation.rows, found.rows, strict=True)
        ],
        "without_reference": list(evaluation.unscored),
    }


def markdown(found: Findings) -> str:
    """The findings to read: first what matters most, then a row for each recording."""
    evaluation = found.evaluation
    lines = [
        "# Evaluation",
        "",
        f"{len(evaluation.scores)} of {len(evaluation.rows)} recordings scored, "
        f"{evaluation.made_at:%Y-%m-%d %H:%M} UTC. {evaluation.system}.",
        "",
        summary(found),
    ]
    for title, columns in _TABLES.items():
        lines += ["", f"## {title}", "", *_table(found, columns)]
    return "\n".join((*lines, "", "## How it was measured", "", *_method(evaluation), ""))


def summary(found: Findings) -> str:
    """The head of the report, for a terminal."""
    return "\n".join((*_head(found), *_failures(found.evaluation)))


def by_recording(found: Findings) -> str:
    """A line for each recording, for a terminal: the figures that were worked out for any, without intervals."""
    columns = {name: title for name, title in _SHORT.items() if name in found.total}
    scored = zip(found.evaluation.rows, found.rows, strict=True)
    table = [("", *columns.values())] + [
        (_printable(row.name), *(_brief(name, some.get(name)) for name in columns))
        for row, some in scored
        if row.scores is not None
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])] for cells in table)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _head(found: Findings) -> Iterator[str]:
    number = sum(row.silent and row.scores is not None for row in found.evaluation.rows)
    yield from ("| Measure | Found | 95 % interval | Counted |", "|---|---|---|---|")
    for title, some in ((f"Invented in {number} recordings without speech", found.silent),
                        ("Invented where nobody speaks, in the others", found.others)):  # fmt: skip
        if "invented" in some:
            everything, unmarked = some["invented"].errors, some["invented_unmarked"].errors
            words = f"{everything.count:.0f} words, {unmarked.count:.0f} of them unmarked"
            yield f"| {title} | {words} | | {everything.of:.0f} words written |"
    for name, (title, of) in _HEAD.items():
        one = found.total.get(name)
        if one is not None:
            shown = one.right if name in _RIGHT else one
            yield f"| {title} | {_percent(shown.rate)} | {_range(shown)} | {one.errors.of:.0f} {of} |"
    off = offsets(found.evaluation.scores)
    if off is not None:
        seconds = f"median {off.median_s:.2f} s, 95th percentile {off.percentile_95_s:.2f} s"
        yield f"| Word times off by | {seconds} | | {off.number} starts and ends |"


def _failures(evaluation: Evaluation) -> Iterator[str]:
    failed = [row for row in evaluation.rows if row.failure is not None]
    if failed:
        yield from ("", "Not scored:", "")
        yield from (f"- {_cell(row.name)}: {_cell(row.failure or '')}" for row in failed)


def _table(found: Findings, columns: Mapping[str, str]) -> Iterator[str]:
    there = {name: title for name, title in columns.items() if name in found.total}
    timed = "wer" in there and offsets(found.evaluation.scores) is not None
    titles = [*there.values(), *(("Word times: median, 95 %",) if timed else ())]
    yield "| Recording | " + " | ".join(titles) + " |"
    yield "|---" * (len(titles) + 1) + "|"
    rows = [
        (_cell(row.name), of_row, _scores(row))
        for row, of_row in zip(found.evaluation.rows, found.rows, strict=True)
        if row.scores is not None
    ]
    for name, some, scores in (*rows, ("**all, pooled**", found.total, found.evaluation.scores)):
        cells = [_shown(column, some.get(column)) for column in there]
        if timed:
            off = offsets(scores)
            cells.append("" if off is None else f"{off.median_s:.2f}, {off.percentile_95_s:.2f} s")
        yield f"| {name} | " + " | ".join(cells) + " |"


def _scores(row: Row) -> tuple[Scores, ...]:
    return () if row.scores is None else (row.scores,)


def _shown(name: str, found: Figure | None) -> str:
    if found is None:
        return ""
    if name in _COUNTED:
        return f"{found.errors.count:.0f} of {found.errors.of:.0f}"
    shown = found.right if name in _RIGHT else found
    span = _range(shown)
    return _percent(shown.rate) + (f" ({span})" if span else "")


def _brief(name: str, found: Figure | None) -> str:
    """As `_shown`, without the interval."""
    return _shown(name, found).partition(" (")[0]


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"


def _range(found: Figure) -> str:
    return "" if found.low is None or found.high is None else f"{100 * found.low:.1f} to {100 * found.high:.1f}"


def _cell(text: str) -> str:
    """A name as a cell of a table, whatever it holds."""
    return "".join(f"\\{one}" if one in "\\|`*[]<>&#!~" else one for one in " ".join(text.split()))


def _printable(text: str) -> str:
    """A name that can't move a terminal's cursor."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _plain(some: Mapping[str, Figure], several: Sequence[Scores]) -> dict[str, object]:
    """Figures for programs."""
    found: dict[str, object] = {
        name: {
            "rate": _rounded(one.rate), "low": _rounded(one.low), "high": _rounded(one.high),
            "added": round(one.errors.added, 3), "missed": round(one.errors.missed, 3),
            "confused": round(one.errors.confused, 3), "of": round(one.errors.of, 3),
        }
        for name, one in some.items()
    }  # fmt: skip
    off = offsets(several)
    if off is not None:
        found["word_times"] = {
            "median_s": _rounded(off.median_s), "percentile_95_s": _rounded(off.percentile_95_s), "of": off.number
        }  # fmt: skip
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _method(evaluation: Evaluation) -> Iterator[str]:
    yield "- **Pooled**: errors of all recordings by the length of all recordings, no means of rates."
    yield (
        f"- **Intervals**: 95 %, bootstrap with {DRAWS} draws and a fixed seed (Bisani and Ney 2004). Of a recording "
        f"its segments are drawn, of all of them the {drawn_by(evaluation.scores)}. With few segments the interval is "
        "too narrow."
    )
    yield (
        "- **Words** (WER, cpWER, tcpWER, names) are compared in small letters, without punctuation, symbols and what "
        "stands in brackets, as Whisper's published BasicTextNormalizer does; besides, on both sides, numbers, "
        "ordinals, prices, clock times and units are spelt alike, and “äh”, “hm” and the like are left out. “WER, "
        "basic” goes by the published rules alone."
    )
    yield (
        f"- **Speakers**: cpWER and tcpWER by meeteval, words up to {evaluation.tcp_collar_s:g} s off; DER and JER by "
        f"pyannote.metrics, leaving out {evaluation.collar_s:g} s on either side of each border, overlaps scored."
    )
    yield (
        "- **Language**: of an utterance, the one spoken during most of it. **Wrong names**: mentions in the reference "
        "that aren't written alike in the same place."
    )
    yield (
        "- **Doubt** is deserved by an utterance with at least half of its words wrong, or half of its time in a "
        f"passage labelled so. **Invented** are words more than {NEAR_SPEECH_S:g} s away from all speech."
    )
    if evaluation.unscored:
        yield f"- Without any reference, and left out: {', '.join(map(_cell, evaluation.unscored))}."
