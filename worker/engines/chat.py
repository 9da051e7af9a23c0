"""Asks language models over HTTP: OpenAI's `/chat/completions`, as vLLM, llama.cpp, Ollama and others speak it.

Servers differ in what they call an answer: each is asked for JSON by schema, then by format, then in words alone, and
what worked is remembered. One that fails is left alone for a while, and the next is asked.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import BaseModel, Field, ValidationError

from config.settings import EndpointSettings, RecapSettings, prompt
from jobs.errors import EngineError, SetupError
from jobs.recap import Usage
from jobs.writing.prompts import Prompt, TooMuch, Unanswered, parse_answer, schema_of

log = structlog.get_logger()

#: A body longer than this is no answer: the longest that can be asked for is a tenth of it.
MAX_BODY_BYTES = 4 * 2**20
CONNECT_S = 10.0
#: Pauses before another try on the same endpoint, in seconds; a server's Retry-After goes before.
PAUSES_S = (1.0, 4.0, 15.0)
#: Whoever asks for more patience than this is left alone for as long, and the next one is asked.
MAX_PAUSE_S = 60.0
#: An endpoint that failed isn't asked again for this long; one that refuses us, for longer.
DOWN_S = 300.0
REFUSED_S = 3600.0

_BUSY = frozenset({408, 409, 425, 429})
_REJECTED = frozenset({400, 413, 422})
#: How servers say that a prompt is longer than the model's window.
_TOO_MUCH = re.compile(
    r"exceed\w*_context|context_length|context length|context window|context size|maximum context"
    r"|too many tokens|too long|(?:prompt|input|tokens)\b.{0,60}\bexceed",
    re.IGNORECASE | re.DOTALL,
)

A = TypeVar("A", bound=Any)


class Form(IntEnum):
    """How an endpoint is asked for JSON, strictest first."""

    SCHEMA = 0
    OBJECT = 1
    WORDS = 2


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int | None = Field(None, ge=0)
    completion_tokens: int | None = Field(None, ge=0)


class _Counted(BaseModel):
    usage: _Tokens


class _Completion(BaseModel):
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: _Tokens | None = None


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: tuple[_Model, ...] = ()


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    body: bytes
    retry_after: str | None


class _Failed(Exception):  # noqa: N818  # never leaves this module
    """This endpoint gave no answer; `wait_s` is None where another try can't help now."""

    def __init__(self, why: str, *, wait_s: float | None = None, down_s: float = DOWN_S) -> None:
        super().__init__(why)
        self.why, self.wait_s, self.down_s = why, wait_s, down_s


class _Endpoint:
    """One server and what is remembered of it."""

    def __init__(self, settings: EndpointSettings, number: int, *, default_key: str) -> None:
        self.settings = settings
        #: Its place in the settings, from 1: what logs call it.
        self.number = number
        self.form = Form.SCHEMA
        #: Not to be asked before, by the monotonic clock.
        self.down_until = 0.0
        key = _key(settings) or ("" if settings.trusted else default_key)
        self.headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def body(self, prompt: Prompt, kind: type[Any], *, answer_tokens: int) -> dict[str, Any]:
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        plain = {"model": self.settings.model, "messages": messages, "temperature": 0, "max_tokens": answer_tokens}
        if self.form is Form.SCHEMA:
            schema = {"name": prompt.task, "strict": True, "schema": schema_of(kind)}
            return plain | {"response_format": {"type": "json_schema", "json_schema": schema}}
        return plain | ({"response_format": {"type": "json_object"}} if self.form is Form.OBJECT else {})


@dataclass(slots=True)
class _Count:
    """What one draft has cost so far."""

    requests: int = 0
    #: None: a server didn't say.
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    cost_cents: float | None = None
    #: Whether something was paid for whose price can't be told.
    is_cost_unknown: bool = False

    def add(self, tokens: _Tokens, settings: EndpointSettings) -> None:
        read, written = tokens.prompt_tokens, tokens.completion_tokens
        self.requests += 1
        self.tokens_in = None if self.tokens_in is None or read is None else self.tokens_in + read
        self.tokens_out = None if self.tokens_out is None or written is None else self.tokens_out + written
        for count, price in ((read, settings.price_in), (written, settings.price_out)):
            if price and count is None:
                self.is_cost_unknown = True
            elif price is not None:
                self.cost_cents = (self.cost_cents or 0.0) + (count or 0) * price / 1e6 * 100


class Chat:
    """All endpoints of the settings; lives as long as the process and remembers which work."""

    def __init__(self, settings: RecapSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Read the keys.

        Raises:
            SetupError: "llm-key-unreadable".
        """
        default = settings.api_key.get_secret_value().strip()
        self.settings = settings
        self.sleep = sleep
        self._endpoints = [
            _Endpoint(one, number, default_key=default) for number, one in enumerate(settings.endpoints, start=1)
        ]

    def conversation(self, *, sensitive: bool) -> "Conversation | None":
        """Talk about one recording; None where it is sensitive and no endpoint may hear of it."""
        allowed = [one for one in self._endpoints if one.settings.trusted or not sensitive]
        return Conversation(self, allowed) if allowed else None


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of asking one endpoint which models it has."""

    #: Its place in the settings, from 1.
    number: int
    #: Why it is of no use, e.g. "status 401"; None where it answers.
    why: str | None
    #: Whether it names the model of the settings; None where it names none at all.
    has_model: bool | None = None


def reached(settings: RecapSettings, *, limit_s: float) -> Iterator[Reached]:
    """Ask every endpoint for its models, which costs nothing; no word of any recording is sent.

    Raises:
        SetupError: "llm-key-unreadable".
    """
    default = settings.api_key.get_secret_value().strip()
    for number, one in enumerate(settings.endpoints, start=1):
        endpoint = _Endpoint(one, number, default_key=default)
        try:
            response = _asked(endpoint, "/models", limit_s=limit_s)
        except _Failed as failure:
            yield Reached(number, failure.why)
            continue
        unknown = response.status in {404, 405, 501}  # not everybody who completes chats lists models
        if response.status != 200 and not unknown:
            yield Reached(number, f"status {response.status}")
            continue
        try:
            names = {model.id for model in _Models.model_validate_json(response.body).data}
        except ValidationError:
            names = set()
        yield Reached(number, None, one.model in names if names else None)


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that is asked for one draft; see `jobs.writing.prompts.Ask`."""

    _chat: Chat
    _endpoints: Sequence[_Endpoint]
    _count: _Count = field(default_factory=_Count)

    @property
    def context_tokens(self) -> int:
        """The window that every endpoint has."""
        return min(one.settings.context_tokens for one in self._endpoints)

    @property
    def usage(self) -> Usage:
        """What was asked so far."""
        count = self._count
        cost_cents = None if count.is_cost_unknown else count.cost_cents
        return Usage(count.requests, count.tokens_in, count.tokens_out, cost_cents)

    def __call__(self, prompt: Prompt, kind: type[A]) -> A:
        """Ask whoever answers; an answer that is cut off or no JSON is asked for once more, shorter.

        Raises:
            Unanswered: neither answer could be read.
            TooMuch: the prompt doesn't fit.
            EngineError: "llm-unavailable".
        """
        answer: A | None = parse_answer(self._reply(prompt, kind), kind)
        if answer is None:
            log.info("llm.answer_unreadable", task=prompt.task)
            answer = parse_answer(self._reply(_shorter(prompt), kind), kind)
        if answer is None:
            log.warning("llm.unanswered", task=prompt.task)
            raise Unanswered
        return answer

    def _reply(self, prompt: Prompt, kind: type[Any]) -> str:
        for endpoint in self._endpoints:
            if time.monotonic() < endpoint.down_until:
                continue
            try:
                return self._persist(endpoint, prompt, kind)
            except _Failed as failure:
                endpoint.down_until = time.monotonic() + failure.down_s
                endpoint.form = Form.SCHEMA
                log.warning("llm.endpoint_down", endpoint=endpoint.number, why=failure.why, down_s=failure.down_s)
        raise EngineError("llm-unavailable", "no language model answers; see llm.endpoint_down")

    def _persist(self, endpoint: _Endpoint, prompt: Prompt, kind: type[Any]) -> str:
        """Ask one endpoint, with pauses where it is busy."""
        last = self._chat.settings.tries - 1
        for tried in range(last + 1):
            try:
                return self._once(endpoint, prompt, kind)
            except _Failed as failure:
                if failure.wait_s is None or tried == last:
                    raise
                wait_s = failure.wait_s or PAUSES_S[min(tried, len(PAUSES_S) - 1)]
                log.info("llm.retried", endpoint=endpoint.number, why=failure.why, wait_s=round(wait_s, 1))
            self._chat.sleep(wait_s)
        raise AssertionError("unreachable")

    def _once(self, endpoint: _Endpoint, prompt: Prompt, kind: type[Any]) -> str:
        """One answer, in the strictest form that the endpoint understands."""
        settings = self._chat.settings
        while True:
            started = time.monotonic()
            body = endpoint.body(prompt, kind, answer_tokens=settings.answer_tokens)
            response = _asked(endpoint, "/chat/completions", body, limit_s=settings.answer_s)
            if response.status not in _REJECTED:
                break
            if _TOO_MUCH.search(response.body.decode(errors="replace")):
                raise TooMuch
            if endpoint.form is Form.WORDS:
                raise _Failed(f"status {response.status}", down_s=REFUSED_S)
            endpoint.form = Form(endpoint.form + 1)
        try:
            completion = _completion(response)
        except _Failed:
            # It will be asked for again; what it has cost is to be paid all the same.
            if (spent := _spent(response)) is not None:
                self._count.add(spent, endpoint.settings)
            raise
        tokens = completion.usage or _Tokens()
        self._count.add(tokens, endpoint.settings)
        log.info(
            "llm.answered",
            endpoint=endpoint.number,
            task=prompt.task,
            tokens_in=tokens.prompt_tokens,
            tokens_out=tokens.completion_tokens,
            cut=completion.choices[0].finish_reason == "length",
            wall_s=round(time.monotonic() - started, 2),
        )
        return completion.choices[0].message.content or ""


def _asked(endpoint: _Endpoint, path: str, body: Mapping[str, Any] | None = None, *, limit_s: float) -> _Response:
    """Send one request, a GET where there is no body; `limit_s` is for all of it, however slowly its bytes drip."""
    try:
        return asyncio.run(_exchange(endpoint, path, body, limit_s))
    except TimeoutError as error:
        raise _Failed("timeout") from error
    except httpx.HTTPError as error:
        raise _Failed(type(error).__name__, wait_s=0.0) from error
    except httpx.InvalidURL as error:
        raise _Failed("bad address", down_s=REFUSED_S) from error


async def _exchange(endpoint: _Endpoint, path: str, body: Mapping[str, Any] | None, limit_s: float) -> _Response:
    # What may read sensitive words is asked directly: a proxy from the environment would read them too.
    client = httpx.AsyncClient(
        verify=_trust(),
        trust_env=not endpoint.settings.trusted,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_S),
    )
    method, url = "GET" if body is None else "POST", endpoint.settings.url.rstrip("/") + path
    async with (
        asyncio.timeout(limit_s),
        client,
        client.stream(method, url, json=body, headers=endpoint.headers) as response,
    ):
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Failed("compressed answer")
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > MAX_BODY_BYTES:
                raise _Failed("endless answer")
        return _Response(response.status_code, bytes(data), response.headers.get("retry-after"))


def _completion(response: _Response) -> _Completion:
    """The answer in a response.

    Raises:
        _Failed: there is none.
    """
    why = f"status {response.status}"
    if response.status in _BUSY or response.status >= 500:
        wait_s = _wait_s(response.retry_after)
        if wait_s > MAX_PAUSE_S:
            raise _Failed(why, down_s=wait_s)
        raise _Failed(why, wait_s=wait_s)
    if response.status != 200:
        raise _Failed(why, down_s=REFUSED_S)
    try:
        return _Completion.model_validate_json(response.body)
    except ValidationError:
        # From None: the error's text holds a part of the body.
        raise _Failed("no completion", wait_s=0.0) from None


def _spent(response: _Response) -> _Tokens | None:
    """What a response that holds no answer says it has used; None where it says nothing."""
    try:
        return _Counted.model_validate_json(response.body).usage
    except ValidationError:
        return None


def _wait_s(retry_after: str | None) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date (RFC 9110, 10.2.3); 0.0 where it doesn't."""
    given = (retry_after or "").strip()
    if given.isdecimal():
        return float(given[:9])
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return 0.0
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _shorter(asked: Prompt) -> Prompt:
    return Prompt(asked.task, asked.system, f"{asked.user}\n\n{prompt('shorter').strip()}")


def _key(settings: EndpointSettings) -> str:
    """The endpoint's own key; "" for none.

    Raises:
        SetupError: "llm-key-unreadable".
    """
    try:
        named = Path(settings.api_key_file).read_text("ascii") if settings.api_key_file else ""
    except (OSError, ValueError) as error:
        raise SetupError("llm-key-unreadable", f"api_key_file: {type(error).__name__}") from None
    key = named.strip() or settings.api_key.get_secret_value().strip()
    if not all("!" <= letter <= "~" for letter in key):
        raise SetupError("llm-key-unreadable", "an API key holds printable ASCII without spaces only")
    return key


@cache
def _trust() -> ssl.SSLContext:
    """The system's certificate authorities, or those that SSL_CERT_FILE names."""
    return ssl.create_default_context()
