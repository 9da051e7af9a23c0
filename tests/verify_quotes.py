"""Whether every quote of every draft in a folder stands word for word in the transcript, at its time, by its speaker.

`python tests/verify_quotes.py FOLDER` looks for every `recap.json` with a `transcript.json` beside it, prints what it
found of each, and ends with 1 if anything is missing. It shares no code with what it checks: it knows the two files'
form, and nothing else.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Files hold milliseconds.
TOLERANCE_S = 0.002
_INLINE = re.compile(r"„([^„“]+)“")
_EDGES = "„“”\"'‚‘’»«.,;:!?…–- "


def main(arguments: list[str]) -> int:
    """Check every draft; 0: all quotes are there, 1: one isn't, 2: there is no draft."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: verify_quotes.py FOLDER\n")
        return 2
    drafts = [path for path in sorted(Path(arguments[0]).rglob("recap.json")) if _beside(path).is_file()]
    if not drafts:
        sys.stderr.write("no recap.json with a transcript.json beside it\n")
        return 2
    missed = 0
    for path in drafts:
        recap, transcript = json.loads(path.read_text()), json.loads(_beside(path).read_text())
        results = [*_listed(recap, transcript), *_inline(recap, transcript)]
        missing = [what for what, found in results if not found]
        sys.stdout.write(f"{len(results) - len(missing)} of {len(results)} quotes found: {path}\n")
        sys.stdout.writelines(f"  missing: {what}\n" for what in missing)
        missed += len(missing)
    return 1 if missed else 0


def _beside(recap: Path) -> Path:
    return recap.with_name("transcript.json")


def _listed(recap: Any, transcript: Any) -> Iterator[tuple[str, bool]]:
    """The draft's quotes: which words, and whether they were said then, by that voice, and by nobody doubted."""
    for quote in recap["quotes"]:
        start, end = quote["span"]["start"], quote["span"]["end"]
        cited = [u for u in transcript["utterances"] if u["id"] in quote["evidence"]]
        words = [
            word
            for utterance in cited
            for word in utterance["words"]
            if word["span"]["start"] >= start - TOLERANCE_S and word["span"]["end"] <= end + TOLERANCE_S
        ]
        own = all(u["speaker"] == quote["speaker"] and u["doubt"] is None for u in cited)
        verbatim = " ".join(word["text"] for word in words) == quote["text"]
        exact = bool(words) and abs(words[0]["span"]["start"] - start) <= TOLERANCE_S
        ends = max((word["span"]["end"] for word in words), default=-1.0)
        yield quote["text"], own and verbatim and exact and abs(ends - end) <= TOLERANCE_S


def _inline(recap: Any, transcript: Any) -> Iterator[tuple[str, bool]]:
    """What stands in quotation marks within sentences: whether one voice of its evidence said it in one piece."""
    sentences = [recap["headline"], *recap["lead"], *(s for c in recap["chapters"] for s in c["sentences"])]
    for sentence in filter(None, sentences):
        # Sentences that only frame the talk put its title into quotation marks.
        for text in () if sentence["basis"] == "frame" else _INLINE.findall(sentence["text"]):
            cited = [u for u in transcript["utterances"] if u["id"] in sentence["evidence"] and u["doubt"] is None]
            speech = [
                [_bare(word["text"]) for u in cited if u["speaker"] == voice for word in u["words"]]
                for voice in {u["speaker"] for u in cited}
            ]
            yield text, any(_holds(heard, [_bare(word) for word in text.split()]) for heard in speech)


def _bare(word: str) -> str:
    return word.strip(_EDGES)


def _holds(heard: list[str], wanted: list[str]) -> bool:
    """Whether the words stand in speech one after the other; the first may have got a capital."""
    heard, wanted = [word for word in heard if word], [word for word in wanted if word]
    size = len(wanted)
    for at in range(len(heard) - size + 1):
        piece = heard[at : at + size]
        if piece[1:] == wanted[1:] and wanted[0] in {piece[0], piece[0][:1].upper() + piece[0][1:]}:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
