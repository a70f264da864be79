"""``python -m tools.book``, in the folder of the book: its pages and slides, and the executed chapters they are made from."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ganad_book.cli.asking import run_command
from tools.book.pages import build, build_as_kept
from tools.book.project import Book

app = typer.Typer(add_completion=False)


@app.command()
def book(
    profile: Annotated[str, typer.Option(help="quick, book or survey: a file of profiles/.")] = "quick",
    keep_outputs: Annotated[
        bool, typer.Option("--keep-outputs", help="Also write the executed outputs back into book/.")
    ] = False,
    as_kept: Annotated[
        bool, typer.Option("--as-kept", help="Execute nothing: make the pages from the outputs in book/.")
    ] = False,
    student: Annotated[bool, typer.Option("--student", help="Leave the solutions of the exercises out.")] = False,
) -> None:
    """Execute every chapter that has changed and make the HTML book, with slides."""
    console = Console()
    here = Book(Path(), profile, student)
    page = build_as_kept(here, console) if as_kept else build(here, console, keep_outputs)
    console.print(f"open {page}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    run_command(app)
