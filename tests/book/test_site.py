"""What the pages have beyond Jupyter Book: addresses, commands, facts, sources, terms, colours."""

import itertools
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from small_book import ROOT

from ganad_book import notebooks, plots
from ganad_book.cli import main as cli
from ganad_book.sweep import grid
from tools.book import timing
from tools.book.project import Book
from tools.book.site import api, chapters, mending, repository, reproduce, sources, terms

BOOK = Book(ROOT)
STATIC = ROOT / "book" / "_static"


# ---- where the repository is


def test_repository_is_what_actions_says(monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/ganad")
    assert repository.repository(tmp_path) == "someone/ganad"


@pytest.mark.parametrize(
    "url, name",
    [("https://github.com/some-one/ga.nad", "some-one/ga.nad"), ("https://arxiv.org/abs/1906.11632", None)],
)
def test_repository_is_an_address_of_the_project(url, name, monkeypatch, tmp_path):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n[project.urls]\nPage = "{url}"\n')
    assert repository.repository(tmp_path) == name


def test_a_name_that_is_none_is_not_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_REPOSITORY", 'x"onclick/../y')
    assert repository.repository(tmp_path) is None


def test_addresses_of_colab_and_binder():
    assert repository.colab("a/b", "detectors/egbad.ipynb") == (
        "https://colab.research.google.com/github/a/b/blob/notebooks/detectors/egbad.ipynb"
    )
    assert repository.binder("a/b", "detectors/egbad.ipynb") == (
        "https://mybinder.org/v2/gh/a/b/notebooks?labpath=detectors%2Fegbad.ipynb"
    )


@pytest.mark.parametrize("missing", [False, True])
def test_installing_cell_installs_where_ganad_is_missing_and_only_there(missing, monkeypatch):
    called = []
    monkeypatch.setattr("subprocess.check_call", called.append)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if missing else name)
    exec(compile(repository.installing_cell("a/b"), "cell", "exec"), {})
    assert [each[-1] for each in called] == (["ganad[book,tensorflow] @ git+https://github.com/a/b"] if missing else [])


# ---- what is put into a chapter


def dressed(tmp_path: Path, monkeypatch, name: str | None):
    """A small chapter as its page shows it, and its copy."""
    monkeypatch.setattr(repository, "repository", lambda root: name)
    first = new_code_cell('dataset = "digits"', metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[new_markdown_cell("# Title\n\nText."), first])
    made = chapters.dress(BOOK, "book/detectors/small", notebook, tmp_path, as_kept=True)
    return made.cells[0].source, nbformat.read(tmp_path / "notebooks" / "detectors" / "small.ipynb", 4)


def test_a_chapter_offers_what_it_can(tmp_path, monkeypatch):
    shown, copy = dressed(tmp_path, monkeypatch, "a/b")
    assert shown.startswith("# Title\n") and shown.endswith("\nText.")
    links = [link["href"] for link in BeautifulSoup(shown, "html.parser").find_all("a")]
    assert links == [
        repository.colab("a/b", "detectors/small.ipynb"),
        repository.binder("a/b", "detectors/small.ipynb"),
        "../../_static/notebooks/detectors/small.ipynb",
    ]
    assert "git+https://github.com/a/b" in copy.cells[0].source and copy.cells[1].source == "# Title\n\nText."
    nbformat.validate(copy)


def test_without_a_repository_only_the_download_is_offered(tmp_path, monkeypatch):
    shown, _ = dressed(tmp_path, monkeypatch, None)
    assert len(BeautifulSoup(shown, "html.parser").find_all("a")) == 1 and "colab" not in shown
    assert "digits comes with scikit-learn" in shown


def test_seconds_are_those_a_run_has_measured(tmp_path, monkeypatch):
    assert timing.read(tmp_path) == {}
    (tmp_path / "profiles").mkdir()
    monkeypatch.setattr(timing, "machine", lambda: "2 cores of a test")
    timing.keep(tmp_path, {"book/b": 12.4})
    timing.keep(tmp_path, {"book/a": 130.0})
    assert timing.read(tmp_path) == {"book/a": (130.0, "2 cores of a test"), "book/b": (12.0, "2 cores of a test")}
    executed = new_notebook(metadata={"papermill": {"duration": 12.4}})
    assert timing.seconds(executed) == 12.4 and timing.seconds(new_notebook()) is None
    assert "12 s on 2 cores of a test" in chapters._facts(executed, timing.read(tmp_path)["book/b"])


# ---- how to make a figure again


def blocks(chapter: str) -> list[str]:
    """The commands in a chapter as it is staged."""
    notebook = notebooks.read(BOOK.notebook(chapter))
    reproduce.add(BOOK, chapter, notebook)
    text = "\n".join(cell.source for cell in notebook.cells if cell.id.startswith("reproduce-"))
    return [line for line in text.splitlines() if line.startswith(("ganad ", "make "))]


@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_commands_of_a_chapter_can_be_run(chapter):
    found = blocks(chapter)
    assert not found or f"ganad run {chapter}" in found
    taken = notebooks.parameters(notebooks.read(BOOK.notebook(chapter)))
    for command in found:
        program, *words = shlex.split(command)
        if program == "make":
            assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
            continue
        if words[0] == "run":
            pairs = [f"{name}={value}" for name, value in zip(words[3::3], words[4::3], strict=True)]
            assert set(words[2::3]) <= {"-p"} and {pair.partition("=")[0] for pair in pairs} <= set(taken)
        elif words[:2] == ["survey", "run"]:
            assert grid.chosen(grid.runs(), words[3] if len(words) > 2 else "")
        else:
            assert words == ["bench"]


@pytest.mark.parametrize("profile", ["book", "survey"])
def test_commands_say_what_the_profiles_say(profile):
    for chapter, given in yaml.safe_load((ROOT / "profiles" / f"{profile}.yml").read_text()).items():
        words = shlex.split(reproduce.run(chapter, given or {}))
        pairs = zip(words[4::3], words[5::3], strict=True)
        assert dict(cli._value(f"{name}={value}") for name, value in pairs) == (given or {})


def test_tables_are_made_by_the_runs_they_name():
    assert "ganad survey run --only detector=egbad" in blocks("book/detectors/egbad")
    assert any("dataset=fashion_mnist" in line for line in blocks("book/survey/images"))
    assert any("dataset=kddcup99" in line for line in blocks("book/survey/kdd"))
    assert "make bench" in blocks("book/survey/speed")


# ---- sources and terms


def test_printed_code_says_where_it_stands():
    cells = (
        "from ganad.models import bigan as b\nfrom ganad.detectors import NearestNeighbour",
        "Code('\\n'.join(inspect.getsource(each) for each in (b.BiGANPlay, b.encoder_loss)))",
        "print(inspect.getsource(NearestNeighbour.fit))",
        "%%bash\nls",
    )
    inputs = "".join(f'<div class="cell"><div class="cell_input"><pre>{each}</pre></div></div>' for each in cells)
    body = BeautifulSoup(inputs, "html.parser")
    sources.show(body, "../../")
    links = [link["href"] for link in body.select(".ganad-source a")]
    said = [each.get_text() for each in body.select(".ganad-source")]
    assert said[0] == "From ganad/models/bigan.py: BiGANPlay, encoder_loss"
    assert said[1].startswith("From ganad/detectors/") and said[1].endswith(".py")
    assert links[-1].startswith("../../_modules/ganad/detectors/")
    assert "../../_modules/ganad/models/bigan.html#encoder_loss" in links


def test_a_class_points_to_its_chapter():
    from ganad.detectors import IsolationForest
    from ganad_book.sweep import grid as unexplained

    lines, app = ["(N, *shape) of it."], SimpleNamespace()
    api.point_to_chapter(app, "class", "ganad_book.sweep.grid.Run", unexplained.Run, None, lines)
    assert lines == [r"(N, \*shape) of it."]
    module = type("M", (), {"__doc__": "It.  Chapter: book/detectors/egbad.ipynb"})
    import sys

    sys.modules["made.up"] = module
    try:
        thing = type("Made", (), {"__module__": "made.up"})
        api.point_to_chapter(app, "class", "made.up.Made", thing, None, lines)
    finally:
        del sys.modules["made.up"]
    assert "Explained in :doc:`/book/detectors/egbad`." in lines
    assert app.ganad_explained == {"book/detectors/egbad": ["made.up.Made"]}
    assert api.skip(app, "method", "set_fit_request", IsolationForest.fit, False, None)
    assert api.skip(app, "method", "set_params", IsolationForest.set_params, False, None) is None


def explained(text: str) -> list[str]:
    """What is linked in a page, with two terms known."""
    body = BeautifulSoup(text, "html.parser")
    known = {"AUPRC": ("term-AUPRC", "An area."), "collapse": ("term-collapse", "A part only.")}
    terms.explain(body, known, lambda page: f"{page}.html")
    assert body.get_text() == BeautifulSoup(text, "html.parser").get_text()
    assert all(link["data-tip"] and "#term-" in link["href"] for link in body.select("a.ganad-term"))
    return [link.get_text() for link in body.select("a.ganad-term")]


def test_the_first_use_of_a_term_is_explained():
    assert explained("<p>An AUPRC, and the AUPRC again. It collapsed.</p>") == ["AUPRC"]
    assert explained("<p>An AUPRC.</p><p>It has collapsed, AUPRC.</p>") == ["AUPRC", "collapsed"]
    assert explained("<h2>AUPRC</h2><p><code>AUPRC</code> <a href='x'>AUPRC</a> auprc AUPRCs</p>") == []
    assert explained("<dl class='glossary'></dl><p>AUPRC</p>") == []


def test_headers_say_whose_they_are():
    body = BeautifulSoup(
        "<table><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>r</th><td>1</td></tr></tbody></table>",
        "html.parser",
    )
    mending.name_headers(body)
    assert [(each.get_text(), each["scope"]) for each in body.find_all("th")] == [("a", "col"), ("r", "row")]


# ---- colours and pictures


def test_drawings_are_told_from_photographs(tmp_path):
    black = np.full((3, 8, 8, 1), -1.0)
    made = {
        "lines": plots.lines({"a": ([0, 1], [1, 2])}, "x", "y"),
        "photographs": plots.images({"a": black, "b": black}, columns=3),
        "plane": plots.plane(np.zeros((400, 2)), {"now": (np.zeros((400, 2)), np.full(3600, 0.5))}),
    }
    # photographs on so much white paper that they were taken for a drawing, and shown as negatives in the dark
    spread, axes = plots.plt.subplots(2, 9, figsize=(8, 1.5), layout="constrained")
    for axis in axes.flat:
        axis.imshow(black[0], cmap="gray", vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[], title="0.12")
    made["spread"] = spread
    kinds = {}
    for name, figure in made.items():
        figure.savefig(tmp_path / f"{name}.png", dpi=110, facecolor=figure.get_facecolor())
        kinds[name] = mending.kinds_of(tmp_path / f"{name}.png")
    assert kinds == {"lines": ["ganad-drawing"], "photographs": ["ganad-clear"], "plane": [], "spread": []}


def test_a_wide_picture_is_marked(tmp_path):
    figure = plots.checkpoints({name: [{1: 0.5, 2: 0.6}] for name in "abc"}, "F1")
    figure.savefig(tmp_path / "wide.png", dpi=110)
    assert mending.kinds_of(tmp_path / "wide.png") == ["ganad-drawing", "ganad-wide"]


def test_cells_say_how_much_they_hold():
    row = f"<table><tr><th>a</th><td>-0.091 ± 0.059</td><td>{'word ' * 6}</td><td>{'word ' * 20}</td></tr></table>"
    body = BeautifulSoup(f'<div class="cell_output">{row}</div>{row}', "html.parser")
    mending.measure_cells(body)
    classes = [cell.get("class") for cell in body.select("td, th")]
    assert classes == [["ganad-few"], ["ganad-few"], None, ["ganad-many"], None, None, None, None]


def test_punctuation_stays_with_its_formula():
    formula = '<span class="math">{}</span>'
    text = f"<p>So ({formula.format('x')}), of {formula.format('y')} and {formula.format('z' * 50)}.</p>"
    body = BeautifulSoup(text, "html.parser")
    mending.keep_together(body)
    assert body.get_text() == BeautifulSoup(text, "html.parser").get_text()
    assert [each.get_text() for each in body.select(".ganad-together")] == ["(x),"]
    assert [each.get_text() for each in body.select(".ganad-long")] == ["z" * 50]


def test_the_index_lists_a_module_once():
    module = ("ganad.metrics", ([], [("module", [("main", "api#m")])], None))
    function = ("fit() (in ganad)", ([("", "api#f")], [], None))
    context = {
        "genindexentries": [
            ("F", [function]),
            ("G", [module]),
            ("M", [("module", ([], [("ganad.metrics", [])], None))]),
        ]
    }
    api.list_modules_once(None, "genindex", "", {}, None)  # the page that the table of contents names
    api.list_modules_once(None, "genindex", "", context, None)
    assert context["genindexentries"] == [
        ("F", [function]),
        ("G", [("ganad.metrics", ([("main", "api#m")], [], None))]),
    ]


def test_signatures_have_no_addresses():
    given = "(a=<factory>, b=<function <lambda>>, c=<function f at 0x7f>, d=PosixPath('a/b'))"
    assert api.readable(None, "", "", None, None, given, None) == ("(a=..., b=..., c=..., d='a/b')", None)
    assert api.readable(None, "", "", None, None, None, None) is None


def test_pages_have_the_colours_of_the_pictures():
    found = dict(re.findall(r"--ganad-(\w+): (#\w+);", (STATIC / "custom.css").read_text()))
    assert found == plots.PALETTE
    play = (STATIC / "play" / "play.css").read_text()
    assert "var(--ganad-normal)" in play
    # what is played with has no colours of its own but, for the dark, lighter ones of the same names
    assert re.findall(r"#[0-9a-f]{6}\b", play) == re.findall(r"--ganad-\w+: (#[0-9a-f]{6});", play)
    for script in sorted((STATIC / "play").glob("*.js")):
        assert not re.findall(r"[\"'`]#[0-9a-f]{6}\b", script.read_text()), script.name


MACHADO = {
    "all": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""Machado, Oliveira and Fernandes 2009: linear RGB as seen with one kind of cones missing."""


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """A colour in CIELAB, as it is seen."""
    rgb = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.clip(np.asarray(seen) @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ linear / [0.9505, 1, 1.089]
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("seen", MACHADO)
def test_colours_differ_whoever_looks(seen):
    shown = [lab(colour, MACHADO[seen]) for colour in plots.PALETTE.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(shown, 2)) > 20


# ---- the bibliography


def entries() -> dict[str, str]:
    """The references, by key."""
    text = (ROOT / "book" / "references.bib").read_text()
    return {key: body for key, body in re.findall(r"^@\w+\{(\w+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)}


@pytest.mark.parametrize("key", entries())
def test_every_reference_can_be_found(key):
    assert re.search(r"^\s*(?:doi|eprint|url)\s*=\s*\{\S+\}", entries()[key], re.MULTILINE)


def test_papers_the_methods_come_from_are_there():
    text = (ROOT / "book" / "references.bib").read_text()
    for paper in (
        *("1906.11632", "1406.2661", "1411.1784", "1605.09782", "1703.05921", "1802.06222", "1805.06725"),
        *("10.1007/978-3-030-10925-7_1", "1812.02288", "1704.00028", "1606.03498", "1606.00704"),
    ):
        assert paper in text, paper
