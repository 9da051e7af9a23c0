"""A scripted model behind real HTTP that speaks OpenAI's `/chat/completions`: honest, unless it is told to fail.

It answers out of what the test lets it know, one true sentence for each utterance, as far as it is shown the utterance.
`twist` changes what it says, `script` how the server behaves, one entry for each request.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def user(self) -> str:
        return self.body["messages"][-1]["content"]

    @property
    def form(self) -> str:
        """How JSON was asked for."""
        return self.body.get("response_format", {}).get("type", "words")

    @property
    def data(self) -> dict[str, Any]:
        """The material below the instructions."""
        found, _ = json.JSONDecoder().raw_decode(self.user.partition("\nMaterial:\n")[2])
        return found

    @property
    def task(self) -> str:
        if "claims" in self.data:
            return "lead" if "Vorspann" in self.user else "compose"
        return {"utterances": "claims", "sentences": "repair", "quotes": "translate"}[next(iter(self.data))]


class Model:
    """Says what it knows of the utterances it is shown, and nothing else."""

    def __init__(self, knows: Mapping[str, str], *, quotable: tuple[str, ...] = (), german: Mapping[str, str] = {}):
        #: Utterance id → a true German sentence.
        self.knows = knows
        self.quotable = quotable
        #: Foreign quote → its translation.
        self.german = german

    def answer(self, asked: Asked) -> dict[str, Any]:
        return getattr(self, f"_{asked.task}")(asked.data)

    def _claims(self, data):
        known = [u["id"] for u in data["utterances"] if u["id"] in self.knows]
        pointers = [self._pointer(u) for u in data["utterances"] if u["id"] in self.quotable]
        return {"claims": [{"text": self.knows[one], "evidence": [one]} for one in known], "quotes": pointers}

    def _pointer(self, utterance):
        words = utterance["text"].split()
        return {"evidence": [utterance["id"]], "first": " ".join(words[:3]), "last": " ".join(words[-3:])}

    def _compose(self, data):
        lines = [{"text": claim["text"], "claims": [claim["number"]]} for claim in data["claims"]]
        return {"title": lines[0] | {"text": lines[0]["text"].rstrip(".")}, "sentences": lines}

    def _lead(self, data):
        return self._compose({"claims": data["claims"][:2]})

    def _repair(self, data):
        """Stubborn: says the same again. Tests that want insight twist it."""
        return {
            "repaired": [
                {"number": s["number"], "text": s["text"], "evidence": [u["id"] for u in s["utterances"]][1:2]}
                for s in data["sentences"]
            ]
        }

    def _translate(self, data):
        known = [quote for quote in data["quotes"] if quote["text"] in self.german]
        return {"translations": [{"number": q["number"], "text": self.german[q["text"]]} for q in known]}


def completion(text: str, *, finish: str = "stop") -> bytes:
    """A reply as servers send it."""
    message = {"role": "assistant", "content": text}
    body = {
        "id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }  # fmt: skip
    return json.dumps(body).encode()


#: Answers a request in its own way, given the handler and what an honest server would have said.
Trick = Callable[[Any, Asked, str], None]


class Server:
    """Listens on a free port of this machine until it is closed."""

    def __init__(self, model: Model) -> None:
        self.model = model
        #: Changes an honest answer: (task, answer) → answer, or a text to send as it is.
        self.twist: Callable[[str, Any], Any] = lambda _task, answer: answer
        #: Tricks for the next requests; when it is empty, the server behaves.
        self.script: list[Trick] = []
        self.asked: list[Asked] = []
        self.free = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def tasks(self) -> list[str]:
        return [asked.task for asked in self.asked]

    def close(self) -> None:
        self.free.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["content-length"])
                asked = Asked(self.path, dict(self.headers), json.loads(self.rfile.read(length)))
                server.asked.append(asked)
                said = server.twist(asked.task, server.model.answer(asked))
                text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
                try:
                    trick = server.script.pop(0) if server.script else answers
                    trick(self, asked, text)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

            def send(self, status, body, **headers):
                self.send_response(status)
                given = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
                for name, value in (given | {"Content-Length": str(len(body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def patience(self, seconds):
                """Wait, but not longer than the test."""
                server.free.wait(seconds)

        return Handler


def answers(handler: Any, _asked: Asked, text: str) -> None:
    """What a good server does."""
    handler.send(200, completion(text))


def says(wrap: Callable[[str], str], *, finish: str = "stop") -> Trick:
    """Wraps or spoils the honest text."""
    return lambda handler, _asked, text: handler.send(200, completion(wrap(text), finish=finish))


def fails(status: int, body: str = '{"error":{"message":"no"}}', **headers: str) -> Trick:
    """Answers with an error."""
    return lambda handler, _asked, _text: handler.send(status, body.encode(), **headers)


def says_no_count(handler: Any, _asked: Asked, text: str) -> None:
    """Answers, and doesn't tell how many tokens that were."""
    handler.send(200, json.dumps({**json.loads(completion(text)), "usage": None}).encode())


def hangs(handler: Any, _asked: Asked, _text: str) -> None:
    """Takes the request and never says a word."""
    handler.patience(60)


def drips(handler: Any, _asked: Asked, text: str) -> None:
    """Sends a byte now and then, each in time."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for byte in completion(text):
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        handler.patience(0.1)


def drips_headers(handler: Any, _asked: Asked, _text: str) -> None:
    """Never gets to the end of its headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(600):
        handler.wfile.write(f"X-{number}: 1\r\n".encode())
        handler.wfile.flush()
        handler.patience(0.1)


def floods(handler: Any, _asked: Asked, _text: str) -> None:
    """Never stops talking."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        handler.wfile.write(b" " * 65536)


def hangs_up(handler: Any, _asked: Asked, _text: str) -> None:
    """Closes the connection without a word."""
    handler.close_connection = True


def knows_no(*forms: str) -> Callable[[Server], None]:
    """Make a server reject these ways of asking for JSON."""

    def apply(server: Server) -> None:
        def trick(handler: Any, asked: Asked, text: str) -> None:
            server.script.insert(0, trick)
            (fails(400, '{"error":{"message":"unknown response_format"}}') if asked.form in forms else answers)(
                handler, asked, text
            )

        server.script = [trick]

    return apply


def window_of(characters: int) -> Callable[[Server], None]:
    """Give a server a window of so many characters."""

    def apply(server: Server) -> None:
        def trick(handler: Any, asked: Asked, text: str) -> None:
            server.script.insert(0, trick)
            long = sum(len(message["content"]) for message in asked.body["messages"]) > characters
            body = '{"error":{"code":400,"type":"exceed_context_size_error","message":"exceeds the context size"}}'
            (fails(400, body) if long else answers)(handler, asked, text)

        server.script = [trick]

    return apply
