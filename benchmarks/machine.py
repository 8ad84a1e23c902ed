"""The machine of the measurement."""

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("oidc-async", "flask", "quart", "gunicorn", "waitress", "uvicorn", "hypercorn", "httpx", "aiohttp")


def facts() -> dict[str, str]:
    return {
        "processor": f"{len(os.sched_getaffinity(0))} x {_processor()}",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "Python": platform.python_version(),
        "load of others before the run": f"{os.getloadavg()[0]:.1f}",
        "versions": ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
