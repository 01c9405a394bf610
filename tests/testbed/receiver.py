"""Who listens at notify-url: an HTTP or HTTPS server on this machine that answers as it is told to, and keeps what it got."""

import collections
import http.server
import json
import secrets
import ssl
import subprocess
import threading

PATH = "/services/T0/B0/"


def certificate(folder, ip):
    """Files (certificate, key) of a self-signed certificate for an address."""
    cert, key = folder / "receiver-cert.pem", folder / "receiver-key.pem"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=receiver", "-addext", f"subjectAltName=IP:{ip}", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    return cert, key


class Receiver:
    """
    answers: what each request gets in turn, the last one for all that follow: a status, (status, headers), "hang" (nothing,
    until close()) or "drop" (the connection ends without an answer).
    """

    def __init__(self, ip, answers=(200,), tls=None):
        self.token = "canary-hook-" + secrets.token_hex(12)
        self.bodies, self.requests = [], []
        self._answers = collections.deque(answers)
        self._closed = threading.Event()
        self._server = http.server.ThreadingHTTPServer((ip, 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.ip, self.port = ip, self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{ip}:{self.port}{PATH}{self.token}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _handler(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.requests.append((self.path, dict(self.headers)))
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer = receiver._answers.popleft() if len(receiver._answers) > 1 else receiver._answers[0]
                if answer == "hang":
                    receiver._closed.wait()
                if answer in ("hang", "drop"):
                    self.close_connection = True
                    return
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in {"Content-Length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        return Handler

    def told(self):
        """The one body it got, read as JSON."""
        assert len(self.bodies) == 1, self.bodies
        return json.loads(self.bodies[0])

    def close(self):
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
