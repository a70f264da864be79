"""A deck as one HTML file; how it looks and moves is in ``book/_static/slides`` and reveal.js."""

from collections.abc import Mapping, Sequence

from tools.book.slides.layout import Slide

_HEAD = """<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="../_static/vendor/reveal/reveal.css">
<link rel="stylesheet" href="../_static/pygments.css">
<link rel="stylesheet" href="../_static/slides/slides.css">
<style>:root {{ --normal: {normal}; --anomaly: {anomaly}; --quiet: {quiet}; --accent: {accent}; }}</style>
"""
_DECK = """</head>
<body class="measured">
<div class="reveal"><div class="slides mathjax_ignore">
{slides}
</div></div>
<footer class="book"><a href="../{chapter}.html">{title}</a></footer>
<noscript>These slides need scripts; the <a href="../{chapter}.html">chapter</a> does not.</noscript>
<script>
window.MathJax = {{
  options: {{ processHtmlClass: "math", ignoreHtmlClass: "mathjax_ignore", enableMenu: false }},
  svg: {{ fontCache: "local" }},
}};
</script>
<script src="../_static/vendor/mathjax/tex-svg.js"></script>
<script src="../_static/vendor/reveal/reveal.js"></script>
<script src="../_static/vendor/reveal/notes.js"></script>
<script src="../_static/slides/slides.js"></script>
</body>
</html>
"""
_LIST = """</head>
<body class="listing">
<h1>Slides</h1>
<ul>
{items}
</ul>
<p>Arrow keys move on, S opens the speaker's notes, F fills the screen, Esc shows all slides.</p>
<p><a href="../{first}.html">To the book</a></p>
</body>
</html>
"""


def deck(slides: Sequence[Slide], chapter: str) -> str:
    """The HTML of a chapter's slides."""
    title = slides[0].title
    body = "\n".join(map(_section, slides))
    return _head(f"{title}: slides") + _DECK.format(slides=body, chapter=chapter, title=title)


def listing(titles: Mapping[str, str], first: str) -> str:
    """The HTML of a page with a link to each deck, and to the first page of the book."""
    items = "\n".join(f'<li><a href="{name}.html">{title}</a></li>' for name, title in titles.items())
    return _head("Slides") + _LIST.format(items=items, first=first)


def _head(title: str) -> str:
    from ganad_book import plots

    colours = {"normal": plots.NORMAL, "anomaly": plots.ANOMALY, "quiet": plots.PUBLISHED, "accent": plots.ACCENT}
    return _HEAD.format(title=title, **colours)


def _section(slide: Slide) -> str:
    kinds = " ".join(dict.fromkeys(["opens"] if slide.opens else [block.kind for block in slide.blocks]))
    above = f'<p class="above">{slide.above}</p>' if slide.above else ""
    name, colon, rest = slide.title.partition(": ") if slide.opens else (slide.title, "", "")
    heading = f"<h1>{name}</h1><h2>{rest[:1].upper()}{rest[1:]}</h2>" if slide.opens and colon else ""
    heading = heading or f"<{'h1' if slide.opens else 'h2'}>{slide.title}</{'h1' if slide.opens else 'h2'}>"
    shown = "\n".join(block.html for block in slide.blocks)
    notes = f'\n<aside class="notes">{slide.notes}</aside>' if slide.notes else ""
    return (
        f'<section class="{kinds}"><header>{above}{heading}</header>\n<div class="body">{shown}</div>{notes}</section>'
    )
