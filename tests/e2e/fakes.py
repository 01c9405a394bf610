"""Servers that tests need beside the test bed: a database that only listens, peers that stay silent or talk nonsense."""

import socket
import threading


class Listener:
    """Accepts connections on an address of this machine that hosts and actions reach."""

    def __init__(self, ip, greeting=b"", answer=False):
        self._greeting, self._answer = greeting, answer
        self._server = socket.create_server((ip, 0))
        self.ip, self.port = self._server.getsockname()
        self.connections, self._open = 0, []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"{self.ip}:{self.port}"

    def _accept(self):
        while True:
            try:
                s, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(s)
            if self._greeting:
                s.sendall(self._greeting)
            threading.Thread(target=self._drain, args=(s,), daemon=True).start()

    def _drain(self, s):
        try:
            while data := s.recv(4096):
                if self._answer:
                    s.sendall(data)
        except OSError:
            pass

    def close(self):
        # shutdown wakes the accepting thread; close alone leaves it waiting on the old descriptor.
        try:
            self._server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._server.close()
        for s in self._open:
            s.close()
