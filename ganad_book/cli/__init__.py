"""The command line: ``ganad data``, ``ganad run``, ``ganad survey`` and ``ganad grade``."""

import sys

from ganad_book.cli.asking import MissingPackageError, complain, need


def command() -> None:
    """The ``ganad`` command; without the ``book`` extra, one line that says how to get it."""
    try:
        need("typer", "rich")
    except MissingPackageError as error:
        complain(error)
        sys.exit(error.exit_code)
    from ganad_book.cli.main import main  # imports Typer

    main()
