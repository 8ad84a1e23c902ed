"""What happened, by the module of the suite that it happened for."""

import logging

LOGGERS = ("oidc_async", "conformance")


class Log(logging.Handler):
    """Keeps what the library logs, in which no token, code or secret is, and what the application adds."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.module = ""
        self.lines: dict[str, list[str]] = {}
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname} {record.name}: {record.getMessage()}"
        self.lines.setdefault(self.module, []).append(line)

    def close(self) -> None:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).setLevel(logging.NOTSET)
        super().close()
