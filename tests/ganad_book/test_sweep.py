"""The sweep, killed in every place that could lose something: the command line as a process, on a notebook that is a stub."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from ganad_book.sweep import grid, images, jobs, results
from ganad_book.sweep.store import Store, StoreError

PARAMETERS = """dataset = ""
anomaly_class = 0
detector = ""
seed = 0
parameters = {}
split_options = {}
variant = ""
called = ""
row_file = \"\""""

STUB = """import json, os, signal, time

import psutil

todo = json.loads(os.environ["STUB"]).get(str(anomaly_class), "")
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(f"{anomaly_class}\\n")
papermill = psutil.Process().parent()
runner = papermill.parent()
if todo == "raise":
    raise FloatingPointError("the generator's loss is no longer finite")
if todo == "kernel dies":
    os.kill(os.getpid(), signal.SIGKILL)
if todo == "notebook dies":
    papermill.kill()
if todo == "runner dies before the row":
    runner.kill()
if todo == "slow":
    time.sleep(5)
if todo == "no space":
    raise OSError(28, "No space left on device")
if todo in ("wait", "notebook dies", "runner dies before the row"):
    time.sleep(60)
row = json.loads(os.environ["STUB_ROW"]) | {
    "dataset": called, "detector": detector, "variant": variant, "anomaly_class": str(anomaly_class), "seed": seed,
    "parameters": json.dumps(parameters | split_options, sort_keys=True),
}
os.makedirs(os.path.dirname(row_file), exist_ok=True)
with open(row_file + ".part", "w") as file:
    json.dump(row, file)
os.rename(row_file + ".part", row_file)
if todo == "runner dies after the row":
    runner.kill()
    time.sleep(60)
if todo == "picture":
    1 / 0"""
PARAMETERS_OF_MANY = """dataset = ""
detector = ""
runs = []
split_options = {}
called = ""
rows_folder = \"\""""
STUB_OF_MANY = f"""from pathlib import Path

STUB = {STUB!r}
Path(rows_folder).mkdir(parents=True, exist_ok=True)
with open(Path(rows_folder, runs[0]["slug"] + ".cost"), "a") as file:
    file.write(f"{{len(runs)}} models in one program: 2 s, 50 samples/s, 40% of the roofline\\n")
for run in runs:
    anomaly_class, seed, variant, parameters = (
        run[name] for name in ("anomaly_class", "seed", "variant", "parameters")
    )
    row_file = rows_folder + "/" + run["slug"] + ".json"
    try:
        exec(STUB)
    except FloatingPointError as error:
        Path(rows_folder, run["slug"] + ".reason").write_text(f"FloatingPointError: {{error}}")
"""
# Also where the tests were started to the background: there control-C is switched off for every child.
HEARS = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ganad_book.cli.main import main
main()"""
ROW = json.dumps(dict.fromkeys(results.COLUMNS, 0.5) | {"revision": "1.2"})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stub in the notebook's place; the results are there too."""
    notebook = new_notebook(
        cells=[new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), new_code_cell(STUB)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    many = new_notebook(
        cells=[new_code_cell(PARAMETERS_OF_MANY, metadata={"tags": ["parameters"]}), new_code_cell(STUB_OF_MANY)],
        metadata=notebook.metadata,
    )
    (tmp_path / "book" / "survey").mkdir(parents=True)
    nbformat.write(notebook, tmp_path / "book" / "survey" / "one-run.ipynb")
    nbformat.write(many, tmp_path / "book" / "survey" / "many-runs.ipynb")
    for name, value in {
        "GANAD_RESULTS": tmp_path / "survey.csv",
        "STUB_LOG": tmp_path / "log",
        "STUB_ROW": ROW,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ganad(place: Path, *words: str, classes: str = "0-2", stub: dict | None = None) -> subprocess.Popen:
    """``ganad survey`` on a few runs that are cheap even in earnest."""
    only = f"dataset=mnist,detector=pca_residual,class={classes}"
    return subprocess.Popen(
        [sys.executable, "-c", HEARS, "survey", *words, "--only", only],
        cwd=place,
        env={**os.environ, "STUB": json.dumps(stub or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(process: subprocess.Popen, code: int = 0) -> str:
    """What a command printed, once it has ended as it should."""
    said, complained = process.communicate(timeout=120)
    assert process.returncode == code, complained
    return said + complained


def classes(place: Path) -> list[str]:
    """The anomalous classes of the rows in the results."""
    return results.read(place / "survey.csv")["anomaly_class"].tolist()


def begun(place: Path) -> list[str]:
    """The classes of the notebooks that were begun, in order."""
    return (place / "log").read_text().split() if (place / "log").exists() else []


def recorded(place: Path, classes: str = "0-2") -> None:
    """The results, as if these runs had been done."""
    todo = grid.chosen(grid.runs("cpu"), f"dataset=mnist,detector=pca_residual,class={classes}")
    keys = [dict(zip(results.KEY, run.key, strict=True)) | {"parameters": run.given} for run in todo]
    results.record([json.loads(ROW) | key for key in keys], place / "survey.csv")


def goes_on(place: Path, *words: str, again: list[str]) -> None:
    """The next call does just what was not finished, and then all is there."""
    before = len(begun(place))
    said = done(ganad(place, "run", *words))
    assert begun(place)[before:] == again
    assert classes(place) == ["0", "1", "2"]
    assert said == "nothing to do\n" if not again else f"{len(again)} finished, 0 failed" in said
    left = [path for path in place.rglob("*") if path.suffix in (".part", ".json") or ".part" in path.name]
    assert not left


def test_every_run_leaves_a_row_and_its_notebook(place: Path) -> None:
    said = done(ganad(place, "run", "--jobs", "2"))
    assert "3 finished, 0 failed" in said and "mnist: pca_residual (cpu), 1 anomalous, seed 0: AUPRC 0.500" in said
    assert classes(place) == ["0", "1", "2"]
    executed = sorted((place / "_build" / "survey" / "notebooks").iterdir())
    assert [path.name for path in executed] == [f"mnist-pca_residual-cpu-{k}-0.ipynb" for k in range(3)]
    assert nbformat.read(executed[1], 4).cells[-1].execution_count == 3  # parameters, injected ones, the rest
    goes_on(place, again=[])


@pytest.mark.parametrize("moment", ["runner dies before the row", "runner dies after the row"])
def test_a_runner_that_is_killed_loses_nothing(place: Path, moment: str) -> None:
    done(ganad(place, "run", stub={"1": moment}), code=-signal.SIGKILL)
    assert classes(place) == ["0"]
    after = moment.endswith("after the row")
    assert ("1-0: finished, not yet in the results" in done(ganad(place, "status"))) == after
    goes_on(place, again=["2"] if after else ["1", "2"])


def test_what_a_killed_runner_leaves_ends_by_itself(place: Path) -> None:
    import psutil

    def at_work() -> list:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("STUB_LOG") == str(place / "log"):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    done(ganad(place, "run", stub={"0": "runner dies before the row"}), code=-signal.SIGKILL)
    assert at_work()
    until(lambda: not at_work(), 20)


REASONS = {
    "raise": "cell [3], `raise FloatingPointError(\"the generator's loss is no longer `: FloatingPointError: the generator's loss is no longer finite",
    "kernel dies": "DeadKernelError",
    "notebook dies": "outside its cells: its process was ended by SIGKILL",
    "no space": "No space left on device",
}
"""What is written down of a run that fails in this way."""


def test_runs_that_fail_are_written_down_and_stop_no_other(place: Path) -> None:
    ways = dict(zip("1234", REASONS, strict=True))
    said = done(ganad(place, "run", classes="0-5", stub=ways), code=1)
    assert "2 finished, 4 failed" in said
    assert classes(place) == ["0", "5"]
    status = done(ganad(place, "status", classes="0-5"))
    assert "2 finished, 0 stale, 0 missing, 4 failed" in status
    for name, way in ways.items():
        assert REASONS[way] in said
        (line,) = [line for line in status.splitlines() if f"pca_residual (cpu), {name} anomalous, seed 0: " in line]
        assert REASONS[way] in line
    assert "nothing to do: 4 failed" in done(ganad(place, "run", classes="0-5"))
    before = len(begun(place))
    assert "4 finished, 0 failed" in done(ganad(place, "run", "--retry-failed", classes="0-5"))
    assert begun(place)[before:] == list(ways) and classes(place) == list("012345")


def test_a_picture_that_fails_costs_no_run(place: Path) -> None:
    assert "3 finished, 0 failed" in done(ganad(place, "run", stub={"1": "picture"}))
    goes_on(place, again=[])


def test_control_c_ends_what_runs_and_keeps_what_is_finished(place: Path) -> None:
    process = ganad(place, "run", stub={"1": "wait"})
    until(lambda: begun(place) == ["0", "1"])
    process.send_signal(signal.SIGINT)
    assert "stopped: what is finished is kept, the next call goes on" in done(process, code=130)
    assert classes(place) == ["0"]
    goes_on(place, again=["1", "2"])


def test_two_sweeps_do_not_share_a_folder(place: Path) -> None:
    first = ganad(place, "run", stub={"0": "wait"})
    until(lambda: begun(place) == ["0"])
    assert "another `ganad survey run` is at work there: _build/survey" in done(ganad(place, "run"), code=2)
    first.kill()
    first.communicate()
    goes_on(place, again=["0", "1", "2"])


def test_a_corrupt_row_is_put_aside_and_run_again(place: Path) -> None:
    done(ganad(place, "run", stub={"1": "runner dies after the row"}), code=-signal.SIGKILL)
    (row,) = (place / "_build" / "survey" / "rows").glob("*.json")
    row.write_bytes(row.read_bytes()[:50])
    said = done(ganad(place, "run"))
    assert "mnist-pca_residual-cpu-1-0.corrupt holds no row: its run is done again" in said
    assert begun(place) == ["0", "1", "1", "2"] and classes(place) == ["0", "1", "2"]


def test_a_stale_row_is_shown_and_replaced(place: Path) -> None:
    recorded(place)
    table = results.read(place / "survey.csv")
    table.loc[1, "parameters"], table.loc[2, "revision"] = '{"width": 2}', "1.1"
    table.to_csv(place / "survey.csv", index=False)
    status = done(ganad(place, "status"))
    assert "1 finished, 2 stale, 0 missing, 0 failed" in status
    assert "pca_residual (cpu), 2 anomalous, seed 0: stale" in status
    assert "classes  seeds" in done(ganad(place, "report"))
    goes_on(place, again=["1", "2"])


def test_a_stale_row_gives_way_to_a_fresh_one_of_another_machine(place: Path) -> None:
    recorded(place)
    theirs = results.read(place / "survey.csv")
    theirs.to_csv(place / "theirs.csv", index=False)
    mine = theirs.assign(revision=["1.1", theirs.revision[1], theirs.revision[2]], auprc=0.1)
    mine.to_csv(place / "survey.csv", index=False)
    merged = results.merge([place / "theirs.csv"], valid=grid.finished)
    assert merged.auprc.tolist() == [0.5, 0.1, 0.1]
    assert results.merge([place / "theirs.csv"], valid=grid.finished).auprc.tolist() == [0.5, 0.1, 0.1]


def test_a_budget_starts_nothing_that_would_not_end_in_time(place: Path) -> None:
    recorded(place, classes="0")
    table = results.read(place / "survey.csv")
    table.loc[0, ["train_seconds", "score_seconds"]] = 1000.0, 0.0
    table.to_csv(place / "survey.csv", index=False)
    said = done(ganad(place, "run", "--deadline", "10"))
    assert "0 finished, 0 failed, 2 left out: they would not have ended within 10 min" in said
    assert "2 of 3 runs to do: 33 min one after the other" in done(ganad(place, "plan"))
    goes_on(place, "--deadline", "20", again=["1", "2"])


def test_the_disk_is_full_when_the_results_are_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganad_book.sweep import sweep

    todo = grid.chosen(grid.runs("cpu"), "dataset=mnist,detector=pca_residual,class=0-2")
    monkeypatch.setenv("STUB", "{}")
    write = pd.DataFrame.to_csv

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with sweep.here(1) as workers, pytest.raises(OSError, match="No space"):
        sweep.sweep(todo, Store(place / "_build" / "survey"), workers)
    assert begun(place) == ["0"]  # nothing is started that could not be kept
    monkeypatch.setattr(pd.DataFrame, "to_csv", write)
    goes_on(place, again=["1", "2"])


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.parametrize("together", [1, 2])
def test_a_run_goes_on_elsewhere_when_its_machine_is_lost(
    place: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    from ray.cluster_utils import Cluster

    from ganad_book.sweep import sweep

    monkeypatch.setenv("STUB", json.dumps(dict.fromkeys("0123", "slow")))
    todo = grid.chosen(grid.runs("cpu"), "dataset=mnist,detector=pca_residual,class=0-3")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        lost = cluster.add_node(num_cpus=1)
        killer = threading.Thread(
            target=lambda: (until(lambda: len(begun(place)) >= 2), cluster.remove_node(lost, False))
        )
        with sweep.on_ray(cluster.address) as workers:
            assert workers.at_once == 2
            killer.start()
            progress = sweep.sweep(todo, Store(place / "_build" / "survey"), workers, together=together)
        killer.join()
    finally:
        cluster.shutdown()
    assert (progress.finished, progress.failed) == (4, 0)
    assert classes(place) == ["0", "1", "2", "3"]
    assert len(begun(place)) == 5  # the one that was lost, twice; what its machine had finished is kept


def test_runs_that_share_a_process_leave_a_row_each(place: Path) -> None:
    said = done(ganad(place, "run", "--together", "2"))
    assert "3 finished, 0 failed" in said
    assert classes(place) == begun(place) == ["0", "1", "2"]
    executed = {path.name for path in (place / "_build" / "survey" / "notebooks").iterdir()}
    assert executed == {"mnist-pca_residual-cpu-0-0.ipynb", "mnist-pca_residual-cpu-2-0.ipynb"}  # of two runs, of one
    goes_on(place, "--together", "3", again=[])


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("kernel dies", 1),
        ("notebook dies", 1),
        ("no space", 1),
        ("runner dies before the row", -signal.SIGKILL),
        ("runner dies after the row", -signal.SIGKILL),
    ],
)
def test_what_was_finished_before_the_shared_process_died_is_kept(place: Path, moment: str, code: int) -> None:
    said = done(ganad(place, "run", "--together", "3", stub={"1": moment}), code=code)
    kept = ["0", "1"] if moment.endswith("after the row") else ["0"]
    assert begun(place) == ["0", "1"]  # the third was never reached
    if code == 1:
        assert "1 finished, 2 failed" in said
    goes_on(place, "--together", "3", "--retry-failed", again=[name for name in "012" if name not in kept])


def test_a_run_that_fails_leaves_the_others_of_its_process_alone(place: Path) -> None:
    said = done(ganad(place, "run", "--together", "3", stub={"1": "raise"}), code=1)
    assert "2 finished, 1 failed" in said
    reason = "1 anomalous, seed 0: failed: FloatingPointError: the generator's loss is no longer finite"
    assert reason in said and classes(place) == ["0", "2"]
    goes_on(place, "--together", "3", "--retry-failed", again=["1"])


def test_rows_are_kept_while_their_process_is_at_work(place: Path) -> None:
    process = ganad(place, "run", "--together", "3", stub={"1": "wait"})
    until(lambda: (place / "survey.csv").exists() and classes(place) == ["0"])
    process.kill()
    process.communicate()
    goes_on(place, again=["1", "2"])


def test_what_each_program_cost_is_said_once_and_while_its_process_is_at_work(place: Path) -> None:
    def of(count: int) -> str:
        return f"mnist: pca_residual (cpu), {count} models in one program: 2 s, 50 samples/s, 40% of the roofline\n"

    process = ganad(place, "run", "--together", "3", stub={"1": "wait"})
    until(lambda: (place / "survey.csv").exists() and classes(place) == ["0"])
    process.kill()
    assert of(3) in process.communicate()[0]
    said = done(ganad(place, "run", "--together", "2"))
    assert said.count("roofline") == said.count(of(2)) == 1
    assert not list(place.rglob("*.cost"))


@pytest.mark.parametrize("runs", [1, 2])
def test_the_notebooks_of_a_sweep_leave_what_training_cost(tmp_path: Path, runs: int) -> None:
    configurations = images.Configuration("median_distance", "cpu", split={"test": 100}, datasets=("digits",))
    todo = list(grid.image_runs(configurations))[:runs]
    outcome = jobs.work(jobs.job(todo, Store(tmp_path), {}))
    assert not outcome.reasons and len(outcome.rows) == runs
    assert len(outcome.costs) == runs and all(cost.startswith("1 model by itself: 0 s, ") for cost in outcome.costs)
    assert not list(tmp_path.rglob("*.cost"))


def test_batches_hold_runs_of_one_training_configuration() -> None:
    todo = grid.chosen(grid.runs("cpu"), "dataset=mnist,dataset=fashion_mnist,detector=egbad,seed=0,class=0-1")
    every = grid.batches(todo, 3)
    assert sorted(run.slug for batch in every for run in batch) == sorted(run.slug for run in todo)
    assert max(map(len, every)) == 3
    for batch in every:
        assert len({(run.data, run.detector, run.family) for run in batch}) == 1
    scored = next(batch for batch in every if batch[0].variant == "cpu, brtb")
    assert [run.variant for run in scored] == ["cpu, brtb", "cpu, brtb", "cpu, brtf"]
    assert all(len(batch) == 1 for batch in grid.batches(todo, 1))


def test_a_folder_is_locked_by_its_process_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked(), pytest.raises(StoreError, match="at work there"), Store(tmp_path).locked():
        pass
    with store.locked():
        pass


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ("dataset=mnist,detector=egbad,variant=cpu", 30),
        ("dataset=mnist,detector=egbad,variant=cpu,class=0-4,seed=0-1", 10),
        ("dataset=mnist,detector=egbad,detector=alad,variant=cpu,class=8", 4),
        ("dataset=mnist,variant=cpu, improved without residual loss", 3),
        ("dataset=fashion_mnist,class=trouser,seed=0,detector=adgan", 1),
        ("dataset=kddcup99,variant=stable", 10),
        ("dataset=kddcup99,variant=stable, no log1p,seed=0", 1),
        ("detector=nearest_neighbour,dataset=cifar10", 10),
    ],
)
def test_only_chooses(only: str, count: int) -> None:
    found = grid.chosen(grid.runs("cpu"), only)
    assert len(found) == count
    assert len({run.slug for run in found}) == count


@pytest.mark.parametrize(
    ("only", "said"),
    [
        (
            "detektor=egbad",
            "--only takes dataset=..., detector=..., variant=..., class=..., seed=..., not 'detektor=egbad'",
        ),
        ("detector=egbat", "detector is one of adgan, alad, anogan"),
        ("seed=x", "a seed is a number or a range such as 0-2"),
        ("class=12", "no run of the grid has class=12"),
        ("detector=alad,dataset=kddcup99-unique", "no run of the grid has all of"),
        ("detector=", "not 'detector='"),
    ],
)
def test_a_wrong_choice_is_refused(only: str, said: str) -> None:
    with pytest.raises(grid.GridError) as refused:
        grid.chosen(grid.runs(), only)
    assert said in str(refused.value)


def test_every_run_has_its_own_files_and_its_own_row() -> None:
    every = list(grid.runs())
    assert len({run.slug for run in every}) == len({run.key for run in every}) == len(every)
    assert [run.seed for run in every] == sorted(run.seed for run in every)


def until(test: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.time() + seconds
    while not test():
        assert time.time() < end, "it never was"
        time.sleep(0.1)


@pytest.mark.parametrize("scale", ["cpu", "full"])
def test_what_is_worth_most_comes_first(scale: str) -> None:
    every = list(grid.runs(scale))
    assert [run.seed for run in every] == sorted(run.seed for run in every)
    places = {}
    for place, run in enumerate(every):
        places.setdefault((run.detector, run.data, run.variant), place)
    first = [
        places["nearest_neighbour", "cifar10", scale],
        places["egbad", "mnist", scale],
        places["vae", "mnist", f"{scale}, improved"],
        places["egbad", "fashion_mnist", scale],
        places["ganomaly", "cifar10", f"{scale}, improved"],
        places["anogan", "mnist", scale],
        places["egbad", "cifar10", scale],
        places["egbad", "mnist", f"{scale}, improved without residual loss"],
    ]
    assert first == sorted(first)
