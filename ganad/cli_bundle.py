"""``ganad survey bundle``: the sweep on a node without network."""

from pathlib import Path
from typing import Annotated

import typer

_DATA = "Data sets to put in, or `none`.  Left out: those of the grid that are at hand."
_WITHOUT = "Packages that the node has already, such as jax,numpy: left out, with what only they need."
_PLATFORM = "pip's tags of the node, such as manylinux_2_28_x86_64.  Left out: this machine's."


def bundle(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it; a bundle there is replaced.")],
    python: Annotated[str, typer.Option(help="The node's Python, such as 3.12.  Left out: this one.")] = "",
    platform: Annotated[list[str] | None, typer.Option(help=_PLATFORM)] = None,
    backend: Annotated[str, typer.Option(help="The framework: jax, tensorflow or torch.")] = "jax",
    cuda: Annotated[bool, typer.Option("--cuda", help="With the framework's wheels of CUDA: gigabytes.")] = False,
    without: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_WITHOUT)] = None,
    data: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_DATA)] = None,
    max_size: Annotated[float, typer.Option(metavar="MB", help="No file is larger; what is, is cut.")] = 60,
) -> None:
    """Collect ganad, its wheels and the data for a node without network; `sh DIR/run.sh` unpacks and runs them there."""
    import sys

    from ganad.survey import bundle as bundling
    from ganad.survey import wheels

    wanted = bundling.Wanted(
        python=python or f"{sys.version_info.major}.{sys.version_info.minor}",
        platforms=_words(platform) or (wheels.this_platform(),),
        backend=backend,
        cuda=cuda,
        without=_words(without),
        data=_words(data) or None,
        max_size=int(max_size * bundling.MEGABYTE),
    )
    manifest = bundling.make(Path(), folder, wanted)
    parts = [part["size"] for file in manifest["files"] for part in file["parts"]]
    held = f"{len(manifest['files'])} files in {len(parts)} parts, {sum(parts) / bundling.MEGABYTE:.0f} MB"
    print(f"{folder}: {held}; data: {', '.join(manifest['data']) or 'none'}")
    print("copy it to the node, and there: sh run.sh --only dataset=mnist,detector=egbad --jobs 2")


def _words(given: list[str] | None) -> tuple[str, ...]:
    """Of an option that is repeated or a list with commas: its words."""
    return tuple(filter(None, (word.strip() for words in given or () for word in words.split(","))))
