"""The command line: ``ganad data``, ``ganad run``, ``ganad survey`` and ``ganad grade``.

Whatever is wrong with what was asked is said in one line on stderr, with exit code 2; a chapter or page that fails, 1.
"""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ganad import __version__
from ganad.errors import GanadError
from ganad_book.cli.asking import need, run_command
from ganad_book.cli.data import data_app
from ganad_book.cli.survey import survey_app

app = typer.Typer(add_completion=False, help="GANs for anomaly detection: the data, the chapters, the reproduction.")
app.add_typer(data_app, name="data")
app.add_typer(survey_app, name="survey")


class _Pairs(TyperCommand):
    """A command whose ``-p NAME VALUE`` takes two words, which Typer's lists cannot."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        joined, words = [], iter(args)
        for word in words:
            if word in ("-p", "--parameter"):
                name, value = next(words, None), next(words, None)
                if value is None:
                    raise GanadError(f"{word} takes a name and a value")
                word = f"--parameter={name}={value}"
            joined.append(word)
        return super().parse_args(ctx, joined)


@app.callback(invoke_without_command=True)
def _ganad(ctx: typer.Context, version: Annotated[bool, typer.Option("--version", help="Say which.")] = False) -> None:
    if version:
        print(f"ganad {__version__}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help())


@app.command(cls=_Pairs)
def run(
    chapter: Annotated[Path, typer.Argument(help="A notebook, with or without .ipynb.")],
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME VALUE", help="A parameter; repeatable.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The executed copy.  [default: _build/run/CHAPTER.ipynb]")] = None,
) -> None:
    """Run one chapter with other parameters: values are read as YAML, so `false` is False."""
    from ganad_book import notebooks

    need("papermill", "nbformat", "yaml")
    source = chapter if chapter.suffix == ".ipynb" else chapter.with_name(f"{chapter.name}.ipynb")
    taken = notebooks.parameters(notebooks.read(source))
    values = dict(_value(pair) for pair in parameter or ())
    if unknown := sorted(values.keys() - taken.keys()):
        raise GanadError(f"unknown parameter {unknown[0]}: {source.stem} takes {', '.join(taken) or 'none'}")
    target = output or Path("_build", "run", source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    notebooks.run(source, target.absolute(), values, show_progress=True)
    print(target)


def _value(pair: str) -> tuple[str, Any]:
    import yaml

    name, _, text = pair.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise GanadError(f"{name}: {text!r} cannot be read as a value") from error
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value):
        value = float(value)  # YAML asks for 1.0e-3 where everybody writes 1e-3
    if not isinstance(value, (str, int, float, list, dict, type(None))):
        value = text  # YAML knows dates; no parameter is one
    return name, value


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="With the notebooks of the assignment as they were handed in.")],
    output: Annotated[Path, typer.Option(help="The table: points of each task, total, why some are missing.")] = Path(
        "grades.csv"
    ),
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for each notebook.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of the numbers that the checks ask with.")] = 1,
) -> None:
    """Run submitted notebooks of the assignment and write their points: those of strangers only where nothing can be lost."""
    from ganad_book.assignment import grading

    need("papermill", "nbformat")
    most = sum(task.points for task in grading.TASKS)

    def say(found: grading.Grade) -> None:
        print(f"{found.name:<32} {found.total:2d} of {most}  {found.failure}".rstrip())

    grading.grade_folder(folder, output, timeout=timeout, seed=seed, told=say)
    print(output)


def main() -> None:
    """The ``ganad`` command."""
    run_command(app)


if __name__ == "__main__":
    main()
