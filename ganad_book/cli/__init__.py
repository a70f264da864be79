"""The command line: ``ganad data``, ``ganad run``, ``ganad survey`` and ``ganad grade``."""

import sys


def command() -> None:
    """The ``ganad`` command; without the ``book`` extra, one line that says how to get it."""
    try:
        from ganad_book.cli.main import main  # here, so that what is missing can be named
    except ModuleNotFoundError as error:
        print(f"ganad: {error.name} is missing: install the book extra, `pip install 'ganad[book]'`", file=sys.stderr)
        sys.exit(2)
    main()
