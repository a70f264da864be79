"""``python -m benchmarks``: training and scoring beside what one would use instead, in one run of twenty minutes."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.run import ROUNDS, main
from ganad_book.cli.asking import run_command
from ganad_book.sweep.results import results_file

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    rounds: Annotated[int, typer.Option(min=1, help="How often each case has its turn of a second.")] = ROUNDS,
    folder: Annotated[
        Path | None, typer.Option(help="Where bench.csv and bench.json go; else beside the results.")
    ] = None,
) -> None:
    """Measure training and scoring beside what one would use instead, in one run (twenty minutes)."""
    main(folder or results_file().parent, rounds)


if __name__ == "__main__":
    run_command(app)
