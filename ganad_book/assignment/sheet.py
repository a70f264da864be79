"""Asking a check: with a time limit, whatever the answer does; and counting the points."""

import contextlib
import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from ganad_book.assignment.checks import TASKS, Task

_SECONDS = 10
_LETTERS = 78  # of a line: a page shows no more


class Sheet:
    """The points of one notebook: each task counts as it was last checked."""

    def __init__(self) -> None:
        self._points = dict.fromkeys(range(1, len(TASKS) + 1), 0)

    @property
    def points(self) -> int:
        """The sum so far."""
        return sum(self._points.values())

    def check(self, number: int, answer: Callable) -> None:
        """Say whether an answer is right or not yet, and why.

        Parameters
        ----------
        number : int
            Of the task, from 1.
        answer : callable
            The function that the task asks for.

        Raises
        ------
        ValueError
            If there is no such task.
        """
        if number not in self._points:
            raise ValueError(f"there are tasks 1 to {len(TASKS)}, no task {number}")
        task = TASKS[number - 1]
        hint = verdict(task, answer)
        self._points[number] = 0 if hint else task.points
        said = f"not yet (0 of {task.points})" if hint else f"right ({task.points} of {task.points})"
        print(f"task {number}, {task.name}: {said}")
        if hint:
            print(fill(hint, _LETTERS, initial_indent="  ", subsequent_indent="  "))

    def done(self, *numbers: int) -> bool:
        """Whether these tasks are right; if not, say which the cell waits for."""
        missing = [str(number) for number in numbers if not self._points[number]]
        if missing:
            print(f"waits for task {', '.join(missing)}")
        return not missing

    def __repr__(self) -> str:
        lines = [f"{n}  {task.name:<20}{self._points[n]:2d} of {task.points}" for n, task in enumerate(TASKS, 1)]
        return "\n".join([*lines, f"{'together':<23}{self.points:2d} of {sum(task.points for task in TASKS)}"])


def verdict(task: Task, answer: Any, seed: int = 0) -> str | None:
    """What is wrong with an answer, as a hint; None if it is right.  Nothing that the answer does is raised.

    Parameters
    ----------
    task : Task
        One of :data:`ganad_book.assignment.TASKS`.
    answer : callable
        The function to check.
    seed : int
        Other numbers to ask with.
    """
    if not callable(answer):
        return f"There is no function {task.name} to ask."
    try:
        with _limited(_SECONDS):
            return task.check(answer, seed)
    except _TooLong:
        return f"It has not come back after {_SECONDS} seconds: is there a loop without an end?"
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())[:160]
        return f"It stops with {type(error).__name__}: {said}"


class _TooLong(BaseException):
    """No Exception: an answer that catches everything must not catch this."""


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """End what takes longer, where the system has alarms and this is the thread that hears them."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def regrade(namespace: Mapping[str, Any], seed: int, file: Path | str) -> None:
    """Check the functions of a namespace and write points and hints to a JSON file: how `ganad grade` asks."""
    hints = {task.name: verdict(task, namespace.get(task.name), seed) for task in TASKS}
    Path(file).write_text(json.dumps(hints))


def egbad_parts(detector: Any, x: Any) -> dict[str, Any]:
    """What a trained EGBAD makes of samples, as arrays: the parts of its score.

    Parameters
    ----------
    detector : EGBAD
        Trained.
    x : ndarray (N, H, W, C)
        Samples.

    Returns
    -------
    dict of str to ndarray
        "reconstructed" G(E(x)), like x; "logits" of the judge for the pairs (x, E(x)), (N,); "real_features" and
        "made_features", its last hidden layer for (x, E(x)) and (G(E(x)), E(x)), (N, F).
    """
    from keras import ops

    networks, x = detector.networks_, ops.convert_to_tensor(x)
    code = networks["encoder"](x, training=False)
    made = networks["generator"](code, training=False)
    logits, real = networks["discriminator"]([x, code], training=False)
    _, seen = networks["discriminator"]([made, code], training=False)
    found = {"reconstructed": made, "logits": logits[:, 0], "real_features": real, "made_features": seen}
    return {name: ops.convert_to_numpy(value) for name, value in found.items()}
