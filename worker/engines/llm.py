"""The recap writer that asks a language model, proves what it says, and falls back to what was said."""

from dataclasses import replace
from typing import Protocol

from config.settings import RecapSettings, labels, prompt
from jobs.artifacts import digest
from jobs.errors import EngineError
from jobs.programme import Talk
from jobs.recap import Question, Recap, Writer
from jobs.recording import Provenance
from jobs.transcript import Transcript
from jobs.writing.composition import Desk, compose_recap
from jobs.writing.prompts import CHARS_PER_TOKEN, TEMPLATES, Stationery
from worker.engines.chat import Chat, Conversation
from worker.provenance import provenance
from worker.style import house_style

#: Raise it when the composing rules in `jobs` change, so that stored recaps are written anew.
RULES = 3
#: Tokens that a chat template puts around messages, at most.
_TEMPLATE_TOKENS = 64


class StandIn(Writer, Protocol):
    """A writer that needs nobody: gives chapters and frame, and the whole draft where no model answers."""

    def digest(self) -> str:
        """Name engine and rules."""
        ...

    def load(self) -> None:
        """Read what it needs."""
        ...


class LlmWriter:
    """A writer in German prose; nothing it writes stands without proof."""

    def __init__(self, settings: RecapSettings, stand_in: StandIn, *, chat: Chat | None = None) -> None:
        """Read keys, prompts and style.

        Raises:
            SetupError: a key or the house style can't be read.
        """
        self._settings = settings
        self._stand_in = stand_in
        self._style = house_style(settings)
        self._stationery = Stationery({name: prompt(name) for name in TEMPLATES}, self._style.rules)
        self._chat = chat or Chat(settings)

    def digest(self) -> str:
        """Name rules, models, prompts, style and the stand-in."""
        return digest("llm", *self._options(), self._stand_in.digest())

    def load(self) -> None:
        """Load the stand-in; models elsewhere are somebody else's."""
        self._stand_in.load()

    def write(self, transcript: Transcript, talk: Talk) -> Recap:
        """Draft a recap in German prose, whatever language was spoken.

        Where no model can be reached, the stand-in's draft comes back, `provisional`: call again later. A sensitive
        recording that no endpoint may read gets the stand-in's draft for good.

        Raises:
            EngineError: the stand-in failed.
        """
        draft = self._stand_in.write(transcript, talk)
        if not draft.chapters:
            return draft
        conversation = self._chat.conversation(sensitive=talk.sensitive)
        if conversation is None:
            return _with_notice(draft, "without-model-sensitive")
        try:
            written = compose_recap(draft, transcript, talk, self._desk(conversation))
        except EngineError as error:
            if error.code != "llm-unavailable":
                raise
            notice = "without-model" if self._settings.patience_hours else "without-model-for-now"
            return replace(_with_notice(draft, notice), provisional=True, usage=conversation.usage)
        return replace(written, provenance=self._signed(), usage=conversation.usage)

    def _desk(self, conversation: Conversation) -> Desk:
        tokens = conversation.context_tokens - self._settings.answer_tokens - _TEMPLATE_TOKENS
        return Desk(conversation, self._stationery, self._style, labels(), int(tokens * CHARS_PER_TOKEN))

    def _signed(self) -> Provenance:
        version = f"rules {RULES}, {', '.join(dict.fromkeys(one.model for one in self._settings.endpoints))}"
        return provenance("llm", version, weights_sha256=None, options=self._options())

    def _options(self) -> list[object]:
        models = [(one.model, one.context_tokens) for one in self._settings.endpoints]
        return [RULES, models, self._settings.answer_tokens, dict(self._stationery.templates), self._stationery.rules]


def _with_notice(draft: Recap, code: str) -> Recap:
    return replace(draft, open_questions=(Question(code, {}), *draft.open_questions))
