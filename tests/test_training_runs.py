"""Runs that the pool and the bench train: every arm learns, and arms share what they should."""

import numpy as np
import pytest

from helpers import training_runs
from helpers.experiments.pool_settings import BASE
from helpers.pool import CURVES, STEPS

SHORT = {**BASE, "hidden": [16, 16], "steps": 30, "batch": 20, "images": 200}


def run(arm="batch norm", rate=0.1, seed=0, **changes):
    return training_runs.train(arm, rate, seed, **(SHORT | changes))


def curve(found, name):
    return np.array(found["curves"][CURVES.index(name)])


@pytest.mark.parametrize(
    "arm",
    [
        "plain",
        "batch norm",
        "batch norm behind",
        "group norm",
        "noisy batch norm",
        "SkipInit",
        "skips, batch norm",
        "dropout 0.2",
        "batch norm, dropout 0.5",
    ],
)
def test_every_arm_learns_and_repeats(arm):
    found = run(arm)
    assert np.shape(found["curves"]) == (len(CURVES), sum(step <= 30 for step in STEPS))
    assert curve(found, "training loss")[-1] < curve(found, "training loss")[0]
    assert found == run(arm)
    assert set(found["last"]) == ({"own", "undone", "variance"} if arm == "batch norm" else set())


@pytest.mark.parametrize("change", [{"optimizer": "momentum"}, {"optimizer": "adam"}])
def test_the_optimizer_makes_a_difference(change):
    assert run(rate=0.01, **change)["curves"] != run(rate=0.01)["curves"]


def test_a_diverged_run_is_right_about_nothing():
    found = run("plain", rate=1e200)
    assert np.isinf(curve(found, "test loss")[-1])
    assert curve(found, "test accuracy")[-1] == 0
    assert found["last"] == {}


def test_training_gamma_and_beta_alone_leaves_the_weights():
    model = training_runs.network("only gamma and beta", SHORT, 0, inputs=64)
    assert {p.name for p in model.parameters()} == {"gamma", "beta"}
    assert curve(run("only gamma and beta"), "training loss")[-1] > 0


def test_fresh_seeds_follow_on_those_of_other_settings():
    assert run(seed=0, first_seed=2) == run(seed=2)
    assert run(seed=0, first_seed=2) != run(seed=0)


def test_images_are_split_by_the_seed_and_no_image_has_two_parts():
    dataset = training_runs.images("digits")
    task, spoiled = training_runs.draw("digits", 200, 0.4, "raw", 3)
    assert spoiled == 80
    train, held_out = (
        {image.tobytes() for image in task[part][0]} for part in ("train", "held-out")
    )
    assert not train & held_out
    assert train | held_out <= {image.tobytes() for image in dataset.x_train}
    pairs = zip(dataset.x_train, dataset.y_train, strict=True)
    labels = {image.tobytes(): label for image, label in pairs}
    x, y = task["train"]
    wrong = [labels[image.tobytes()] != label for image, label in zip(x, y, strict=True)]
    assert np.array_equal(wrong, np.arange(200) < 80)
    np.testing.assert_array_equal(task["test"][1], dataset.y_test)


@pytest.mark.parametrize("pixels", ["centred", "standardized"])
def test_pixels_are_scaled_by_the_images_to_train_on(pixels):
    task, _ = training_runs.draw("digits", 200, 0.0, pixels, 0)
    x, _ = task["train"]
    axis = None if pixels == "centred" else 0
    np.testing.assert_allclose(x.mean(axis=axis), 0, atol=1e-12)
    varies = x.std(axis=axis) > 0
    np.testing.assert_allclose(x.std(axis=axis)[varies], 1)
    assert abs(task["test"][0].mean()) > 1e-6


def test_arms_start_from_the_same_weights():
    for init in ("he", "pytorch", 0.3):
        axes = SHORT | {"init": init, "gain": 2.0}
        found = [
            [
                p.data
                for p in training_runs.network(arm, axes, 1, 64).parameters()
                if p.name == "weight"
            ]
            for arm in ("plain", "batch norm", "batch norm, dropout 0.2", "group norm")
        ]
        for other in found[1:]:
            for a, b in zip(found[0], other, strict=True):
                np.testing.assert_array_equal(a, b)
    model = training_runs.network("plain", SHORT | {"init": "pytorch"}, 0, inputs=64)
    assert np.abs(model[3].weight.data).max() <= SHORT["hidden"][0] ** -0.5
