"""The deployments with two workers in examples/README.md, started by the very commands of that page."""

import os
import re
import shlex
import subprocess
from collections import Counter
from urllib.parse import urlsplit

from .processes import ROOT, ServerProcess, leashed
from .real_provider import RealProvider

PAGE = (ROOT / "examples" / "README.md").read_text()
COMMANDS = {
    f"{server}-{store}": line
    for line, store, server in re.findall(r"^    (OIDC_STORE=(\w+):\S+ \.venv/bin/(\w+) .*)$", PAGE, re.MULTILINE)
}
SETTINGS = "\n".join(re.findall(r"^    export .*$", PAGE, re.MULTILINE))
# by itself it does not log which process answered, as Hypercorn does
GUNICORN_LOG = "--no-control-socket --access-logfile - --access-logformat '[%(p)s] %(r)s'"


class Deployment(ServerProcess):
    """The command of that name, at the address `app`; a context manager, which may be entered again.

    `gunicorn_options` are added to those of the page.
    """

    def __init__(self, name: str, app: str, provider: RealProvider, store: str, gunicorn_options: str = "") -> None:
        self.app = app
        places = {"127.0.0.1:5000": urlsplit(app).netloc, "127.0.0.1:8000": urlsplit(provider.issuer).netloc}
        _, program, *arguments = shlex.split(replaced(COMMANDS[name], places))
        super().__init__(
            f"test-deployment-{name}",
            [*leashed(ROOT / program), *arguments],
            ready_url=app,
            environment={
                **read_settings(replaced(SETTINGS, places)),
                "OIDC_STORE": store,
                "GUNICORN_CMD_ARGS": f"{GUNICORN_LOG} {gunicorn_options}",
                "NO_PROXY": "127.0.0.1",
            },
        )

    def log_size(self) -> int:
        return self.log_file.stat().st_size

    def who_answered(self, path: str, since: int) -> Counter[int]:
        """How many requests for that path each worker answered, by its process id, from that size of the log on."""
        return Counter(int(pid) for pid in re.findall(rf"\[<?(\d+)>?\].*GET {path} ", self.log(since)))


def replaced(text: str, places: dict[str, str]) -> str:
    for shown, real in places.items():
        text = text.replace(shown, real)
    return text


def read_settings(exports: str) -> dict[str, str]:
    """The environment of a shell in which they were entered."""
    shell = subprocess.run(["sh", "-euc", f"{exports}\nenv -0"], capture_output=True, text=True, check=True)
    settings = dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)
    return {name: value for name, value in settings.items() if os.environ.get(name) != value}
