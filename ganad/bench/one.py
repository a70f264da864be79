"""One case in a process of its own: ``python -m ganad.bench.one ganad.bench.training "kdd, simultaneous"``."""

import importlib
import json
import sys

if __name__ == "__main__":
    print(json.dumps(importlib.import_module(sys.argv[1]).measure(sys.argv[2])))
