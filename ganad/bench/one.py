"""One measurement in a process of its own: ``python -m ganad.bench.one case "EGBAD, KDD"``, or ``call MODULE FUNCTION``."""

import importlib
import json
import sys

if __name__ == "__main__":
    from ganad.bench.comparisons import CASES
    from ganad.bench.timing import measure

    kind, *words = sys.argv[1:]
    if kind == "case":
        case = CASES[words[0]]
        found = measure(getattr(importlib.import_module(case.module), case.function)())
    else:
        found = getattr(importlib.import_module(words[0]), words[1])()
    print(json.dumps(found))
