"""A contender: an app, its server, and the environment in which both are installed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.processor_time import SERVER_CORES, on_cores, tree_seconds
from tests.providers.processes import ROOT, ServerProcess, free_port, leashed

COMMANDS = {
    "uvicorn": "uvicorn --port {port} --log-level warning --no-access-log --backlog 2048 {app}:app",
    "hypercorn": "hypercorn --bind 127.0.0.1:{port} --workers 0 --backlog 2048 {app}:app",
    "gunicorn": "gunicorn --bind 127.0.0.1:{port} --workers 1 --worker-class gthread --threads {threads} "
    "--worker-connections 4000 --timeout 120 --no-control-socket {app}:app",
    "waitress": "waitress-serve --listen 127.0.0.1:{port} --threads {threads} --connection-limit 2000 {app}:app",
}
FRAMEWORKS = {"uvicorn": "quart", "hypercorn": "quart", "gunicorn": "flask", "waitress": "flask"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`name` as the tables have it; `app` is a module of `benchmarks.apps`, `environment` one of `peers/`.

    `variables` are added to the environment of the process; with `has_cache`, the load begins with a filled cache.
    """

    name: str
    app: str
    server: str
    environment: str = "ours"
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    has_cache: bool = False

    def command(self, port: int, threads: int) -> list[str]:
        template = COMMANDS[self.server]
        program, *arguments = template.format(port=port, app=f"benchmarks.apps.{self.app}", threads=threads).split()
        scripts = ROOT / f".venv-bench-{self.environment}" / "bin"
        return on_cores(SERVER_CORES, [*leashed(scripts / program, scripts / "python"), *arguments])


class Server(ServerProcess):
    """A contender that serves; a context manager. `threads` are those of Flask's servers."""

    def __init__(self, contender: Contender, issuer: str, threads: int = 32) -> None:
        port = free_port()
        self.contender = contender
        self.address = f"http://127.0.0.1:{port}"
        super().__init__(
            f"bench-{contender.server}-{contender.app}-{port}",
            contender.command(port, threads),
            ready_url=self.address,
            environment={
                "ISSUER": issuer,
                "ADDRESS": self.address,
                "PYTHONPATH": str(ROOT),
                **contender.variables,
            },
        )

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def cpu_seconds(self) -> float:
        """CPU seconds of the server so far, its worker included."""
        return tree_seconds(self.pid)


def bare(server: str) -> Contender:
    return Contender(name="bare", app=f"bare_{FRAMEWORKS[server]}", server=server)


def ours(server: str, name: str = "ours", environment: str = "ours", **http_settings: object) -> Contender:
    return Contender(
        name=name,
        app=f"ours_{FRAMEWORKS[server]}",
        server=server,
        environment=environment,
        variables={"OURS_HTTP_SETTINGS": json.dumps(http_settings)},
        has_cache=True,
    )


def flask_pyoidc(server: str) -> Contender:
    return Contender(name="flask-pyoidc", app="flask_pyoidc_app", server=server, environment="flask-pyoidc")


def authlib(server: str) -> Contender:
    return Contender(name="Authlib", app="authlib_app", server=server, environment="authlib")


def naive(server: str) -> Contender:
    return Contender(name="naive httpx", app="naive_quart", server=server, environment="naive-httpx")


def raw_sockets(server: str) -> Contender:
    return Contender(name="raw sockets", app="raw_quart", server=server)
