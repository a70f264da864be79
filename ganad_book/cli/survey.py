"""``ganad survey``: plan, run, status and report of the reproduction."""

import math
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ganad.errors import GanadError
from ganad_book.cli.asking import need
from ganad_book.cli.bundle import bundle

survey_app = typer.Typer(help="The reproduction: what there is to run, running it, how far it is, what it found.")

_ONLY = "Which runs: `detector=egbad,dataset=mnist,class=0-4,seed=0-2,variant=...`; a word given twice means either."
_SCALE = "Of the runs on images: cpu (fewer samples, smaller networks) or full (as published, on a GPU)."
Only = Annotated[str, typer.Option(help=_ONLY)]
Scale = Annotated[str, typer.Option(help=_SCALE)]
Folder = Annotated[Path, typer.Option(help="Where the sweep keeps what it works on.")]
FOLDER = Path("_build", "survey")


def _chosen(only: str, scale: str) -> list:
    """The runs that were asked for."""
    from ganad_book.sweep import grid, images

    if scale not in images.SCALES:
        raise grid.GridError(f"--scale is one of {', '.join(images.SCALES)}, not {scale!r}")
    return grid.chosen(grid.runs(scale), only)


def _known(chosen: list, store: Any) -> tuple[dict, Any]:
    """The state of every chosen run, and the results."""
    from ganad_book.results import report
    from ganad_book.sweep import results

    table = results.read()
    return report.states(chosen, table, store.failures()), table


@survey_app.command()
def plan(only: Only = "", scale: Scale = "cpu", folder: Folder = FOLDER) -> None:
    """Show every configuration, how many of its runs are finished, and how long the others will take."""
    from ganad_book.results import report
    from ganad_book.sweep.store import Store

    known, table = _known(_chosen(only, scale), Store(folder))
    rows = report.plan(known, table)
    shown = _table(*rows.columns[:4], "finished", "stale", "failed", "missing", "one run", "time left")
    for row in rows.itertuples(index=False):
        shown.add_row(*map(str, row[:8]), _duration(row.each), _duration(row.left))
    console = _console()
    console.print(shown)
    left, unknown = rows["left"].sum(), int(rows["left"].isna().sum())
    due = int((rows["missing"] + rows["stale"]).sum())
    words = f"{due} of {rows['runs'].sum()} runs to do: {_duration(left)} one after the other"
    console.print(words + (f", and {unknown} configurations nobody has timed" if unknown else ""), highlight=False)


@survey_app.command()
def run(
    only: Only = "",
    scale: Scale = "cpu",
    folder: Folder = FOLDER,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = 1,
    together: Annotated[
        str,
        typer.Option(
            metavar="COUNT|auto",
            help="Most runs in one process; with KERAS_BACKEND=jax, in one program. auto measures how many are fastest: half a minute or a little more.",
        ),
    ] = "1",
    deadline: Annotated[
        float | None, typer.Option(min=0, help="Minutes from now: no run is started that would not have ended by then.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run again what has failed.")] = False,
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Work on this Ray cluster; `local` starts one here.")
    ] = "",
    gpus: Annotated[float, typer.Option(min=0, help="Part of a GPU that each run takes on Ray.")] = 0.0,
) -> None:
    """Do what is missing or stale.  Stopped at any moment, the next call goes on."""
    from ganad_book.sweep import grid
    from ganad_book.sweep.jobs import NOTEBOOKS
    from ganad_book.sweep.store import Store

    begun = time.monotonic()
    need("papermill", "nbformat", *(["ray"] if ray else []))
    for notebook in NOTEBOOKS.values():
        if not notebook.exists():
            raise GanadError(f"{notebook} is not here: run this in a checkout of ganad")
    console = _console()
    chosen, store = _chosen(only, scale), Store(folder)
    with store.locked():
        _, corrupt = store.collect()
        for path in corrupt:
            console.print(f"{path} holds no row: its run is done again", highlight=False)
        known, table = _known(chosen, store)
        due = ("missing", "stale", *(["failed"] if retry_failed else []))
        todo = [run for run, state in known.items() if state in due]
        if not todo:
            failed = sum(state == "failed" for state in known.values())
            console.print("nothing to do" + (f": {failed} failed, see `ganad survey status`" if failed else ""))
            return
        count, environment = _together(together, todo, console)
        try:
            estimates = grid.seconds(todo, table)
            left = None if deadline is None else max(0.0, 60 * deadline - (time.monotonic() - begun))
            _sweep(todo, store, estimates, console, jobs, count, environment, deadline, left, ray, gpus)
        except KeyboardInterrupt:
            console.print("stopped: what is finished is kept, the next call goes on")
            raise typer.Exit(130) from None


def _together(asked: str, todo: list, console: Console) -> tuple[int, dict[str, str]]:
    """How many runs to do in one process, and the environment in which they are fastest."""
    from ganad_book.sweep import fastest, grid

    if asked != "auto":
        if not asked.isdecimal() or not int(asked):
            raise grid.GridError(f"--together takes a number from 1 or auto, not {asked!r}")
        return int(asked), {}
    trained = [run for run in todo if "epochs" in run.parameters]  # the classical detectors are none
    if not trained:
        return 1, {}
    first = trained[0]
    console.print(f"measuring how many models of {first.detector} on {first.data} are fastest", highlight=False)
    ways = fastest.ask(first.detector, first.parameters, first.data)
    for way in ways:
        console.print(f"  {way}", highlight=False)
    return ways[0].models, {"GANAD_CONVOLUTIONS": ways[0].convolutions}


def _sweep(
    todo: list,
    store: Any,
    estimates: dict,
    console: Console,
    jobs: int,
    together: int,
    environment: dict[str, str],
    deadline: float | None,
    left: float | None,
    ray: str,
    gpus: float,
) -> None:
    from ganad_book import notebooks
    from ganad_book.sweep import sweep as sweeping

    environment = environment | (notebooks.share_of_cores(jobs) if jobs > 1 else {})
    place = sweeping.on_ray(ray, gpus=gpus) if ray else sweeping.here(jobs)
    with _Bar(console, estimates) as bar, place as workers:
        bar.at_once = workers.at_once
        progress = sweeping.sweep(
            todo,
            store,
            workers,
            together=together,
            environment=environment,
            estimates=estimates,
            deadline=left,
            on_start=bar.started,
            on_end=bar.ended,
            on_cost=bar.cost,
        )
    words = f"{progress.finished} finished, {progress.failed} failed"
    if progress.left_out:
        words += f", {progress.left_out} left out: they would not have ended within {deadline:g} min"
    console.print(words, highlight=False)
    if progress.failed:
        raise typer.Exit(1)


class _Bar:
    """A line for every program that has been trained and every run that ends; in a terminal a bar below, with failures and the time left."""

    def __init__(self, console: Console, estimates: dict) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=len(estimates), left="")
        self._left, self._since, self._failed, self.at_once = dict(estimates), {}, 0, 1

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.stop()

    def started(self, run: Any) -> None:
        self._since[run] = time.time()
        self._bar.update(self._task, description=str(run), left=self._words())

    def ended(self, run: Any, row: dict | None, reason: str) -> None:
        del self._left[run]
        self._failed += row is None
        said, seconds = f"failed: {reason}", time.time() - self._since[run]
        if row is not None:
            said, seconds = f"AUPRC {row['auprc']:.3f}", row["train_seconds"] + row["score_seconds"]
        line = f"{run}: {said} ({_duration(seconds)})"
        self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        self._bar.update(self._task, advance=1, left=self._words())

    def cost(self, run: Any, words: str) -> None:
        line = f"{run.dataset}: {run.detector} ({run.family}), {words}"
        self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _words(self) -> str:
        from ganad_book.sweep import grid

        now = time.time()
        seconds = grid.total(
            each if each is None else max(0.0, each - (now - self._since.get(run, now)))
            for run, each in self._left.items()
        )
        words = [] if seconds is None else [f"{_duration(seconds / self.at_once)} left"]
        return ", ".join(words + ([f"{self._failed} failed"] if self._failed else []))


@survey_app.command()
def status(only: Only = "", scale: Scale = "cpu", folder: Folder = FOLDER) -> None:
    """Say how many runs are finished, stale, missing or failed, and why these failed."""
    from ganad_book.sweep.store import Store

    store, console = Store(folder), _console()
    known, _ = _known(_chosen(only, scale), store)
    counts = {
        state: sum(found == state for found in known.values()) for state in ("finished", "stale", "missing", "failed")
    }
    console.print(", ".join(f"{count} {state}" for state, count in counts.items()), highlight=False)
    failures = store.failures()
    for run, state in known.items():
        if state == "failed":
            console.print(f"{run}: {failures[run.slug].reason}", highlight=False, markup=False, soft_wrap=True)
        if state == "stale":
            console.print(
                f"{run}: stale, made with other parameters, or by another revision of its method or protocol",
                highlight=False,
                soft_wrap=True,
            )
    for path in sorted((store.folder / "rows").glob("*.json")):
        console.print(f"{path.stem}: finished, not yet in the results", highlight=False)
    for path in sorted((store.folder / "rows").glob("*.corrupt")):
        console.print(f"{path}: holds no row, its run is done again", highlight=False)


@survey_app.command("report")
def report_(only: Only = "", scale: Scale = "cpu", folder: Folder = FOLDER) -> None:
    """Bring finished rows into the results, and show means over classes and seeds beside the published figures."""
    from ganad_book.results import report
    from ganad_book.sweep.store import Store

    chosen, store = _chosen(only, scale), Store(folder)
    store.collect()
    known, table = _known(chosen, store)
    rows = report.summary(table, known)
    if rows.empty:
        _console().print("no run is finished")
        return
    shown = _table(*rows.columns)
    for row in rows.itertuples(index=False):
        shown.add_row(*row[:3], *(_cell(value) for value in row[3:]))
    _console().print(shown)
    _console().print("the half width is of the 95 % interval of AUPRC, on KDD of F1; so is the survey's figure")
    _console().print("one seed has no half width: its row is not a mean over seeds")


@survey_app.command()
def merge(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Results of other machines.")]) -> None:
    """Add the rows of other results files to this checkout's; a run that is here stays, unless its row is stale."""
    from ganad_book.sweep import grid, results

    before, table = len(results.read()), results.merge(files, valid=grid.finished)
    print(f"{len(table)} rows, {len(table) - before} of them new: {results.results_file()}")


def _cell(value: float) -> str:
    if math.isnan(value):
        return "–"
    return str(int(value)) if float(value).is_integer() and value >= 1 else f"{value:.3f}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column.replace("_", " "), justify="left" if place < 3 else "right")
    return table


def _console() -> Console:
    import sys

    return Console(width=None if sys.stdout.isatty() else 160)


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


survey_app.command()(bundle)
