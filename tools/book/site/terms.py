"""The glossary in every page: where a paragraph first uses a term, the term says what it means."""

import re
from collections.abc import Callable
from typing import Any

GLOSSARY = "book/reference/notation"
_SKIPPED = (
    "a",
    "code",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "script",
    "style",
    "button",
    "th",
    "figcaption",
    "dt",
    "summary",
)
_OTHER_FORMS = {"collapse": r"collaps(?:e|es|ed)", "seed": "seeds?", "residual": "residuals?", "turn": None}
"""How a term is written where not as in the glossary; None: its everyday meaning is more frequent."""


def glossary(app: Any) -> dict[str, tuple[str, str]]:
    """Each term of the glossary: its anchor and what it means."""
    if GLOSSARY not in app.env.all_docs:
        return {}
    if not hasattr(app, "ganad_glossary"):
        app.ganad_glossary = _read(app.env.get_doctree(GLOSSARY))
    return app.ganad_glossary


def _read(doctree: Any) -> dict[str, tuple[str, str]]:
    from docutils import nodes

    found = {}
    for item in doctree.findall(nodes.definition_list_item):
        meaning = " ".join(item.next_node(nodes.definition).astext().split())
        for term in item.findall(nodes.term):
            if term["ids"]:
                found[term.astext()] = term["ids"][0], meaning
    return found


def explain(body: Any, known: dict[str, tuple[str, str]], address: Callable[[str], str]) -> None:
    """Link the first use of each term on a page to the glossary, with its meaning to show."""
    patterns = {term: _pattern(term) for term in known if _OTHER_FORMS.get(term, term)}
    if body.select_one("dl.glossary"):
        return
    for text in body.find_all(string=True):
        if not patterns:
            return
        if text.find_parent("p") and not text.find_parent(_SKIPPED) and not text.find_parent(class_="math"):
            _explain(body, text, patterns, known, address)


def _pattern(term: str) -> re.Pattern[str]:
    words = _OTHER_FORMS.get(term) or re.escape(term).replace(r"\ ", r"[\s-]")
    return re.compile(rf"(?<![\w-]){words}(?![\w-])", 0 if term.isupper() else re.IGNORECASE)


def _explain(body: Any, text: Any, patterns: dict, known: dict, address: Callable[[str], str]) -> None:
    for term, pattern in list(patterns.items()):
        if found := pattern.search(text):
            anchor, meaning = known[term]
            link = body.new_tag("a", href=f"{address(GLOSSARY)}#{anchor}")
            link["class"], link["data-tip"], link.string = "ganad-term", meaning, found[0]
            before, after = str(text)[: found.start()], str(text)[found.end() :]
            text.replace_with(type(text)(before), link, type(text)(after))
            del patterns[term]
            return  # one in each piece of text is enough
