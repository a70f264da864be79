"""One case, or one function, in a process of its own.

``python -m benchmarks.one call MODULE FUNCTION [WORD ...]`` prints what the function returns, as JSON; a word is an argument, in JSON.  ``python -m benchmarks.one case "EGBAD, KDD"``
warms the case up and prints the seconds of its first call; then, for each line on standard input, its rate; at the end of the
input, its peak memory in MB.
"""

import importlib
import json
import sys

if __name__ == "__main__":
    from benchmarks.comparisons import CASES
    from benchmarks.timing import peak_memory, rates

    kind, *words = sys.argv[1:]
    if kind == "case":
        case = CASES[words[0]]
        found = rates(getattr(importlib.import_module(case.module), case.function)())
        print(next(found), flush=True)
        for _ in sys.stdin:
            print(next(found), flush=True)
        print(peak_memory())
    else:
        print(json.dumps(getattr(importlib.import_module(words[0]), words[1])(*map(json.loads, words[2:]))))
