"""``ganad data``: what is at hand, download, check."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ganad_book.cli.asking import complain

data_app = typer.Typer(help="The data sets: what is at hand, download, check.")

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Data sets; all of them if left out.")]


_UCI = "https://archive.ics.uci.edu/dataset/"
_EMBEDDED = {  # of the data sets that come with scikit-learn: licence, page
    "digits": ("CC BY 4.0", _UCI + "80"),
    "digits28": ("CC BY 4.0", _UCI + "80"),
    "breast_cancer": ("CC BY 4.0", _UCI + "17"),
}
_SHAPES = {
    "mnist": "70,000 x 28 x 28 x 1",
    "fashion_mnist": "70,000 x 28 x 28 x 1",
    "cifar10": "60,000 x 32 x 32 x 3",
    "kddcup99": "494,021 x 121",
    "digits": "1,797 x 8 x 8 x 1",
    "digits28": "16,173 x 28 x 28 x 1",
    "breast_cancer": "569 x 30",
}


@data_app.command("list")
def list_data() -> None:
    """Show every data set: its shape, whether it is at hand, its licence and its page."""
    from ganad import datasets

    table = Table(box=None, pad_edge=False)
    for column in ("name", "shape", "at hand", "where", "licence", "page"):
        table.add_column(column, overflow="fold", no_wrap=column in ("name", "shape"))
    for name in datasets.NAMES:
        table.add_row(name, _SHAPES[name], *_state(name))
    # in a pipe a line is not folded
    Console(width=None if sys.stdout.isatty() else 240).print(table)


def _state(name: str) -> tuple[str, ...]:
    from ganad import datasets

    source = datasets.source(name)
    if source is None:
        return "yes", "in scikit-learn", *_EMBEDDED[name]
    file = datasets.data_file(name)
    where = ("yes", str(file)) if file.exists() else ("no", f"ganad data fetch {name}")
    return *where, source.licence, source.page


@data_app.command("fetch")
def fetch_data(names: Names = None) -> None:
    """Download what is not at hand into GANAD_DATA, and check it."""
    from ganad import datasets

    def fetch(name: str) -> str:
        file = datasets.fetch(name)
        return f"{name}: {file}" if file else f"{name}: comes with scikit-learn, nothing to fetch"

    _each(names, fetch)


@data_app.command("check")
def check_data(names: Names = None) -> None:
    """Compare the content of what is at hand with what was published."""
    from ganad import datasets

    def check(name: str) -> str:
        if not names and datasets.source(name) and not datasets.data_file(name).exists():
            return f"{name}: not at hand"
        return datasets.check(name)

    _each(names, check)


def _each(names: list[str] | None, action: Callable[[str], str]) -> None:
    from ganad import datasets

    for name in names or ():
        datasets.source(name)  # refuses an unknown name before anything is done
    failed = False
    for name in names or datasets.NAMES:
        try:
            print(action(name))
        except datasets.DatasetError as error:
            failed = True
            complain(error)
    if failed:
        raise typer.Exit(2)
