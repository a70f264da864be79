"""What the book's pages have beyond Jupyter Book: a Sphinx extension, and what is put into chapters before it runs.

``_config.yml`` names this module as an extension.  Needs the ``book`` extra.
"""

from typing import Any

from ganad import __version__


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    from tools.book.site import api, mending

    app.connect("autodoc-skip-member", api.skip)
    app.connect("autodoc-process-docstring", api.point_to_chapter)
    app.connect("autodoc-process-signature", api.readable)
    app.connect("html-page-context", mending.mend)
    app.connect("html-page-context", api.list_modules_once)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
