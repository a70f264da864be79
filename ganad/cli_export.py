"""``ganad export``: trained models for programs that know no Keras."""

from pathlib import Path
from typing import Annotated

import typer

export_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Trained models for other programs.")


@export_app.callback()
def _export() -> None:
    """Keeps ``web`` a word of its own."""


@export_app.command()
def web(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="egbad, egbad-3 and so on.  [default: all]")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where to.  [default: where the pages look]")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Also what is there already.")] = False,
) -> None:
    """Train the models that the pages play with, as their chapters do, and write their weights in half precision."""
    from ganad.export.web import FOLDER, export

    made = export(Path(), folder or FOLDER, names or (), anew, print)
    print(f"{len(made)} made, in {folder or FOLDER}")
