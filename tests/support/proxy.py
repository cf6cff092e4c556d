"""A TCP proxy that forwards to a local port and cuts the connection after a given number of bytes."""

from __future__ import annotations

import contextlib
import socket
import threading

_CHUNK = 1 << 16


class CuttingProxy:
    """Forwards connections; counts bytes per direction since `arm` and cuts at the armed byte."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._cut: dict[str, int] = {}
        self._refuses = False
        self.seen = {"request": 0, "reply": 0}
        self._links: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._spawn(self._accept)

    def arm(self, **cut: int) -> None:
        """Cut once after so many bytes of `request` or `reply`, counted from now; without arguments never."""
        with self._lock:
            self._cut = cut
            self.seen = {"request": 0, "reply": 0}

    def refuse(self, refuses: bool) -> None:
        """Cut every connection and take no other, or take them again."""
        with self._lock:
            self._refuses = refuses
            links = list(self._links) if refuses else []
        for link in links:
            _shut(link)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            _shut(link)
        for thread in self._threads:
            thread.join()

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                refuses = self._refuses
            if refuses:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._links |= {client, server}
            ends = threading.Semaphore(0)
            self._spawn(self._pump, client, server, "request", ends)
            self._spawn(self._pump, server, client, "reply", ends)
            self._spawn(self._bury, client, server, ends)

    def _bury(self, client: socket.socket, server: socket.socket, ends: threading.Semaphore) -> None:
        ends.acquire()
        ends.acquire()
        client.close()
        server.close()
        with self._lock:
            self._links -= {client, server}

    def _pump(self, source: socket.socket, sink: socket.socket, way: str, ends: threading.Semaphore) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                allowed, cut = self._allow(way, len(data))
                sink.sendall(data[:allowed])
                if cut:
                    break
        _shut(source)
        _shut(sink)
        ends.release()

    def _allow(self, way: str, size: int) -> tuple[int, bool]:
        with self._lock:
            limit = self._cut.get(way)
            left = size if limit is None else max(limit - self.seen[way], 0)
            allowed = min(size, left)
            self.seen[way] += allowed
            cut = limit is not None and left <= size
            if cut:
                del self._cut[way]
            return allowed, cut


def _shut(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
