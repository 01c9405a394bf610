"""A registry that only refuses: answers each question about an image with one given error, as the Registry API words it."""

import http.server
import json
import ssl
import threading


class FakeRegistry:
    """Listens on an address of this machine. tls: (certificate, key) as files; None: plain HTTP."""

    def __init__(self, ip, status=404, code="MANIFEST_UNKNOWN", message="manifest unknown", tls=None):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                known = self.path.rstrip("/") == "/v2"
                text = b"{}" if known else body
                self.send_response(200 if known else status)
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = answer

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that hangs up in the handshake is what the tests want

        self._server = Server((ip, 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            # The handshake belongs to the request's own thread, not to the one that accepts.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.ip, self.port = ip, self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def ref(self, tag="v1", repo="app"):
        return f"{self.ip}:{self.port}/{repo}:{tag}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
