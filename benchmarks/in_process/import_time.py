"""The cost of importing these modules in a fresh interpreter.

python benchmarks/in_process/import_time.py MODULE...
"""

import importlib
import json
import sys
import time

if __name__ == "__main__":
    wall, cpu = time.perf_counter(), time.process_time()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print(json.dumps({"ms": (time.perf_counter() - wall) * 1000, "cpu_ms": (time.process_time() - cpu) * 1000}))
