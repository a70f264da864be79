"""``python tools/readme_example.py README.md``: run the README's example with whatever framework is installed.

Without any, the example has to end with the line that names the extras, and a classical detector has to work.
"""

import importlib.util
import re
import sys
from pathlib import Path

from ganad import FRAMEWORKS, metrics
from ganad.datasets import leave_one_out, load_dataset
from ganad.detectors import NearestNeighbour
from ganad.errors import GanadError


def main(readme: str) -> None:
    """Run the first Python example of a file, and the nearest neighbour on the same data; print the AUROC of both."""
    (example, *_) = re.findall(r"```python\n(.*?)```", Path(readme).read_text("utf-8"), re.DOTALL)
    split = leave_one_out(load_dataset("breast_cancer"), anomaly_class=0)
    nearest = NearestNeighbour().fit(split.x_train)
    print(f"NearestNeighbour  {metrics.auroc(split.y_test, nearest.decision_function(split.x_test)):.3f}")
    if any(map(importlib.util.find_spec, FRAMEWORKS)):
        names: dict = {}
        exec(compile(example, readme, "exec"), names)
        print(f"the example       {metrics.auroc(split.y_test, names['detector'].decision_function(split.x_test)):.3f}")
        return
    try:
        exec(compile(example, readme, "exec"), {})
    except GanadError as error:
        print(error)
    else:
        sys.exit("the example ran without a framework")


if __name__ == "__main__":
    main(sys.argv[1])
