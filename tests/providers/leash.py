"""Runs a script until it ends, or until the process that started it is gone.

    python leash.py SCRIPT [ARGUMENT...]

The starter keeps the other end of our standard input. However it dies, that end closes. We lead a process group, so
that the script's own workers end with it.
"""

import os
import runpy
import signal
import sys
import threading


def end_with_the_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
