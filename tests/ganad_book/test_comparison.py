"""Our runs beside the survey's figures: means, ranks, verdicts and ablations of small made-up tables; and the pictures."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ganad import metrics
from ganad_book.results import ablations, comparison, display, figures, kdd_table, ranking, reported, verdicts
from ganad_book.results.verdicts import (
    BEATEN,
    BEATS,
    FALLS_SHORT,
    LEVEL,
    NOT_REACHED,
    NOT_RUN,
    NOT_TRAINED,
    REPRODUCED,
    UNDECIDED,
)
from ganad_book.sweep import kdd as kdd_module
from ganad_book.sweep import results

SMALL = {"train": 10_080, "val": 500, "test": 2_000, "width": 0.25}


def row(detector="egbad", variant="cpu", anomaly="0", seed=0, auprc=0.5, dataset="mnist", **others):
    values = {"prevalence": 0.36, "auroc": auprc + 0.1, "precision": 0.5, "recall": 0.5, "f1": auprc, "epochs": 5}
    values |= {"train_seconds": 60.0, "score_seconds": 2.0, "backend": "tensorflow", "device": "CPU", "revision": "1.1"}
    values |= {"parameters": json.dumps(SMALL)} | others
    key = {"dataset": dataset, "detector": detector, "variant": variant, "anomaly_class": anomaly, "seed": seed}
    return key | {"auprc": auprc} | values


def table(*rows):
    return pd.DataFrame(list(rows), columns=list(results.COLUMNS))


EMPTY = table()


@pytest.fixture(autouse=True)
def no_pictures_are_left():
    yield
    plt.close("all")


# --- means and intervals


def test_a_class_has_its_mean_interval_bounds_and_the_survey_s_figure():
    found = comparison.by_class(table(*(row(anomaly="3", seed=seed, auprc=0.6 + seed / 10) for seed in range(3))))
    (only,) = found.to_dict("records")
    expected = metrics.interval([0.6, 0.7, 0.8])
    assert (only["mean"], only["low"], only["high"], only["seeds"]) == pytest.approx(
        (expected.mean, expected.low, expected.high, 3)
    )
    assert only["prevalence"] == pytest.approx(0.36) and only["floor"] == pytest.approx(metrics.auprc_floor(0.36))
    assert only["published"] == reported.EGBAD_AUPRC["mnist"][3] and only["class_index"] == 3


def test_auroc_has_no_published_figure():
    (only,) = comparison.by_class(table(row()), "auroc").to_dict("records")
    assert np.isnan(only["published"]) and only["mean"] == pytest.approx(0.6)


def test_only_seeds_with_every_class_count_towards_the_mean():
    rows = [row(anomaly=name, seed=seed, auprc=0.1 * seed + 0.2) for seed in (0, 1) for name in "018"]
    rows += [row(anomaly="0", seed=2, auprc=0.99)]
    (only,) = comparison.over_classes(table(*rows)).to_dict("records")
    assert (only["seeds"], only["classes"], only["class_indices"]) == (2, 3, (0, 1, 8))
    assert only["mean"] == pytest.approx(0.25)
    assert only["published"] == pytest.approx(np.mean([reported.EGBAD_AUPRC["mnist"][each] for each in (0, 1, 8)]))


def test_the_larger_budget_is_shown_where_it_has_as_many_classes():
    small = [row(anomaly=name) for name in "01"]
    one, both = ([row(variant="full", anomaly=name, auprc=0.9) for name in names] for names in ("0", "01"))
    assert set(comparison.by_class(table(*small, *one))["scale"]) == {"cpu"}
    assert set(comparison.by_class(table(*small, *both))["scale"]) == {"full"}
    assert set(comparison.by_class(table(*small, *both), scale="cpu")["mean"]) == {0.5}


def test_seeds_come_before_the_budget():
    small = [row(anomaly=name, seed=seed) for name in "01" for seed in (0, 1, 2)]
    large = [row(variant="full", anomaly=name, auprc=0.9) for name in "01"]
    assert set(comparison.by_class(table(*small, *large))["scale"]) == {"cpu"}
    assert set(comparison.by_class(table(*small, *large), scale="full")["mean"]) == {0.9}


def test_both_scales_stand_beside_each_other_with_what_they_learned():
    small = [row(anomaly=str(name), seed=seed, auprc=0.5) for name in range(10) for seed in (0, 1, 2)]
    large = [
        row(variant="full", anomaly=str(name), auprc=0.9) | {"residual": 0.07, "median_residual": 0.25}
        for name in range(9)
    ]
    shown = display.both_scales(table(*small, *large), "mnist", "egbad", "reference")
    assert list(shown.index) == [
        "full, one seed: AUPRC", "full, one seed: residual", "full, one seed: residual of the median",
        "cpu, mean of 3: AUPRC", "survey: AUPRC",
    ]  # fmt: skip
    assert list(shown.iloc[0]) == [*[".90"] * 9, "–", "–"] and shown.loc["cpu, mean of 3: AUPRC", "class mean"] == ".50"
    assert shown.loc["full, one seed: residual", "0"] == ".07"


def test_rows_of_other_experiments_are_left_out():
    others = [
        row(variant="control: EGBAD"),
        row(variant="leaked test normals"),
        row(dataset="kddcup99", anomaly="normal"),
    ]
    assert comparison.image_runs(table(*others)).empty
    assert comparison.split_variant("cpu, improved without larger steps") == ("cpu", "improved without larger steps")


def test_development_data_have_to_be_asked_for():
    rows = table(
        row(), row(dataset="digits28", auprc=0.9), row(dataset="digits28", variant="cpu, improved", auprc=0.95)
    )
    assert set(comparison.image_runs(rows)["dataset"]) == set(comparison.over_classes(rows)["dataset"]) == {"mnist"}
    assert set(comparison.image_runs(rows, dataset="digits28")["auprc"]) == {0.9, 0.95}
    assert comparison.difference(rows, "digits28", "egbad", "improved", "reference")["gains"] == pytest.approx(
        {0: 0.05}
    )


def test_configurations_have_the_appendix_s_figures():
    assert comparison.published("mnist", "egbad", "frtb")[1] == 0.342
    assert comparison.published("mnist", "egbad", "improved") == reported.EGBAD_AUPRC["mnist"]
    assert comparison.published("cifar10", "egbad", "reference") is None
    assert comparison.published("mnist", "egbad", "improved without residual loss") is None


def test_a_difference_is_taken_class_by_class_and_seed_by_seed():
    rows = [row(variant=f"cpu, {name}", anomaly=a, auprc=v) for name, a, v in
            (("bce", "0", 0.5), ("bce", "1", 0.2), ("fm", "0", 0.6), ("fm", "1", 0.1), ("fm", "2", 0.9))]  # fmt: skip
    found = comparison.difference(table(*rows), "mnist", "egbad", "fm", "bce")
    assert found["gains"] == pytest.approx({0: 0.1, 1: -0.1}) and found["found"].mean == pytest.approx(0)
    assert comparison.difference(EMPTY, "mnist", "egbad", "fm", "bce") == {"found": None, "gains": {}}


def test_cost_is_the_median_of_training_and_scoring():
    rows = [row(anomaly=name, train_seconds=seconds) for name, seconds in zip("018", (10, 20, 900), strict=True)]
    (only,) = comparison.cost(table(*rows)).to_dict("records")
    assert (only["seconds"], only["device"], only["label"]) == (22, "CPU", "EGBAD")


# --- published figures


def test_the_appendix_adds_up_to_its_means():
    means = {
        "mnist egbad": (0.725, 0.725, 0.686, 0.681, 0.674, 0.645, 0.629, 0.633),
        "mnist ganomaly": (0.548, 0.553),
        "fashion_mnist egbad": (0.693, 0.724, 0.714, 0.719),
        "fashion_mnist ganomaly": (0.567, 0.572),
        "cifar10 ganomaly": (0.387, 0.412),
    }
    for key, expected in means.items():
        found = [series.mean for series in reported.APPENDIX if f"{series.dataset} {series.detector}" == key]
        assert found == pytest.approx(expected, abs=1e-3), key
    assert len(reported.APPENDIX) == sum(map(len, means.values()))
    assert all(len(series.auprc) == 10 and series.read == "read off" for series in reported.APPENDIX)


# --- ranks


@pytest.mark.parametrize(("count", "q"), [(2, 1.960), (5, 2.728), (9, 3.102), (10, 3.164)])
def test_critical_differences_are_demsar_s(count, q):
    """Table 5(a) of Demšar 2006."""
    assert ranking.critical_difference(count, 30) == pytest.approx(q * np.sqrt(count * (count + 1) / 180), rel=4e-4)


def test_ranks_with_a_known_answer():
    values = {("mnist", 0): [0.9, 0.5, 0.1], ("mnist", 1): [0.9, 0.5, 0.1], ("mnist", 2): [0.5, 0.9, 0.1]}
    found = ranking.ranking(values, ["a", "b", "c"])
    assert found.ranks == pytest.approx({"a": 4 / 3, "b": 5 / 3, "c": 3.0})
    assert found.statistic == pytest.approx(14 / 3)  # 12 / 36 * (16 + 25 + 81) - 36


def test_groups_hold_what_cannot_be_told_apart_and_no_part_of_another():
    found = ranking.Ranking({"a": 1.0, "b": 1.8, "c": 2.6, "d": 4.6}, [("mnist", 0)], 1.0, 0.01, critical=1.0)
    assert found.groups == [("a", "b"), ("b", "c")]
    assert ranking.Ranking({"a": 1.0, "b": 1.1, "c": 1.2}, [], 1.0, 0.5, critical=1.0).groups == [("a", "b", "c")]


def test_a_block_needs_every_contestant_at_one_budget():
    pair = [("egbad", "reference"), ("ganomaly", "reference")]
    rows = [row(anomaly="0"), row("ganomaly", anomaly="0", auprc=0.7), row(anomaly="1")]
    rows += [row(variant="full", anomaly="2"), row("ganomaly", anomaly="2")]
    found = ranking.over_blocks(table(*rows), pair)
    assert found.blocks == [("mnist", 0)] and list(found.ranks) == ["GANomaly", "EGBAD"]
    rows += [row("ganomaly", variant="full", anomaly="2"), row(anomaly="2")]
    found = ranking.over_blocks(table(*rows), pair)
    assert found.blocks == [("mnist", 2), ("mnist", 0)] and found.scales == ("full", "cpu")


def test_seeds_are_averaged_before_ranking():
    rows = [row(seed=0, auprc=0.9), row(seed=1, auprc=0.1), row("ganomaly", seed=0, auprc=0.6)]
    found = ranking.over_blocks(table(*rows), [("egbad", "reference"), ("ganomaly", "reference")])
    assert list(found.ranks) == ["GANomaly", "EGBAD"]


def test_nothing_to_rank_is_said():
    assert ranking.over_blocks(EMPTY, ranking.everyone(EMPTY)) is None
    assert ranking.said(None).startswith("No class")
    assert "too few blocks" in ranking.said(ranking.ranking({("mnist", 0): [0.1, 0.2, 0.3]}, ["a", "b", "c"]))


def test_those_on_most_blocks_have_all_of_the_widest_gan():
    rows = [row(anomaly=name) for name in "01"] + [row("adgan", anomaly="0")]
    rows += [row("nearest_neighbour", anomaly=name) for name in "012"]
    rows += [row(variant="cpu, improved", anomaly=name) for name in "01"]
    found = ranking.on_most_blocks(table(*rows))
    assert set(found) == {("egbad", "reference"), ("egbad", "improved"), ("nearest_neighbour", "reference")}


# --- verdicts


def some(mean, half=0.0, count=1):
    return metrics.Interval(mean, 0.0, mean - half, mean + half, count)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, NOT_RUN),
        (some(0.68, 0.001, 3), REPRODUCED),  # within the slack, from below
        (some(0.6799, 0.001, 3), NOT_REACHED),
        (some(0.72, 0.001, 3), REPRODUCED),
        (some(0.7201, 0.001, 3), BEATEN),
        (some(0.62, 0.08, 3), REPRODUCED),  # at the interval's upper end
        (some(0.62, 0.0799, 3), NOT_REACHED),
        (some(0.78, 0.0799, 3), BEATEN),
        (some(0.78, 0.08, 3), REPRODUCED),
        (some(0.70, verdicts.WIDEST["auprc"], 3), REPRODUCED),  # the widest interval that reproduces
        (some(0.70, verdicts.WIDEST["auprc"] + 1e-6, 3), UNDECIDED),  # wider, and even the same mean says nothing
        (some(0.60, 0.10, 3), UNDECIDED),
        (some(0.415, 0.528, 3), UNDECIDED),
        (some(0.30, 0.399, 3), NOT_REACHED),  # however wide, this interval excludes the value
        (some(0.70, 0.0, 1), UNDECIDED),  # one seed has no interval: the same value says nothing,
        (some(0.20, 0.0, 1), UNDECIDED),  # nor does one that is far away
    ],
)
def test_the_rule_at_its_borders(found, expected):
    assert verdicts.verdict(found, 0.70) == expected


def test_no_interval_that_reproduces_holds_the_values_of_both_methods_of_the_survey():
    apart = [
        abs(one - other)
        for data in ("mnist", "fashion_mnist")
        for one, other in zip(reported.EGBAD_AUPRC[data], reported.GANOMALY_AUPRC[data], strict=True)
    ]
    assert 2 * verdicts.WIDEST["auprc"] == pytest.approx(np.median(apart)) and 0.17 < np.median(apart) < 0.19
    egbad, ganomaly = reported.SURVEY_EGBAD.f1, reported.SURVEY_GANOMALY.f1
    assert 2 * verdicts.WIDEST["f1"] == pytest.approx(egbad - ganomaly)
    between = some((egbad + ganomaly) / 2, 0.06, 10)
    assert {verdicts.verdict(between, each, "f1") for each in (egbad, ganomaly)} == {UNDECIDED}


@pytest.mark.parametrize("variant", ["cpu", "cpu, improved"])
def test_scattered_seeds_reproduce_nothing(variant):
    """Three seeds of EGBAD whose interval holds nearly every AUPRC there is."""
    rows = [row(variant=variant, anomaly="1", seed=seed, auprc=value) for seed, value in enumerate((0.2, 0.4, 0.65))]
    judged = verdicts.figure_5(table(*rows), [comparison.split_variant(variant)[1]])
    one = next(each for each in judged if each.anomaly == "1")
    assert one.found.low < one.published < one.found.high
    assert one.verdict == UNDECIDED and "too wide" in one.why


def test_what_this_book_has_changed_reproduces_nothing():
    same = reported.EGBAD_AUPRC["mnist"]
    for variant, expected in (("cpu", REPRODUCED), ("cpu, improved", LEVEL)):
        rows = [row(variant=variant, anomaly="0", seed=seed, auprc=same[0] + seed / 1000) for seed in range(3)]
        judged = verdicts.figure_5(table(*rows), ["reference", "improved"])
        found = {each.verdict for each in judged if each.found}
        assert found == {expected}
    assert not set(verdicts.COMPARISONS) & {REPRODUCED, BEATEN, NOT_REACHED}
    assert "comparison" in verdicts.table([each for each in judged if each.changed])
    assert "verdict" in verdicts.table([each for each in judged if not each.changed])


def test_changed_configurations_beat_a_published_value_or_not_in_a_count_of_their_own():
    rows = [row(anomaly="0", seed=seed, auprc=0.3 + seed / 1000) for seed in range(3)]
    rows += [row(variant="cpu, improved", anomaly="0", seed=seed, auprc=0.95 + seed / 1000) for seed in range(3)]
    rows += [row(variant="cpu, improved", anomaly="1", seed=seed, auprc=0.5 + seed / 1000) for seed in range(3)]
    both = {"both": verdicts.figure_5(table(*rows), ["reference", "improved"])}
    published, ours = (verdicts.tally(both, changed).astype(int).loc["both"] for changed in (False, True))
    assert published.sum() == ours.sum() == 55
    assert (published[NOT_REACHED], published[BEATEN], published[REPRODUCED]) == (2, 0, 0)  # the bar and the mean
    assert (ours[BEATS], ours[FALLS_SHORT], ours[LEVEL]) == (1, 2, 0)


def test_a_label_says_whether_a_method_is_changed():
    changed = ("improved", "improved without residual loss", "EGBAD, improved", "stable", "GANomaly, stable")
    assert all(map(comparison.is_changed, changed))
    assert not any(map(comparison.is_changed, ("reference", "brtf", "", "GANomaly", "series A: reference", "unstable")))


def test_a_reason_names_what_the_run_had_less():
    rows = [row(anomaly="0", seed=seed, auprc=value) for seed, value in enumerate((0.4, 0.42, 0.44))]
    first = verdicts.figure_5(table(*rows))[0]
    assert (first.verdict, first.published, first.anomaly) == (NOT_REACHED, 0.836, "0")
    for fact in ("20 % of the samples", "0.25 of the units", "none of 3 seeds", "best configuration"):
        assert fact in first.why
    full = [
        row(variant="full", anomaly="0", seed=seed, auprc=value, parameters="{}")
        for seed, value in enumerate((0.4, 0.42))
    ]
    assert "of the samples" not in verdicts.figure_5(table(*full))[0].why


def test_a_run_that_is_not_trained_is_marked_and_counts_in_no_verdict():
    good, bad = ({"residual": value, "median_residual": 0.25} for value in (0.22, 0.23))  # .9 of the median's is .225
    rows = table(
        *(row(anomaly="0", seed=seed, auprc=0.84, **good) for seed in (0, 1)),
        row(anomaly="0", seed=2, auprc=0.1, **bad),
        row(anomaly="1", auprc=0.3, **bad),
    )
    first, second, *_ = verdicts.figure_5(rows)
    assert (first.verdict, first.found.count) == (REPRODUCED, 2) and "not trained, left out: 1" in first.why
    assert (second.verdict, second.found) == (NOT_TRAINED, None) and "median" in second.why
    mean = next(each for each in verdicts.figure_5(rows) if each.anomaly.startswith("mean"))
    assert mean.anomaly == "mean of 1 class" and mean.found.mean == pytest.approx(0.84)
    shown = display.by_class(rows, "mnist").loc["EGBAD"]
    assert shown["0"].endswith(display.UNTRAINED) and shown["1"] == ".30" + display.UNTRAINED
    assert display.by_class(table(row(**good)), "mnist").loc["EGBAD", "0"] == ".50"
    assert display.by_class(table(row("median_distance", **bad)), "mnist").loc["distance to the median", "0"] == ".50"
    (name,) = kdd_table.figures(table(kdd("egbad", "stable", **bad)))[""]
    assert name == "EGBAD, stable" + display.UNTRAINED


def test_rows_of_the_first_edition_give_way_to_a_scale_with_as_many_classes():
    old = [row(variant="first edition", anomaly=name, seed=seed, auprc=0.4) for name in "01" for seed in range(3)]
    new = [row(anomaly=name, auprc=0.6) for name in "01"]
    assert set(comparison.by_class(table(*old, *new))["mean"]) == {0.6}
    assert set(comparison.by_class(table(*old, *new[:1]))["scale"]) == {"first edition"}


def test_a_figure_below_chance_is_no_feat():
    beaten, same = (
        verdicts.figure_5(
            table(*(row("ganomaly", anomaly="1", seed=seed, auprc=value + seed / 100) for seed in (0, 1, 2)))
        )
        for value in (0.5, 0.25)
    )
    at = next(place for place, judged in enumerate(beaten) if (judged.detector, judged.anomaly) == ("GANomaly", "1"))
    assert beaten[at].verdict == BEATEN and "no better than chance" in beaten[at].why
    assert same[at].verdict == REPRODUCED and "neither is better than chance" in same[at].why


def test_every_published_number_is_judged_whatever_has_run():
    for rows in (EMPTY, table(row())):
        bars = verdicts.figure_5(rows)
        assert len(bars) == 5 * 11
        assert len(verdicts.configurations(rows)) == len(reported.APPENDIX)
        assert {judged.detector for judged in kdd_table.judged(rows)} == {one.method for one in reported.KDD}
        counts = verdicts.tally({"bars": bars}).astype(int)
        assert counts.loc["bars"].sum() == len(bars)
    assert all(judged.verdict == NOT_RUN for judged in verdicts.figure_5(EMPTY))


def test_means_are_judged_over_the_same_classes():
    judged = verdicts.figure_5(table(*(row(anomaly=name) for name in "018")))
    mean = next(one for one in judged if one.anomaly == "mean of 3 classes")
    assert mean.published == pytest.approx(np.mean([reported.EGBAD_AUPRC["mnist"][each] for each in (0, 1, 8)]))


# --- KDD


def kdd(detector, variant, seed=0, f1=0.9, **others):
    return row(detector, variant, "normal", seed, f1, "kddcup99", prevalence=0.197, **others)


def test_the_kdd_table_has_every_detector_and_none_of_the_defects():
    rows = [kdd("egbad", "stable"), kdd("egbad", "stable, no log1p"), kdd("egbad", "raw columns")]
    rows += [kdd("egbad", "control: EGBAD"), kdd("ganomaly", "GANomaly, reference"), kdd("nearest_neighbour", "1-NN")]
    rows += [kdd("anogan", "AnoGAN", parameters='{"test": 20000}')]
    shown = kdd_table.figures(table(*rows)).set_index("")
    assert shown.index.tolist() == ["AnoGAN", "EGBAD, stable", "GANomaly, reference", "1-NN"]
    assert shown.loc["AnoGAN", "tested on"] == "20,000" and shown.loc["1-NN", "tested on"] == "2,000"
    assert kdd_table.figures(table(*rows), changes=True)[""].tolist() == ["EGBAD, stable, no log1p"]
    assert "ALAD" in kdd_table.missing(table(*rows)) and "AnoGAN," not in kdd_table.missing(table(*rows)).split("f-")[0]


def test_a_kdd_figure_stands_beside_each_main_variant():
    rows = [
        kdd("egbad", name, seed, f1) for name, f1 in (("stable", 0.962), ("scaled columns", 0.1)) for seed in range(3)
    ]
    judged = [one for one in kdd_table.judged(table(*rows)) if one.detector == "EGBAD (survey)"]
    assert {one.configuration: one.verdict for one in judged} == {"stable": BEATS, "scaled columns": NOT_REACHED}
    rows = [kdd("ganomaly", "GANomaly", seed, 0.9 + seed / 1000) for seed in range(3)]
    ganomaly = next(one for one in kdd_table.judged(table(*rows)) if "GANomaly" in one.detector)
    assert ganomaly.verdict == BEATEN


def test_a_stable_variant_reproduces_no_published_f1():
    rows = table(*(kdd("egbad", "stable", seed, 0.948 + seed / 1000) for seed in range(3)))
    judged = kdd_table.judged(rows)
    survey = {one.configuration: one.verdict for one in judged if one.detector == "EGBAD (survey)"}
    assert survey == {"": NOT_RUN, "stable": LEVEL}
    counts = verdicts.tally({"KDD": judged}).astype(int).loc["KDD"]
    assert counts[NOT_RUN] == counts.sum() == len(reported.KDD)


# --- ablations


def test_questions_are_pairs_that_differ_in_one_thing():
    names = {name for names in ablations.CONFIGURATIONS.values() for name in names}
    for detector, pairs in ablations.QUESTIONS.values():
        for pair in pairs:
            assert set(pair) <= names
            words = [ablations.described(name) for name in pair]
            assert sum(words[0][key] != words[1][key] for key in words[0]) == 1, pair
        assert len(pairs) == (4 if detector == "egbad" else 1)


def test_the_survey_s_answers_are_there_without_a_run():
    found = ablations.answers(EMPTY, "mnist").set_index("question")
    assert found.loc["residual loss in E", "ours"] == []
    assert np.mean(found.loc["residual loss in E", "survey_ten"]) == pytest.approx(0.059, abs=1e-3)
    shown = ablations.answers_table(EMPTY, "mnist")
    assert shown["ours"].eq(display.NOTHING).all() and not shown[""].str.contains("one seed").any()


def test_a_change_is_worth_what_its_absence_costs():
    rows = [row(variant="cpu, improved", anomaly=name, auprc=0.8) for name in "01"]
    rows += [row(variant="cpu, improved without larger steps", anomaly="0", auprc=0.7), row(anomaly="1", auprc=0.5)]
    found = ablations.changes(table(*rows), "mnist", "egbad").set_index("change")
    assert found.loc["larger steps", "gains"] == pytest.approx({0: 0.1})
    assert found.loc["all changes together", "gains"] == pytest.approx({1: 0.3})


# --- what is shown


def test_a_single_seed_is_called_so_in_every_table():
    few = [row(anomaly=name, variant=variant) for name in "01" for variant in ("cpu", "cpu, brtf", "cpu, btf")]
    few += [row("pca_residual"), row(variant="cpu, improved", auprc=0.7)]
    few += [row(variant="cpu, improved without larger steps")]
    more = [each | {"seed": seed, "auprc": each["auprc"] + seed / 100} for each in few for seed in (0, 1, 2)]
    for rows, seeds, note in ((table(*few), "one seed", " (one seed)"), (table(*more), "mean of 3", "")):
        for shown in (display.by_class(rows, "mnist"), display.over_classes(rows, "mnist")):
            assert "mean" not in shown.columns  # of what?
            assert set(shown.loc[["EGBAD", "EGBAD, improved"], "seeds"]) == {seeds}
            assert shown.loc["AnoGAN", "seeds"] == display.NOTHING
        assert display.both_scales(rows, "mnist", "egbad", "reference").index[0] == f"cpu, {seeds}: AUPRC"
        own = ablations.configurations_table(rows, "mnist", "egbad").set_index("")["seeds"]
        assert own["brtf"] == seeds and own["frtf"] == display.NOTHING
        assert set(ablations.changes_table(rows, "mnist", "egbad")["seeds"]) == {seeds}
        assert set(ablations.changes(rows, "mnist", "egbad")["label"]) == {
            f"all changes together{note}",
            f"larger steps{note}",
        }
        first = ablations.answers_table(rows, "mnist")[""].iloc[0]
        assert first == "residual loss in E" + note.replace("(", "(ours: ")
    assert display.by_class(table(*few), "mnist").loc["PCA residual", "seeds"] == "no seed"


def test_seeds_that_differ_by_class_are_not_all_called_means():
    rows = table(*(row(anomaly="0", seed=seed) for seed in range(3)), row(anomaly="1"))
    assert display.by_class(rows, "mnist").loc["EGBAD", "seeds"] == "one to 3"
    apart = table(row(anomaly="0", seed=0), row(anomaly="1", seed=1))  # two seeds in all, one for each class
    assert display.both_scales(apart, "mnist", "egbad", "reference").index[0] == "cpu, one seed: AUPRC"


@pytest.mark.parametrize(
    ("given", "text"),
    [((0.84, 0.03), ".84 ± .03"), ((1.0,), "1.00"), ((-0.05,), "−.05"), ((np.nan,), "–"), ((0.5, 0.0, 3), ".500")],
)
def test_numbers_are_brief(given, text):
    assert display.brief(*given).replace("\N{NO-BREAK SPACE}", " ") == text


def test_tables_hold_with_whatever_rows_there_are():
    some_rows = table(row(), row("nearest_neighbour", auprc=0.9), row(variant="cpu, improved"), kdd("egbad", "stable"))
    for rows in (EMPTY, some_rows):
        for dataset in ("mnist", "cifar10"):
            by_class = display.by_class(rows, dataset)
            assert {"chance", "lowest possible", "survey, GANomaly", "1-NN"} <= set(by_class.index)
            assert not by_class.isna().any(axis=None)
            assert len(display.over_classes(rows, dataset)) >= 9
            assert display.missing(rows, dataset) and display.findings(rows, dataset)
        display.budgets(comparison.image_runs(rows))
        display.show(verdicts.table(verdicts.figure_5(rows)))._repr_html_()
    assert display.by_class(some_rows, "mnist").loc["EGBAD, improved", "0"] == ".50"
    assert display.by_class(some_rows, "mnist").loc["AnoGAN", "0"] == display.NOTHING


def test_improved_configurations_are_told_apart_from_the_reference():
    rows = table(row(auprc=0.3), row("nearest_neighbour", auprc=0.6), row(variant="cpu, improved", auprc=0.8))
    reference, below, improved, above = display.findings(rows, "mnist").replace("\n  ", " ").splitlines()
    assert reference == "MNIST, reference configuration: 1-NN has a higher AUPRC than every GAN in 1 of 1 classes."
    assert below == "Below chance: 1 of 1 pairs of GAN and class, most often with 0 as the anomaly."
    assert improved == "MNIST, improved configuration: 1-NN has a higher AUPRC than every GAN in 0 of 1 classes."
    assert above == "Below chance: 0 of 1 pairs of GAN and class."
    only_improved = table(
        row("nearest_neighbour", dataset="cifar10", anomaly="cat"),
        row(variant="cpu, improved", dataset="cifar10", anomaly="cat"),
    )
    assert "improved configuration: 1-NN" in display.findings(only_improved, "cifar10")
    assert display.missing(only_improved, "cifar10").startswith("CIFAR-10, reference configuration, not run: AnoGAN")


def test_a_budget_is_in_the_table():
    shown = display.budgets(comparison.image_runs(table(row(), row(seed=2))))
    (only,) = shown.to_dict("records")
    assert (only["train / test"].replace("\N{NO-BREAK SPACE}", " "), only["width"], only["epochs"], only["seeds"]) == (
        "10,080 / 2,000",
        "0.25",
        "5",
        "0–2",
    )
    assert (only["where"], only["data"], only["detector"]) == ("tensorflow, CPU", "MNIST", "EGBAD")


def test_the_same_table_is_the_same_bytes():
    frame = pd.DataFrame({"a": ["1"]})
    assert display.show(frame)._repr_html_() == display.show(frame.copy())._repr_html_()


# --- pictures


def test_bars_have_their_heights_and_the_survey_its_marks():
    rows = table(row(seed=0, auprc=0.4), row(seed=1, auprc=0.6), row("nearest_neighbour", auprc=0.9))
    panel = next(axis for axis in figures.class_bars(rows, "mnist").axes if axis.get_title().startswith("EGBAD"))
    assert [bar.get_height() for bar in panel.patches] == pytest.approx([0.5])
    marks = next(line for line in panel.lines if line.get_marker() == "D")
    assert marks.get_ydata() == pytest.approx(reported.EGBAD_AUPRC["mnist"])


def test_a_single_seed_is_called_so_in_every_picture():
    rows = [row(auprc=0.4), row("nearest_neighbour", auprc=0.9), row(variant="cpu, brtf")]
    rows += [row(variant="cpu, improved", seed=seed, auprc=0.8 + seed / 100) for seed in range(3)]

    def titles(figure):
        return [axis.get_title() for axis in figure.axes]

    def kinds(figure):
        return [text.get_text() for legend in figure.legends for text in legend.get_texts()]

    own = {"egbad": ablations.configurations(table(*rows), "mnist", "egbad")}
    assert "EGBAD (cpu, reference: one seed)" in titles(figures.class_bars(table(*rows), "mnist"))
    assert "EGBAD (cpu, one seed)" in titles(figures.class_bars(table(rows[0]), "mnist"))
    assert titles(figures.configurations(own)) == ["egbad, one seed"]
    assert "one seed" in kinds(figures.cost_quality({"MNIST": comparison.cost(table(*rows))}, "AUPRC"))
    more = table(*rows[1:2], *rows[3:])  # three seeds, and a detector that needs none
    assert "EGBAD (cpu)" in titles(figures.class_bars(more, "mnist"))
    assert "one seed" not in kinds(figures.cost_quality({"MNIST": comparison.cost(more)}, "AUPRC"))
    curve = pd.DataFrame({"variant": "full", "learning_rate": 1e-4, "step": [1, 2], "seed": 0, "residual": 0.1})
    curve["median_residual"] = 0.2
    assert titles(figures.training_curves(curve)) == ["full width, one seed"]
    assert titles(figures.training_curves(pd.concat([curve, curve.assign(seed=1)]))) == ["full width"]


def test_a_picture_of_changed_methods_says_nothing_of_reproduction():
    rows = [row(variant="cpu, improved", seed=seed, auprc=0.836 + seed / 1000) for seed in range(3)]
    judged = verdicts.figure_5(table(*rows), ["improved"])
    (legend,) = figures.published_against_ours({"EGBAD": judged}).legends
    words = {text.get_text() for text in legend.get_texts()}
    assert LEVEL in words and not words & set(verdicts.VERDICTS)


def test_names_stand_at_their_ranks():
    found = ranking.ranking({("mnist", place): [0.9, 0.5, 0.1] for place in range(9)}, ["EGBAD", "1-NN", "ALAD"])
    (axis,) = figures.critical_difference(found).axes
    words = " ".join(text.get_text() for text in axis.texts)
    assert "EGBAD  1.00" in words and "3.00  ALAD" in words and f"critical difference {found.critical:.2f}" in words


def test_pictures_can_be_drawn_of_nothing():
    figures.class_bars(EMPTY, "mnist")
    figures.cost_quality({"MNIST": comparison.cost(EMPTY)}, "AUPRC")
    figures.configurations({"EGBAD": ablations.configurations(EMPTY, "mnist", "egbad")})
    figures.published_against_ours({"reference": verdicts.figure_5(EMPTY)})
    figures.gains({"a": {"ours": [], "survey": [0.1, -0.1]}}, "gain")


def test_names_keep_apart_and_inside():
    found = figures._apart(np.array([0.0, 0.01, 0.02, 0.5, 0.97, 0.98, 0.99]), 0.05, 0.02)
    assert (np.diff(found) >= 0.05 - 1e-9).all() and found[0] >= 0.02 - 1e-9 and found[-1] <= 1 + 1e-9
    assert found[3] == pytest.approx(0.5)  # what is alone stays where it is


def test_every_trained_kdd_variant_has_its_budget():
    """Of the main ones and of the changed ones: training steps are whole batches of the training rows, once an epoch."""
    both = [kdd_table.budgets(changes).set_index("") for changes in (False, True)]
    trained = [name for name, variant in kdd_module.VARIANTS.items() if "epochs" in variant.parameters]
    assert sum(map(len, both)) == len(trained) and not set(both[0].index) & set(both[1].index)
    stable = both[0].loc["EGBAD, stable"]
    assert stable["training steps"] == f"{10 * (178_525 // 256):,}" and stable["columns"] == "log1p, scaled"
    code = both[0].loc["EGBAD, authors' code"]
    assert code[["columns", "learning rate", "batch size", "epochs"]].tolist() == ["raw", "1e-05", "50", "100"]
    assert both[1].loc["EGBAD, stable, no log1p", "columns"] == "scaled"
    assert "PCA residual" not in both[0].index
