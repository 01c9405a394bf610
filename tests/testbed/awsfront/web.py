"""A small HTTP server: requests as they came over the wire, answers as given, also none at all."""

import email.utils
import http.server
import ssl
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    method: str
    target: str  # path and query as sent
    headers: list  # (name, value) as sent
    body: bytes
    ip: str

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def query(self):
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name, default=""):
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        return ",".join(values) if values else default


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    stream: object = None  # a file of Content-Length bytes instead of the body
    how: str = "answer"  # "drop": the connection ends; "hang": nothing, until the client goes


DROP = Answer(status=0, how="drop")


class Server:
    """handle(Request) gives an Answer. now() is the time that the Date header tells."""

    def __init__(self, ip, handle, now, tls=None):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version, sys_version = "AmazonTestbed", ""
            disable_nagle_algorithm = True

            def one(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else b""
                headers = list(self.headers.items())
                answer = handle(Request(self.command, self.path, headers, body, self.client_address[0]))
                if answer.how == "hang":
                    server.hung.append(self.connection)
                    try:
                        self.connection.recv(1)
                    except OSError:
                        pass
                if answer.how != "answer":
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                headers = {"Content-Length": str(len(answer.body)), **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                if answer.stream is not None:
                    while chunk := answer.stream.read(65536):
                        self.wfile.write(chunk)
                else:
                    self.wfile.write(answer.body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = one

            def date_time_string(self, timestamp=None):
                return email.utils.formatdate(now(), usegmt=True)

            def log_message(self, *args):
                pass

        class Threads(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                server.errors.append(client_address)
                http.server.ThreadingHTTPServer.handle_error(self, request, client_address)

        self.hung, self.errors = [], []
        self._server = Threads((ip, 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            # The handshake belongs to the request's own thread, not to the one that accepts.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self.ip, self.port = self._server.server_address[:2]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
