"""The lines of an edited transcript, read from the text of our WebVTT or from speeches as they stand in a document."""

import html
import re
from collections.abc import Iterable, Iterator

from jobs.edits import Line
from jobs.export.labels import Labels
from jobs.export.readable import clean

# Nothing here looks twice at what it has read: files come from anywhere.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
_TAG = re.compile(r"<[^<>]*>")
_DOUBT = "<c.doubt"
#: "Anna Berg [0:14] Guten Abend."; hours and fractions may be there.
_SPEECH = re.compile(
    r"(?P<voice>[^\[\]\n]{1,120}?)[\s:]{0,3}\[\d{1,2}(?::\d{1,2}){1,2}(?:[.,]\d{1,3})?\](?P<text>.*)", re.DOTALL
)


def from_vtt(text: str, labels: Labels) -> tuple[Line, ...]:
    """Read the cues of a WebVTT file; notes, styles and regions aren't speech."""
    lines = []
    for block in re.split(r"\n[ \t]*\n", text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")):
        _, arrow, rest = block.partition("-->")
        if not arrow or block.startswith("NOTE"):
            continue
        said = rest.partition("\n")[2]
        voice = _VOICE.search(said)
        name = None if voice is None else clean(html.unescape(voice[1])) or None
        lines.append(Line(name, _plain(html.unescape(_TAG.sub("", _unbracketed(said))), labels)))
    return tuple(line for line in lines if line.text)


def from_speeches(paragraphs: Iterable[str], labels: Labels) -> tuple[Line, ...]:
    """Read paragraphs that begin with a name and a time in square brackets.

    One without goes on with the speech before it; those before the first speech are the document's head.
    """
    return tuple(line for line in _speeches(paragraphs, labels) if line.text)


def _speeches(paragraphs: Iterable[str], labels: Labels) -> Iterator[Line]:
    voice: str | None = None
    for text in paragraphs:
        found = _SPEECH.fullmatch(text.strip())
        if found is not None:
            voice = clean(found["voice"]).rstrip(":") or None
            yield Line(voice, _plain(found["text"], labels))
        elif voice is not None:
            yield Line(voice, _plain(text, labels))


def _unbracketed(said: str) -> str:
    """Take the brackets off doubtful subtitles."""
    head, *marked = said.split(_DOUBT)
    for part in marked:
        inside, closed, rest = part.partition(">")[2].partition("</c>")
        head += (inside.strip().removeprefix("[").removesuffix("]") if closed else inside) + rest
    return head


def _plain(text: str, labels: Labels) -> str:
    """Take off what an exporter put around doubtful speech."""
    doubtful = re.escape(labels["export.doubtful"])
    return clean(re.sub(rf"\[{doubtful}, [^:\[\]]*: ([^\[\]]*)\]", r"\1", text))
