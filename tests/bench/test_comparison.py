"""What a comparison concludes, by any rule: of runs whose answer is known, and of recorded ones."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from helpers import bench, elsewhere, plotting, pool, travels
from helpers.bench import comparison, requests
from helpers.bench.sentences import NotOnTheBench
from helpers.comparing import MEASURES, WORDS
from helpers.experiments.pool_settings import BASE
from helpers.pool import CURVES, SLOW, STEPS

TWO = {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}}
RATES = (0.01, 0.1, 1.0, 10.0)
REACHED = np.array([step for step in STEPS if step <= 100])
NORM_OF = {arm: norm for norm, arm in bench.NORMS.items()}


@pytest.fixture(autouse=True)
def _closed_afterwards():
    yield
    plotting.plt.close("all")


def arm(held_out, test=None, training=None, peak=None, jitter=0.0):
    """Results of an arm. held_out, test, training: the last accuracy at each of RATES; test by
    default as held_out. peak: the step at which it is a tenth higher; jitter: from seed to seed."""
    levels = {"held-out": held_out, "test": test or held_out, "training": training or held_out}

    def result(rate, seed):
        rows = {"learned by heart": np.zeros(len(REACHED))}
        for part, level in levels.items():
            path = (level[RATES.index(rate)] + jitter * seed) * np.minimum(1, REACHED / 50)
            path = path + 0.1 * (peak == REACHED)
            rows |= {f"{part} accuracy": path, f"{part} loss": 2 * (1 - path)}
        return {"curves": [rows[name].tolist() for name in CURVES], "last": {}}

    return result


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Makes a pool of the setting relu: batch norm and the plain network."""

    def make(normed, plain, seeds=5):
        axes = {**BASE, "steps": 100}
        runs = [
            {"setting": {"name": "relu", "arm": name, "rate": rate, "seed": seed, **axes}}
            | {"result": of(rate, seed)}
            for name, of in (("batch norm", normed), ("plain", plain))
            for rate in RATES
            for seed in range(seeds)
        ]
        path = tmp_path / "pool.npz"
        path.write_bytes(pool.pack({"name": "pool", "runs": runs}))
        found = pool.load.__wrapped__(path)
        monkeypatch.setattr(pool, "load", lambda path=None: found)

    return make


def medians(found):
    return [float(np.median(arm.values)) for arm in found.arms]


def rates(found):
    return [arm.choice.rate for arm in found.arms]


# Held-out images say 0.1, test images 1, training images 10.
TORN = arm([0.3, 0.8, 0.7, 0.6], test=[0.3, 0.5, 0.9, 0.4], training=[0.3, 0.5, 0.6, 0.7])
FLAT = arm([0.3, 0.6, 0.5, 0.4], test=[0.3, 0.6, 0.5, 0.4])


@pytest.mark.parametrize(
    ("chosen_on", "rate", "accuracy", "word"),
    [
        ("held-out", 0.1, 0.5, "worse"),
        ("test", 1.0, 0.9, "better"),
        ("train", 10.0, 0.4, "worse"),
    ],
)
def test_rates_are_chosen_on_the_images_that_are_named(small, chosen_on, rate, accuracy, word):
    small(TORN, FLAT)
    found = bench.compare(TWO, chosen_on=chosen_on)
    assert rates(found) == [rate, 0.1]
    np.testing.assert_allclose(medians(found), [accuracy, 0.6], atol=1e-3)
    assert found.word == word
    assert found.chosen_on == chosen_on


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (None, [0.1, 0.1]),
        (1, [1.0, 1.0]),
        ([1.0, 10.0], [1.0, 1.0]),
        ({"batch norm": [10.0, 1.0], "plain": 0.01}, [1.0, 0.01]),
    ],
)
def test_rates_are_a_number_several_or_those_of_each_arm(small, asked, chosen):
    small(TORN, FLAT)
    assert rates(bench.compare(TWO, rates=asked)) == chosen


def test_both_arms_may_take_the_best_rate_of_one(small):
    small(arm([0.3, 0.5, 0.9, 0.4]), FLAT)
    assert rates(bench.compare(TWO)) == [1.0, 0.1]
    assert rates(bench.compare(TWO, rates="plain")) == [0.1, 0.1]
    assert rates(bench.compare(TWO, rates="batch norm")) == [1.0, 1.0]
    np.testing.assert_allclose(medians(bench.compare(TWO, rates="plain")), [0.5, 0.6], atol=1e-3)


def test_steps_are_the_last_a_number_the_best_or_those_of_each_arm(small):
    peaking = arm([0.3, 0.6, 0.5, 0.4], peak=80)
    small(peaking, FLAT)
    for steps, wanted, shown in [
        (None, [0.6, 0.6], [100, 100]),
        (25, [0.3, 0.3], [25, 25]),
        (80, [0.7, 0.6], [80, 80]),
        ("best", [0.7, 0.6], ["best", "best"]),
        ({"batch norm": 80, "plain": 25}, [0.7, 0.3], [80, 25]),
    ]:
        found = bench.compare(TWO, steps=steps)
        np.testing.assert_allclose(medians(found), wanted, atol=1e-3)
        assert [arm.steps for arm in found.arms] == shown


def test_the_best_step_is_that_of_the_images_that_choose(small):
    def torn(rate, seed):
        found = arm([0.3, 0.6, 0.5, 0.4])(rate, seed)
        for name, peak in (("held-out accuracy", 60), ("test accuracy", 80)):
            curve = found["curves"][CURVES.index(name)]
            curve[list(REACHED).index(peak)] += 0.1
        return found

    small(torn, FLAT)
    assert medians(bench.compare(TWO, steps="best"))[0] == pytest.approx(0.6, abs=1e-3)
    best = bench.compare(TWO, steps="best", chosen_on="test")
    assert medians(best)[0] == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize(
    ("seeds", "which"),
    [
        (3, [(0, 1, 2)] * 2),
        ([4, 0], [(4, 0)] * 2),
        ({"batch norm": [1, 2], "plain": 2}, [(1, 2), (0, 1)]),
    ],
)
def test_seeds_are_how_many_which_or_those_of_each_arm(small, seeds, which):
    steady = arm([0.3, 0.6, 0.5, 0.4], jitter=0.01)
    small(steady, steady)
    found = bench.compare(TWO, seeds=seeds)
    assert [arm.seeds for arm in found.arms] == which
    for arm_, chosen in zip(found.arms, which, strict=True):
        np.testing.assert_allclose(arm_.values, 0.6 + 0.01 * np.array(chosen), atol=1e-3)


def test_a_mean_counts_as_one_pair(small):
    small(arm([0.3, 0.6, 0.5, 0.4], jitter=0.05), FLAT)
    assert bench.compare(TWO).word == "too close to call"
    found = bench.compare(TWO, by="mean")
    assert found.word == "better"
    np.testing.assert_allclose(found.conclusion.effects, [0.1], atol=1e-3)
    uneven = bench.compare(TWO, by="mean", seeds={"batch norm": 5, "plain": 2})
    np.testing.assert_allclose(uneven.conclusion.effects, [0.1], atol=1e-3)


def test_another_margin_is_said(small):
    small(arm([0.3, 0.63, 0.5, 0.4]), FLAT)
    assert bench.compare(TWO).word == "better"
    wide = bench.compare(TWO, margin=0.05)
    assert wide.word == "no difference"
    assert wide.said.endswith("the margin is 0.05 of accuracy")
    assert bench.compare(TWO).said.endswith(MEASURES["accuracy"].says)


@pytest.mark.parametrize(
    ("measure", "values", "effect"),
    [
        ("accuracy", [0.9, 0.6], 0.3),
        ("errors", [0.1, 0.4], 4),
        ("loss", [0.2, 0.8], 4),
        ("steps", [40, 50], 1.25),  # on its way to 0.9 it passes 0.58 after 33
        ("rate", [10, 0], np.inf),
        ("decades", [1, 0], 1),
    ],
)
def test_every_measure_of_the_pool(small, measure, values, effect):
    small(arm([0.3, 0.5, 0.9, 0.85]), FLAT)
    found = bench.compare(TWO, measure=measure)
    values = [-np.inf if value == 0 and measure == "rate" else value for value in values]
    np.testing.assert_allclose(medians(found), values, rtol=5e-3)
    if measure != "rate":
        np.testing.assert_allclose(found.conclusion.effects, effect, rtol=2e-2)
    assert found.conclusion.measure.name == bench.MEASURED[measure].margin
    assert all((arm.choice is None) == (measure in comparison.UNTUNED) for arm in found.arms)


def test_a_goal_that_no_rate_reaches_leaves_the_best_rate(small):
    small(arm([0.2, 0.3, 0.4, 0.1]), FLAT)
    found = bench.compare(TWO, measure="steps")
    assert rates(found) == [1.0, 0.1]
    assert np.isinf(found.arms[0].values).all()
    assert found.word == "worse"
    found._ipython_display_()


def test_the_goal_is_that_of_the_second_arm_at_its_best(small):
    small(arm([0.3, 0.5, 0.9, 0.4]), FLAT)
    own = bench.compare(TWO, measure="steps")
    shared = bench.compare(TWO, measure="steps", rates="batch norm")
    assert np.isinf(shared.arms[1].values).all()  # 0.5 is less than 0.58
    np.testing.assert_array_equal(own.arms[0].values, shared.arms[0].values)


SETTINGS_OF_GRADIENTS = {"relu": "5 x 64", "sigmoid": "3 x 100, sigmoid"}


@pytest.mark.parametrize(
    ("measure", "key"),
    [("gradient change", "relative"), ("loss range", "range"), ("smoothness", "smoothness")],
)
@pytest.mark.parametrize("like", SETTINGS_OF_GRADIENTS)
def test_measures_of_gradients_are_those_of_their_record(like, measure, key):
    arms = {name: {"like": like, **what} for name, what in TWO.items()}
    own = bench.compare(arms, measure=measure)
    ratios = elsewhere.ratios(SETTINGS_OF_GRADIENTS[like], key, own=True)
    np.testing.assert_allclose(own.conclusion.effects, 1 / ratios)
    shared = bench.compare(arms, measure=measure, rates="plain")
    ratios = elsewhere.ratios(SETTINGS_OF_GRADIENTS[like], key, own=False)
    np.testing.assert_allclose(shared.conclusion.effects, 1 / ratios)


def test_where_gradients_were_not_measured_it_says_so():
    said = "effective smoothness of batch norm: not measured at 0.3, the rate that is chosen here"
    for rates_, more in ((0.3, ""), ([0.1, 0.3], ", but at 0.1")):
        with pytest.raises(NotOnTheBench) as raised:
            bench.compare(TWO, measure="smoothness", rates={"batch norm": rates_, "plain": 0.1})
        assert str(raised.value) == said + more


@pytest.mark.parametrize("measure", ["drift of means", "drift of shape"])
def test_drifts_are_those_of_the_watched_runs(measure):
    found = bench.compare(TWO, measure=measure, steps=80)
    for arm_, name in zip(found.arms, TWO, strict=True):
        runs = pool.load(pool.WATCHED_PATH).runs("relu, watched", name)
        assert arm_.choice.rate == runs.choose(step=80).rate
        row = runs.at(arm_.choice.rate)
        np.testing.assert_array_equal(arm_.values, runs.after(measure, 80)[row])


@pytest.mark.parametrize(("scored", "suffix"), comparison.SCORED.items())
@pytest.mark.parametrize("measure", ["accuracy", "errors"])
def test_scores_are_taken_as_it_is_said(scored, suffix, measure):
    arms = {"slow": {"norm": NORM_OF[SLOW]}, "plain": {"norm": "none"}}
    found = bench.compare(arms, scored=scored, measure=measure, steps=50)
    runs = pool.load(pool.WATCHED_PATH).runs("relu, watched", SLOW)
    choice = runs.choose(f"held-out accuracy{suffix}", 50)
    accuracy = runs.after(f"test accuracy{suffix}", 50)[choice.row]
    assert found.arms[0].choice.rate == choice.rate
    wanted = accuracy if measure == "accuracy" else 1 - accuracy
    np.testing.assert_array_equal(found.arms[0].values, wanted)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"arms": {"plain": {"norm": "none"}}}, "takes two arms, not 1"),
        ({"arms": {**TWO, "third": {}}}, "takes two arms, not 3"),
        ({"arms": [{"norm": "batch"}, {"norm": "none"}]}, "arms is a dictionary"),
        ({"arms": {"a": "batch", "b": "none"}}, "arms is a dictionary"),
        ({"arms": {"a": {"rates": 0.1}, "b": {}}}, "rates of a go beside the arms"),
        ({"arms": {"a": {"seeds": 3}, "b": {}}}, "seeds of a go beside the arms"),
        ({"arms": {"a": {}, "b": {"steps": 5}}}, "steps of b go beside the arms"),
        ({"measure": "beauty"}, "measure is 'beauty', but there are accuracy, errors, loss"),
        ({"scored": "train mode"}, "scored is 'train mode', but there are eval mode, batch"),
        ({"chosen_on": "training"}, "chosen_on is 'training', but there are held-out, test and"),
        ({"by": "median"}, "by is 'median', but there are every seed and mean"),
        ({"rates": "group norm"}, "rates is 'group norm': numbers, or the arm"),
        ({"rates": "plain", "measure": "rate"}, "rates is 'plain': numbers"),
        ({"rates": {"plain": 0.1}}, "rates must name the arms, batch norm and plain, not plain"),
        ({"seeds": {"a": 3, "b": 3}}, "seeds must name the arms"),
        ({"steps": {"a": 3}}, "steps must name the arms"),
        ({"steps": 7}, "batch norm was not examined after step 7; it was after 5, 10, 15"),
        ({"steps": "last"}, "not examined after step last"),
        ({"steps": [50, 100]}, "not examined after step"),
        ({"steps": {"batch norm": 100, "plain": 800}}, "plain was not examined after step 800"),
        ({"seeds": {"batch norm": 5, "plain": 3}}, "5 and 3 seeds make no pairs: as many for each"),
        ({"seeds": 0}, "seeds is how many"),
        ({"measure": "smoothness", "chosen_on": "train"}, "rates cannot be chosen on 'train'"),
        ({"scored": "batch statistics", "chosen_on": "train"}, "rates cannot be chosen on 'train'"),
        *(
            ({"scored": "batch statistics", "measure": measure}, "scored goes with the measures")
            for measure in bench.MEASURED
            if measure not in ("accuracy", "errors")
        ),
    ],
    ids=str,
)
def test_what_cannot_be_compared_gets_a_sentence(asked, said):
    with pytest.raises(NotOnTheBench, match=said):
        bench.compare(**{"arms": TWO, **asked})


# The questions that the course asks of the pool, as comparisons.
AS_ASKED = {
    "fewer-steps": {"measure": "steps", "rates": "plain"},
    "fewer-steps-tuned": {"measure": "steps"},
    "largest-usable-rate": {"measure": "rate"},
    "learning-rate-matters-less": {"measure": "decades"},
    "batch-norm-regularizes": {"measure": "loss", "steps": "best"},
    "no-harm-in-any-batch": {"steps": "best"},
    "no-harm-with-wrong-labels": {"steps": "best"},
    "depth-trainable-by-norm": {"steps": "best"},
    "before-the-activation": {"steps": "best"},
    "noisy-trains-alike": {"steps": "best"},
    "group-norm-small-batches": {"steps": "best"},
}


@pytest.mark.parametrize("claim", AS_ASKED)
def test_it_concludes_what_the_course_does(claim):
    question = travels.QUESTIONS[claim]
    # A question names the arm that it is about first; of the two of the course it is batch norm.
    changed, usual = question.arms
    if question.arms == pool.TWO:
        changed, usual = usual, changed
    found = travels.cells(pool.load(), question)
    assert len(found) >= 8
    for setting, (word, conclusion) in found.items():
        arms = {name: {"like": setting, "norm": NORM_OF[name]} for name in (changed, usual)}
        compared = bench.compare(arms, **AS_ASKED[claim])
        np.testing.assert_array_equal(
            compared.conclusion.effects, conclusion.effects, err_msg=setting
        )
        assert compared.conclusion.says(question.sentence) == word, setting


def test_a_comparison_in_words():
    found = bench.compare(TWO)
    lines = found.table.splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {6}
    runs = pool.load().runs("relu", "batch norm")
    values = runs.after("test accuracy")[runs.choose().row]
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    middle, low, high = (f(values) for f in (np.median, np.min, np.max))
    assert cells == [
        *("batch norm", "0.001 to 10 (9)", f"{runs.choose().rate:g}", "400"),
        f"{middle:.3g}, range {low:.3g} to {high:.3g}, 5 seeds",
    ]
    assert str(found) == found.said
    assert found.said.startswith("batch norm against plain: ")
    assert str(found.conclusion) in found.said
    assert found.word == found.conclusion.word in WORDS
    at_one = bench.compare(TWO, rates=0.1).table.splitlines()
    assert at_one[2].startswith("| batch norm | 0.1 | 0.1 | 400 |")
    assert "| – |" in bench.compare(TWO, measure="rate").table


@pytest.mark.parametrize(
    ("first", "second", "colors"),
    [
        ({"norm": "batch"}, {"norm": "none"}, [plotting.BN, plotting.PLAIN]),
        ({"norm": "none"}, {"norm": "noisy batch"}, [plotting.PLAIN, plotting.THIRD]),
        ({"norm": "batch", "batch": 8}, {"norm": "batch"}, [plotting.FOURTH, plotting.BN]),
    ],
)
def test_an_arm_has_the_look_of_what_it_trains_with(first, second, colors):
    bench.compare({"a": first, "b": second}).plot()
    curves = [line for line in plotting.plt.gcf().axes[0].lines if line.get_label() in "ab"]
    assert [line.get_color() for line in curves] == colors


def test_a_figure_shows_the_scores_over_the_rates_and_pairs(small):
    small(arm([0.3, 0.5, 0.9, 0.4], jitter=0.01), arm([0.2, 0.6, 0.5, 0.4]))
    found = bench.compare(TWO)
    found.plot()
    left, right = plotting.plt.gcf().axes
    curves = [line for line in left.lines if line.get_label() in TWO]
    for arm_, line in zip(found.arms, curves, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), RATES)
        np.testing.assert_array_equal(line.get_ydata(), np.median(arm_.scores, axis=1))
    circles = [line for line in left.lines if line.get_fillstyle() == "none"]
    assert [line.get_xdata()[0] for line in circles] == [1.0, 0.1]
    np.testing.assert_array_equal([line.get_ydata()[0] for line in circles], medians(found))
    assert [len(ranges.get_segments()) for ranges in left.collections] == [len(RATES)] * 2
    (_, low), (_, high) = left.collections[0].get_segments()[2]
    assert (low, high) == pytest.approx((0.9, 0.94), abs=1e-3)
    pairs = [line.get_ydata() for line in right.lines if list(line.get_xdata()) == [0, 1]]
    np.testing.assert_array_equal(pairs, np.transpose([a.values for a in found.arms]))
    marks = [line for line in right.lines if line.get_color() != plotting.GREY]
    np.testing.assert_array_equal([m.get_ydata() for m in marks], [a.values for a in found.arms])
    assert len({(line.get_color(), line.get_marker()) for line in marks}) == 2
    assert [label.get_text() for label in right.get_xticklabels()] == list(TWO)
    assert (left.get_xscale(), right.get_yscale()) == ("log", "linear")


def test_a_figure_of_usable_rates_shows_accuracies_and_what_is_usable(small):
    small(arm([0.3, 0.9, 0.9, 0.4]), arm([0.9, 0.9, 0.5, 0.4]))
    found = bench.compare(TWO, measure="rate")
    found.plot()
    left, right = plotting.plt.gcf().axes
    assert left.get_ylabel() == "final test accuracy"
    assert travels.USABLE in [line.get_ydata()[0] for line in left.lines]
    assert right.get_yscale() == "log"
    assert medians(found) == [1.0, 0.1]


@pytest.mark.parametrize("measure", bench.MEASURED)
def test_every_measure_is_shown(measure, monkeypatch):
    shown = []
    monkeypatch.setattr(comparison, "display", shown.append)
    monkeypatch.setattr(plotting.plt, "show", lambda: shown.append(plotting.plt.gcf()))
    found = bench.compare(TWO, measure=measure)
    found._ipython_display_()
    text, figure = shown
    assert found.table in text.data
    assert f"**{found.said}.**" in text.data
    assert len(figure.axes) == 2
    assert bench.MEASURED[measure].shown in text.data


def test_every_measure_has_a_margin_and_a_source():
    for name, what in bench.MEASURED.items():
        assert what.margin in MEASURES
        assert bool(what.curve) + bool(what.number) == (name not in ("steps", "rate", "decades"))
    assert set(requests.MEASURED_IN) <= set(bench.MEASURED)
