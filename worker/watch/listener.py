"""A small HTTP server for machines that ask: it answers few, answers briefly, and never holds the process up."""

import errno
import io
import socket
import threading
import time
from contextlib import suppress
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

from jobs.errors import SetupError
from jobs.timeline import Seconds

#: A scraper, a probe or two, and somebody with a browser. Whoever comes beyond that is turned away.
_MOST_CALLERS = 8
#: Time to ask, and to read the answer.
_CALL_S = 10.0


class _Handler(WSGIRequestHandler):
    """Answers without a word of what was asked, and writes nothing to stderr: a request may hold anything."""

    server_version = "nachlese"
    sys_version = ""

    def log_message(self, *_: object) -> None:
        pass

    def get_stderr(self) -> io.StringIO:
        return io.StringIO()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        # The standard library's message quotes the request line.
        super().send_error(code)


class Listener(ThreadingMixIn, WSGIServer):
    """Serves one WSGI application in daemon threads until `close`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = _MOST_CALLERS

    def __init__(self, bind: str, port: int, app: WSGIApplication, *, call_s: Seconds = _CALL_S) -> None:
        """Bind and begin to serve; port 0 takes a free one. Whoever takes longer than `call_s` is cut off.

        Raises:
            SetupError: "port-taken" when another program has the port, "bad-bind" when the address can't be used.
        """
        #: Connection → when it is cut off.
        self._callers: dict[Any, float] = {}
        self._call_s = call_s
        try:
            self.address_family, _, _, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
            super().__init__((str(address[0]), port), _Handler)
        except OSError as error:
            raise _refused(error, port) from error
        self.set_app(app)
        threading.Thread(target=self.serve_forever, name="listener", daemon=True).start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def close(self) -> None:
        """Free the port. Nobody needs to: it ends with the process."""
        self.shutdown()
        self.server_close()

    def server_bind(self) -> None:
        """Bind without looking up our own name, as the standard library would: that may reach the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, or turn the caller away."""
        if len(self._callers) >= _MOST_CALLERS:
            self.shutdown_request(request)
            return
        self._callers[request] = time.monotonic() + self._call_s
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one caller."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._callers.pop(request, None)

    def service_actions(self) -> None:
        """Cut off who takes too long; called about twice a second."""
        now = time.monotonic()
        for request, until in tuple(self._callers.items()):
            if now > until:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who hung up is nobody's trouble."""


def _refused(error: OSError, port: int) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        return SetupError(
            "port-taken", f"metrics.port: {port} is taken; give every process a port of its own", port=port
        )
    why = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return SetupError("bad-bind", f"metrics.bind or metrics.port can't be listened on ({why}): take an address of ours")
