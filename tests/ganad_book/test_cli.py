"""`ganad`: what it shows; and that bad input gets one readable line on stderr and exit code 2."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_book

from ganad import __version__, datasets
from ganad_book import notebooks
from ganad_book.cli import data as command
from ganad_book.cli import main as cli
from ganad_book.sweep import results


@pytest.fixture
def ganad(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, tmp_path: Path):
    """Run the command line in an empty folder with an empty data folder: exit code, stdout, stderr."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("GANAD_DATA", str(tmp_path / "data"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there: no network

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ganad", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0, *capfd.readouterr()

    return run


def refusal(result: tuple[int, str, str], *words: str) -> None:
    """Exit code 2, nothing on stdout, one line on stderr with these words."""
    code, shown, complaint = result
    assert (code, shown) == (2, "")
    assert complaint.startswith("ganad: ") and complaint.count("\n") == 1, complaint
    for word in words:
        assert word in complaint


def test_version(ganad) -> None:
    assert ganad("--version") == (0, f"ganad {__version__}\n", "")


def test_help_lists_the_commands(ganad) -> None:
    for words in ((), ("--help",)):
        code, shown, _ = ganad(*words)
        assert code == 0 and all(command in shown for command in ("data", "run", "survey", "grade"))


def test_results_of_another_machine_are_merged(ganad, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANAD_RESULTS", str(tmp_path / "mine.csv"))
    row = dict.fromkeys(results.COLUMNS, 0.5)
    results.record([row | {"seed": 0}])
    results.record([row | {"seed": seed} for seed in (0, 1)], tmp_path / "theirs.csv")
    assert ganad("survey", "merge", str(tmp_path / "theirs.csv")) == (
        0,
        f"2 rows, 1 of them new: {tmp_path / 'mine.csv'}\n",
        "",
    )
    refusal(ganad("survey", "merge", str(tmp_path / "nowhere.csv")), "there is no results file", "nowhere.csv")
    (tmp_path / "theirs.csv").write_text("a,b\n")
    refusal(ganad("survey", "merge", str(tmp_path / "theirs.csv")), "theirs.csv is no results table")
    assert len(results.read()) == 2


def test_command_line_loads_no_framework() -> None:
    check = "import sys, ganad_book.cli.main, tools.book.pages; sys.exit(bool({'keras', 'tensorflow', 'jax', 'torch'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_data_list_shows_every_set_with_licence_and_page(ganad) -> None:
    code, shown, _ = ganad("data", "list")
    assert code == 0
    lines = {line.split()[0]: line for line in shown.splitlines()}
    for name in datasets.NAMES:
        here = datasets.source(name) is None
        assert (" yes " if here else " no ") in lines[name] and "http" in lines[name]
    assert "CC BY-SA 3.0" in lines["mnist"]


@pytest.mark.parametrize("name", datasets.NAMES)
def test_listed_shapes_are_true(name: str, real) -> None:
    data = datasets.load_dataset(name) if datasets.source(name) is None else real(name)
    assert command._SHAPES[name] == " x ".join(f"{size:,}" for size in data.x.shape)


def test_data_check_of_all_says_what_is_not_at_hand(ganad) -> None:
    code, shown, complaint = ganad("data", "check")
    assert (code, complaint) == (0, "")
    assert "mnist: not at hand" in shown and "digits: 1,797 samples" in shown


def test_data_fetch_of_an_embedded_set(ganad) -> None:
    assert ganad("data", "fetch", "digits")[0] == 0


def test_every_failing_set_gets_its_line(ganad) -> None:
    code, shown, complaint = ganad("data", "check", "digits", "mnist", "cifar10")
    assert code == 2 and "digits: 1,797" in shown
    assert [line.split()[1] for line in complaint.splitlines()] == ["mnist", "cifar10"]


@pytest.mark.parametrize("command", ["fetch", "check"])
def test_unknown_name_is_refused_before_anything_is_done(ganad, command: str) -> None:
    refusal(ganad("data", command, "digits", "imagenet"), "no data set is called 'imagenet'", "kddcup99")


def test_no_network(ganad, tmp_path: Path) -> None:
    refusal(ganad("data", "fetch", "kddcup99"), "kddcup.data_10_percent.gz", "archive.ics.uci.edu", str(tmp_path))
    assert list((tmp_path / "data").iterdir()) == []


def test_folder_that_cannot_be_written(ganad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANAD_DATA", str(tmp_path / "file" / "data"))
    refusal(ganad("data", "fetch", "mnist"), str(tmp_path / "file"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", None])
def test_damaged_file(ganad, tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "data").mkdir()
    if content is None:
        np.savez(tmp_path / "data" / "mnist.npz", x=np.zeros((2, 28, 28), np.uint8), y=np.zeros(2, np.uint8))
    else:
        (tmp_path / "data" / "mnist.npz").write_bytes(content)
    refusal(ganad("data", "check", "mnist"), "mnist.npz", "ganad data fetch mnist")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["--loud"], "No such option: --loud"),
        (["survey", "run", "--jobs"], "--jobs"),
        (["run"], "Missing argument"),
        (["run", "book/nope"], "there is no notebook book/nope.ipynb"),
        (["run", "book/nope", "-p", "epochs"], "-p takes a name and a value"),
    ],
)
def test_bad_usage(ganad, words: list[str], said: str) -> None:
    refusal(ganad(*words), said)


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    """A chapter that takes `epochs`, `log1p` and `rate`."""
    return small_book.make(tmp_path / "small") / "book" / "one.ipynb"


def test_run_injects_what_was_asked(ganad, chapter: Path, tmp_path: Path) -> None:
    code, shown, _ = ganad(
        "run", str(chapter.with_suffix("")), "-p", "epochs", "5", "--output", str(tmp_path / "x.ipynb")
    )
    assert (code, shown.strip()) == (0, str(tmp_path / "x.ipynb"))
    assert "AUPRC 0.950" in (tmp_path / "x.ipynb").read_text()
    assert notebooks.read(tmp_path / "x.ipynb").metadata.papermill.parameters == {"epochs": 5}


def test_run_says_what_the_chapter_refuses(ganad, chapter: Path) -> None:
    code, shown, complaint = ganad("run", str(chapter), "-p", "epochs", "50")
    assert (code, shown) == (2, "")
    assert "ParameterError: epochs must be a whole number from 1 to 10, not 50" in complaint.splitlines()[-1]
    assert "Traceback" not in complaint


def test_unknown_parameter_is_refused_before_running(ganad, chapter: Path) -> None:
    refusal(ganad("run", str(chapter), "-p", "epohcs", "5"), "unknown parameter epohcs", "epochs, log1p, rate")
    assert not Path("_build").exists()


def test_no_notebook(ganad, tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("{")
    refusal(ganad("run", str(tmp_path / "x.ipynb")), "cannot be read as a notebook")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("-2E4", -20000.0),
        ("false", False),
        ("False", False),
        ('"false"', "false"),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("kddcup99", "kddcup99"),
        ("a=b", "a=b"),
        ("2020-01-01", "2020-01-01"),
    ],
)
def test_values_are_read_as_yaml(text: str, value: object) -> None:
    name, read = cli._value(f"name={text}")
    assert (name, read, type(read)) == ("name", value, type(value))


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch, capsys) -> None:
    from ganad_book.cli import command as entry

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "typer" else name)
    with pytest.raises(SystemExit) as left:
        entry()
    assert left.value.code == 2
    assert capsys.readouterr().err == "ganad: typer is missing: install the book extra, `pip install 'ganad[book]'`\n"


def test_what_failed_on_the_way_ends_with_1_and_a_wrong_request_with_2(capsys) -> None:
    from benchmarks.run import BenchError
    from ganad.training.adversarial import DivergedError
    from ganad.validation import ParameterError
    from ganad_book.cli.asking import run_command

    for error, code in ((DivergedError("a"), 1), (BenchError("a"), 1), (ParameterError("a"), 2)):

        def failing(error=error, **_):
            raise error

        with pytest.raises(SystemExit) as left:
            run_command(failing)
        assert (left.value.code, capsys.readouterr().err) == (code, "ganad: a\n")
