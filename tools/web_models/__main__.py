"""``python -m tools.web_models``, in the folder of the book: the trained models that its pages run."""

from pathlib import Path
from typing import Annotated

import typer

from ganad_book.cli.asking import run_command
from tools.web_models.web import FOLDER, export

app = typer.Typer(add_completion=False)


@app.command()
def web(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="egbad, egbad-3 and so on.  [default: all]")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where to.  [default: where the pages look]")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Also what is there already.")] = False,
) -> None:
    """Train the models that the pages run, as their chapters do, and write their weights in half precision."""
    made = export(Path(), folder or FOLDER, names or (), anew, print)
    print(f"{len(made)} made, in {folder or FOLDER}")


if __name__ == "__main__":
    run_command(app)
