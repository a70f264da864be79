"""What every command needs: a complaint in one line, an exit code, and the packages that the ``book`` extra brings."""

import importlib.util
import sys
from typing import Any, NoReturn

from ganad.errors import GanadError


class MissingPackageError(GanadError):
    """A package of an extra is not installed: one line that says which, and how to install it."""


def complain(what: object) -> None:
    """What is wrong, as one line on stderr."""
    print("ganad:", " ".join(str(what).split()), file=sys.stderr)


def need(*modules: str) -> None:
    """Raise :class:`MissingPackageError` unless these modules, which come with the ``book`` extra, are installed."""
    if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
        raise MissingPackageError(f"{missing[0]} is missing: install the book extra, `pip install 'ganad[book]'`")


def run_command(app: Any) -> NoReturn:
    """Run a Typer application and exit: 0, 1 (something failed), 2 (the request is at fault) or 130 (stopped)."""
    import typer  # here, so that `need` can be asked before there is Typer

    try:
        sys.exit(app(standalone_mode=False))
    except (KeyboardInterrupt, typer.Abort):
        complain("stopped")
        sys.exit(130)
    except GanadError as error:
        complain(error)
        sys.exit(error.exit_code)
    except OSError as error:
        complain(f"{error.strerror}: {error.filename}")
        sys.exit(2)
    except typer.TyperException as error:
        complain(error.format_message())
        sys.exit(2)
