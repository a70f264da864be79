"""Notebooks: what parameters one takes, running it through papermill, and keeping its outputs.

Needs the ``book`` extra.  A notebook runs in a process of its own (``python -m ganad_book.notebooks``): that frees a
framework's memory, and lets the environment be set before the kernel starts.
"""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganad.errors import GanadError

_QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_DEPRECATION_WARNINGS": "0",
    "GRPC_VERBOSITY": "ERROR",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # whatever the shell asks for, pictures go on the page
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_NOT_OF_THE_AUTHOR = {"execution", "papermill", "collapsed", "scrolled", "vscode", "ExecuteTime"}


class NotebookError(GanadError):
    """A notebook cannot be read, or a cell of it failed: one line that says which and why.

    Attributes
    ----------
    exit_code : int
        2 if the notebook refused its parameters, 1 if a cell failed.
    """

    def __init__(self, message: str, refused: bool = False) -> None:
        super().__init__(message)
        self.exit_code = 2 if refused else 1


def read(path: Path) -> Any:
    """The notebook in a file, in nbformat 4.

    Raises
    ------
    NotebookError
        If it cannot be read, or is no notebook.
    """
    import nbformat

    try:
        raw = json.loads(path.read_text("utf-8"))
        if raw["nbformat"] == 4:  # nbformat gives a cell without an id another one at every reading
            raw["nbformat_minor"] = 5
            for place, cell in enumerate(raw["cells"], 1):
                cell.setdefault("id", f"cell-{place:02d}")
        return nbformat.reads(json.dumps(raw), as_version=4)
    except FileNotFoundError as error:
        raise NotebookError(f"there is no notebook {path}", refused=True) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        raise NotebookError(f"{path} cannot be read as a notebook ({type(error).__name__})", refused=True) from error


def write(notebook: Any, path: Path) -> None:
    """Write a notebook in one step: under another name first, then renamed."""
    import nbformat

    part = path.with_name(f".{path.name}.part")
    nbformat.write(notebook, part)
    part.replace(path)


def code_cells(notebook: Any) -> list[Any]:
    """The code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parameters(notebook: Any) -> dict[str, Any]:
    """The names assigned in the cell tagged ``parameters``, with their values where these are literals (else None)."""
    found = {}
    for cell in code_cells(notebook):
        if "parameters" in cell.metadata.get("tags", ()):
            for node in ast.parse(cell.source).body:
                found.update(dict.fromkeys(_names(node), _literal(getattr(node, "value", None))))
    return found


def _names(node: ast.stmt) -> list[str]:
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return [part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)]


def _literal(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def run(
    source: Path,
    output: Path,
    values: dict[str, Any],
    *,
    show_progress: bool = False,
    on_start: Callable[[subprocess.Popen], object] = lambda process: None,
    environment: dict[str, str] | None = None,
) -> None:
    """Execute a notebook with these parameters in a process of its own, which ends with this one.

    Parameters
    ----------
    source, output : Path
        The notebook, and the file for the executed copy (there also when a cell fails: look into it).
    values : dict
        Parameters to inject; none, and the notebook runs as it is.
    show_progress : bool
        Show papermill's bar over the cells.
    on_start : callable
        Is handed the process, which it may end.
    environment : dict, optional
        Variables to set for it.

    Raises
    ------
    NotebookError
        If a cell fails: names the notebook, the cell and the error.
    """
    job = {"source": str(source), "output": str(output), "values": values, "bar": show_progress, "parent": os.getpid()}
    process = subprocess.Popen(
        [sys.executable, "-m", "ganad_book.notebooks"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if show_progress else subprocess.PIPE,
        text=True,
        env={**os.environ, **_QUIET, **(environment or {})},
    )
    on_start(process)
    said, complained = process.communicate(json.dumps(job))
    if process.returncode:
        report = json.loads(said.splitlines()[-1]) if said.strip() else _silent(process.returncode, complained)
        raise NotebookError(f"{source.with_suffix('')}, {report['where']}: {report['error']}", report["refused"])


def share_of_cores(at_once: int) -> dict[str, str]:
    """Variables that hold each of this many processes to its share of the cores; what is set already stays.

    Two trainings side by side that each start as many threads as there are cores take up to twice as long.
    """
    share = str(max(1, (os.cpu_count() or 1) // at_once))
    return {name: os.environ.get(name, share) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}


def _silent(code: int, complained: str | None) -> dict[str, Any]:
    if code < 0:
        error = f"its process was ended by {signal.Signals(-code).name} (out of memory, perhaps)"
    else:
        error = ((complained or "").strip().splitlines() or [f"its process ended with code {code}"])[-1]
    return {"where": "outside its cells", "error": error, "refused": False}


def _execute(job: dict[str, Any]) -> dict[str, Any] | None:
    """In the process of its own: run the job; what went wrong, or None."""
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    config = Config()
    config.KernelManager.transport = "ipc"  # two kernels that start together can pick the same TCP port
    # its default is one name for all that run in a folder
    config.KernelManager.ip = os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], "socket")
    try:
        papermill.execute_notebook(
            job["source"],
            job["output"],
            job["values"],
            kernel_name="python3",
            language="python",
            progress_bar=job["bar"],
            cwd=str(Path(job["output"]).parent),
            config=config,
        )
    except PapermillExecutionError as error:
        what = " ".join(plain(f"{error.ename}: {error.evalue}").split())
        where = f"cell [{error.exec_count}], `{_failing_line(error)}`"
        return {"where": where, "error": what[:400], "refused": error.ename == "ParameterError"}
    except Exception as error:  # a dead kernel, a time-out: one line of it is enough
        return {"where": "outside its cells", "error": f"{type(error).__name__}: {error}", "refused": False}
    return None


def _failing_line(error: Any) -> str:
    arrow = re.search(r"^-+> *\d+ (.+)", plain("\n".join(error.traceback)), re.MULTILINE)
    line = arrow[1] if arrow else error.source.strip().partition("\n")[0]
    return line.strip()[:60]


def plain(text: str) -> str:
    """A text without the colours of a terminal."""
    return _ANSI.sub("", text)


def with_outputs_of(notebook: Any, executed: Any) -> Any:
    """The notebook with the outputs of its executed copy, and nothing else that a run leaves.

    Cell ids and the author's cell metadata stay; times, papermill's record, the injected cell and stderr do not.
    Execution counts stay: nbval compares a cell only if it has one.
    """
    import nbformat

    own = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", ())]
    cells = []
    for cell, ran in zip(notebook.cells, own, strict=True):
        kept = nbformat.from_dict(dict(cell))
        kept.metadata = {
            key: value for key, value in cell.metadata.items() if key not in _NOT_OF_THE_AUTHOR and value != []
        }
        if cell.cell_type == "code":
            kept.outputs = [output for output in ran.outputs if output.get("name") != "stderr"]
            kept.execution_count = ran.execution_count
        cells.append(kept)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _end_with(parent: int) -> None:
    """End this process, its kernel and its folder too, once its parent is no more."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the kernel and the folder go too
    # short paths: a Unix socket's name has at most about a hundred characters
    with tempfile.TemporaryDirectory(dir="/tmp" if os.path.isdir("/tmp") else None) as folder:
        os.environ["JUPYTER_RUNTIME_DIR"] = folder
        job = json.load(sys.stdin)
        _end_with(job["parent"])
        if failure := _execute(job):
            print(json.dumps(failure), flush=True)
            sys.exit(1)
