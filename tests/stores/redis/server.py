"""A redis-server of a test's own, which it may stop, start and freeze."""

import random
import signal
import socket
import subprocess
import time
from pathlib import Path


class RedisServer:
    """Runs on a free port, keeps nothing on disk, and ends by its process id."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.port = free_port()
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory)]
        command += ["--save", "", "--appendonly", "no", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until_it_answers(self.port)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(10)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def cli(self, *command: str) -> str:
        """The answer to a command, asked from outside of the library under test."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *command], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it is stopped"
        self._process.send_signal(number)


def wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(100)[:1] in (b"+", b"-"):
                    return
        except OSError:
            pass
        assert time.monotonic() < end, "redis-server does not start"
        time.sleep(0.02)


def free_port() -> int:
    """One below those that the system gives to clients, which could take it while the server restarts."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
