"""From whom a program is traced: its body is the caller's, with the caller's variables, in the caller's thread."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

TRACES: Counter[str] = Counter()
"""How often programs were traced in this process: ``"loop"``, ``"function"`` and ``"many"``."""


class Caller(threading.local):
    """Who calls a program at the moment.

    Attributes
    ----------
    function : callable
        What is to be traced, if the program has not been yet for arguments of these shapes.
    variables : sequence of keras.Variable
        Those it reads or changes.
    """

    function: Callable
    variables: Sequence

    @contextmanager
    def calls(self, function: Callable, variables: Sequence) -> Iterator[None]:
        """Inside the block a program is called for this function and these variables."""
        self.function, self.variables = function, variables
        try:
            yield
        finally:
            del self.function, self.variables  # a program keeps no model alive
