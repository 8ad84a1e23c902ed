"""Servers in processes of their own: started, awaited, and ended by their process id."""

import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".logs"
LEASH = Path(__file__).with_name("leash.py")


class ServerFailed(Exception):
    """A server did not come up. The message ends with its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, below the ephemeral ones."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def leashed(script: Path, python: Path | str = sys.executable) -> list[str]:
    """The command for a Python script that ends with its starter."""
    return [str(python), str(LEASH), str(script)]


class ServerProcess:
    """A context manager: inside it the server answers, after it the process is gone, with those that it started.

    Parameters:
        name: what it is called in messages, and the name of its log file.
        command: program and arguments. The program is to end when its standard input closes.
        ready_url: answers with a status below 500 once the server is up.
        ca: the PEM file of the authority behind its certificate, when it speaks https.
        environment: merged into our own environment.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready_url: str,
        ca: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log_file = LOGS / f"{name}.log"
        self._command = list(command)
        self._ready_url, self._ca = ready_url, ca
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        LOGS.mkdir(exist_ok=True)
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=ROOT,
                start_new_session=True,  # a Ctrl-C is for us, and we end the servers
            )
        try:
            self._wait_until_ready(seconds=60)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log(self, start: int = 0) -> str:
        """What the server wrote, from the byte `start` on."""
        return self.log_file.read_bytes()[start:].decode(errors="replace")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        finally:
            if process.stdin:
                process.stdin.close()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with httpx.Client(verify=ssl.create_default_context(cafile=self._ca), trust_env=False, timeout=5) as http:
            while not self._answers(http):
                if not self.is_running():
                    raise ServerFailed(f"{self.name} ended before it was ready:\n{self.log()}")
                if time.monotonic() > deadline:
                    raise ServerFailed(f"{self.name} was not ready within {seconds:.0f} s:\n{self.log()}")
                time.sleep(0.05)

    def _answers(self, http: httpx.Client) -> bool:
        try:
            return http.get(self._ready_url).status_code < 500
        except httpx.TransportError:
            return False
