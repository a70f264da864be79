"""``ganad survey bundle``: the sweep on a node without network."""

from pathlib import Path
from typing import Annotated

import typer

from ganad.errors import GanadError

UPLOAD = 60
"""MB that can be handed to a node in one call, where such a limit holds."""

_DATA = "Data sets to put in, or `none`.  Left out: those of the grid that are at hand."
_WITHOUT = "Packages that the node has already, such as jax,numpy: left out, with what only they need."
_SLIM = "Without debugger (debugpy) and completion engine (jedi), which no sweep needs."
_PLATFORM = "pip's tags of the node, such as manylinux_2_28_x86_64.  Left out: this machine's."


def bundle(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it; a bundle there is replaced.")],
    python: Annotated[str, typer.Option(help="The node's Python, such as 3.12.  Left out: this one.")] = "",
    platform: Annotated[list[str] | None, typer.Option(help=_PLATFORM)] = None,
    backend: Annotated[str, typer.Option(help="The framework: jax, tensorflow or torch.")] = "jax",
    cuda: Annotated[bool, typer.Option("--cuda", help="With the framework's wheels of CUDA: gigabytes.")] = False,
    without: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_WITHOUT)] = None,
    slim: Annotated[bool, typer.Option("--slim", help=_SLIM)] = False,
    data: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_DATA)] = None,
    max_size: Annotated[float, typer.Option(metavar="MB", help="No file is larger; what is, is cut.")] = 60,
) -> None:
    """Collect ganad, its wheels and the data for a node without network; `sh DIR/run.sh` unpacks and runs them there."""
    import sys

    from ganad_book.offline import bundle as bundling
    from ganad_book.offline import wheels
    from ganad_book.offline.unpack import BundleError

    wanted = bundling.Wanted(
        python=python or f"{sys.version_info.major}.{sys.version_info.minor}",
        platforms=_words(platform) or (wheels.this_platform(),),
        backend=backend,
        cuda=cuda,
        without=_words(without),
        data=_words(data) or None,
        max_size=int(max_size * bundling.MEGABYTE),
        slim=slim,
    )
    try:
        manifest = bundling.make(Path(), folder, wanted)
    except BundleError as error:  # no GanadError: where a bundle is unpacked, ganad is not there yet
        raise GanadError(str(error)) from error
    parts = [part["size"] for file in manifest["files"] for part in file["parts"]]
    size = sum(path.stat().st_size for path in folder.iterdir()) / bundling.MEGABYTE
    held = f"{len(manifest['files'])} files in {len(parts)} parts, {size:.1f} MB"
    print(f"{folder}: {held}; data: {', '.join(manifest['data']) or 'none'}")
    if size > UPLOAD:
        print(f"the bundle is larger than {UPLOAD} MB: --slim, --without and a single --data NAME make it smaller")
    print("copy it to the node, and there: sh run.sh --only dataset=mnist,detector=egbad --jobs 2")


def _words(given: list[str] | None) -> tuple[str, ...]:
    """Of an option that is repeated or a list with commas: its words."""
    return tuple(filter(None, (word.strip() for words in given or () for word in words.split(","))))
