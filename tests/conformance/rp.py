"""A relying party that a driver of conformance tests steers: `python -m tests.conformance.rp flask --port 8700`."""

import argparse
import asyncio

from .flask_application import FlaskApplication
from .quart_application import QuartApplication

HOST = "127.0.0.1"


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.rp", description=__doc__)
    parser.add_argument("framework", choices=["flask", "quart"])
    parser.add_argument("--port", type=int, required=True, help=f"of {HOST}; nobody else gets in")
    parser.add_argument("--tls-cert", help="PEM file; with it the application speaks https")
    parser.add_argument("--tls-key", help="PEM file")
    parser.add_argument("--base-url", help="how browsers and providers see the application, if not by its port")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    scheme = "https" if arguments.tls_cert else "http"
    base_url = (arguments.base_url or f"{scheme}://{HOST}:{arguments.port}").rstrip("/")
    serve = serve_flask if arguments.framework == "flask" else serve_quart
    serve(base_url, arguments.port, arguments.tls_cert, arguments.tls_key)


def serve_flask(base_url: str, port: int, certificate: str | None, key: str | None) -> None:
    from werkzeug.serving import run_simple

    tls = (certificate, key) if certificate and key else None
    run_simple(HOST, port, FlaskApplication(base_url), threaded=True, ssl_context=tls)


def serve_quart(base_url: str, port: int, certificate: str | None, key: str | None) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind, config.certfile, config.keyfile = [f"{HOST}:{port}"], certificate, key
    asyncio.run(serve(QuartApplication(base_url), config))


if __name__ == "__main__":
    main()
