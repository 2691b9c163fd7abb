"""Answers to the cases of the experiment clinic."""

from registry import alternative, equivalent, mutant

ALL = [0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0]
FIVE = [0, 1, 2, 3, 4]
EDGE, ONE_RATE = "edge of the grid", "one rate for both"
TEST, TRAIN = "chosen on test images", "chosen on training images"
UNPAIRED, FEW, STEPS = "unpaired seeds", "too few seeds", "unequal steps"
MEAN, MARGIN = "mean over a diverged run", "margin wider than the effect"
TAUTOLOGY, PROBE, STALE = "tautological measure", "disturbing probe", "stale statistics"
RIVAL = "baseline that nobody would use"
NAMES, SAME, LEFT = "names_the_flaws", "asks_the_same_question", "no_flaw_is_left"


def answer(name, flaws, **change):
    """A diagnosis and a repair; `arms` changes parts of arms, another key a part of the design, and
    what is None is left out."""

    def repaired(design):
        new = dict(design)
        arms = {arm: dict(what) for arm, what in design["arms"].items()}
        for arm, what in change.get("arms", {}).items():
            arms[arm] = {**arms[arm], **what}
        new["arms"] = arms
        for key, value in change.items():
            if key != "arms":
                new[key] = value
                if value is None:
                    del new[key]
        return flaws, new

    repaired.__name__ = repaired.__qualname__ = name
    return repaired


def right(case, name, flaws, **change):
    alternative(case)(answer(name, flaws, **change))


def wrong(case, blamed, name, flaws, says="", **change):
    mutant(case, blamed=blamed, says=says)(answer(name, flaws, **change))


def arms(batch_norm, plain):
    return {"batch norm": batch_norm, "plain": plain}


# ----------------------------------------------------------------------------- the five of the core

right("mnist_digits", "all_rates", {EDGE}, rates=None)
right("mnist_digits", "wider_for_the_plain_network", [EDGE], rates=arms(ALL[3:7], ALL[2:6]))
wrong("mnist_digits", NAMES, "the_other_way_round", {TEST}, rates=None, says="held-out")
wrong("mnist_digits", NAMES, "one_too_many", {EDGE, FEW}, rates=None, says="5 seeds")
wrong("mnist_digits", LEFT, "nothing_repaired", {EDGE}, says="0.0316")
wrong("mnist_digits", LEFT, "one_rate_hides_it", {EDGE}, rates=0.1, says=ONE_RATE)
wrong("mnist_digits", LEFT, "both_at_the_edge", {EDGE}, rates=ALL[:4])
wrong(
    "mnist_digits", LEFT, "a_gap", {EDGE}, rates=arms(ALL[3:7], [0.001, 0.0316, 10.0]), says="gap"
)
wrong("mnist_digits", SAME, "fewer_seeds", {EDGE}, rates=None, seeds=[0, 1, 2, 3, 4, 4])
wrong("mnist_digits", SAME, "another_measure", {EDGE}, rates=None, measure="rate")

right("sigmoid_layers", "steps_left_out", STEPS, steps=None)
right("sigmoid_layers", "spelled_out", {STEPS}, steps=arms(600, 600))
right("sigmoid_layers", "rates_spelled_out", {STEPS}, steps=600, rates=[10 * rate for rate in ALL])
wrong("sigmoid_layers", NAMES, "edge", {EDGE}, steps=600, says="have neighbours")
wrong("sigmoid_layers", NAMES, "no_name", set(), steps=600)
wrong("sigmoid_layers", SAME, "both_shortened", {STEPS}, steps=200, says="after 600 steps")
wrong("sigmoid_layers", SAME, "at_one_rate", {STEPS}, steps=600, rates=1.0)
wrong("sigmoid_layers", LEFT, "closer", {STEPS}, steps=arms(600, 500), says="after 500")
wrong("sigmoid_layers", SAME, "no_such_step", {STEPS}, steps=601, says="not examined")

right("calm_inputs", "gradients", {TAUTOLOGY}, measure="gradient change", steps=100)
right("calm_inputs", "steps_spelled_out", [TAUTOLOGY], measure="drift of shape", steps=arms(80, 80))
wrong("calm_inputs", NAMES, "probe", {PROBE}, measure="drift of shape")
wrong("calm_inputs", NAMES, "unknown", {"tautology"}, measure="drift of shape", says="did you mean")
wrong("calm_inputs", SAME, "a_look_that_suits", {TAUTOLOGY}, measure="drift of shape", steps=150)
wrong("calm_inputs", SAME, "before_the_first_look", {TAUTOLOGY}, measure="drift of shape", steps=5)
wrong("calm_inputs", SAME, "not_measured", {TAUTOLOGY}, measure="gradient change", steps=150)
wrong("calm_inputs", SAME, "another_question", {TAUTOLOGY}, measure="accuracy")
wrong("calm_inputs", SAME, "wider_margin", {TAUTOLOGY}, measure="drift of shape", margin=100)
wrong("calm_inputs", LEFT, "not_repaired", {TAUTOLOGY}, says="sets the means")

right("early_look", "batch_statistics", {STALE}, scored="batch statistics")
right("early_look", "usual_momentum", {STALE}, arms={"batch norm": {"norm": "batch"}})
wrong("early_look", NAMES, "probe", {PROBE}, scored="recomputed statistics")
wrong("early_look", NAMES, "seeds", {FEW}, scored="recomputed statistics")
wrong("early_look", SAME, "later", {STALE}, steps=200, says="steps")
wrong("early_look", LEFT, "not_repaired", {STALE}, says="momentum 0.01")
wrong("early_look", SAME, "another_norm", {STALE}, arms={"batch norm": {"norm": "group"}})
wrong("early_look", SAME, "mean", {STALE}, by="mean", scored="recomputed statistics")

right("sixty_layers", "named_as_a_word", RIVAL, arms={"plain": {"norm": "SkipInit"}})
right("sixty_layers", "as_a_tuple", (RIVAL,), arms={"plain": {"norm": "SkipInit", "dropout": 0.0}})
wrong("sixty_layers", NAMES, "edge", {EDGE}, arms={"plain": {"norm": "SkipInit"}})
wrong("sixty_layers", NAMES, "tautology", {TAUTOLOGY}, arms={"plain": {"norm": "SkipInit"}})
wrong("sixty_layers", LEFT, "not_repaired", {RIVAL}, says="skip connections")
wrong("sixty_layers", SAME, "no_skips_at_all", {RIVAL}, arms={"batch norm": {"norm": "batch"}})
wrong("sixty_layers", LEFT, "batch_norm_alone", {RIVAL}, arms={"plain": {"norm": "batch"}})
wrong("sixty_layers", LEFT, "itself", {RIVAL}, arms={"plain": {"norm": "batch, skips"}})
wrong(
    "sixty_layers", SAME, "skips_alone", {RIVAL}, arms={"plain": {"norm": "skips"}}, says="SkipInit"
)
wrong("sixty_layers", SAME, "half_as_deep", {RIVAL}, arms={"plain": {"like": "30 x 32"}})


@alternative("sixty_layers")
def another_name_for_the_rival(design):
    rival = {"like": "60 x 32", "norm": "SkipInit"}
    return {RIVAL}, design | {
        "arms": {"batch norm": design["arms"]["batch norm"], "SkipInit": rival}
    }


@alternative("sixty_layers")
def in_place(design):
    design["arms"]["plain"]["norm"] = "SkipInit"
    return {RIVAL}, design


# --------------------------------------------------------------------------------- the further six

right("batches_of_twenty", "left_out", {TEST}, chosen_on=None)
right("batches_of_twenty", "as_a_list", [TEST], chosen_on="held-out", seeds=5)
wrong("batches_of_twenty", NAMES, "training", {TRAIN}, chosen_on="held-out", says="test images")
wrong("batches_of_twenty", NAMES, "steps", {STEPS}, chosen_on="held-out", says="the same")
wrong("batches_of_twenty", LEFT, "training_images", {TEST}, chosen_on="train", says="by heart")
wrong("batches_of_twenty", LEFT, "not_repaired", {TEST})
wrong("batches_of_twenty", SAME, "stopped_early", {TEST}, chosen_on="held-out", steps="best")
wrong("batches_of_twenty", SAME, "loss", {TEST}, chosen_on="held-out", measure="loss")

right("three_hundred_images", "left_out", {UNPAIRED}, seeds=None)
right("three_hundred_images", "spelled_out", {UNPAIRED}, seeds=arms(FIVE, FIVE))
wrong("three_hundred_images", NAMES, "few", {FEW}, seeds=5, says="5 seeds")
wrong("three_hundred_images", NAMES, "mean", {MEAN}, seeds=5, says="every seed")
right("three_hundred_images", "all_ten", {UNPAIRED}, seeds=10)
right("three_hundred_images", "the_other_five", {UNPAIRED}, seeds=range(5, 10))
wrong("three_hundred_images", SAME, "three", {UNPAIRED}, seeds=3, says="dropped")
wrong("three_hundred_images", SAME, "one_seed_five_times", {UNPAIRED}, seeds=[0] * 5)
wrong("three_hundred_images", SAME, "picked", {UNPAIRED}, seeds=[0, 1, 2, 3, 7], says="dropped")
wrong("three_hundred_images", LEFT, "one_twice", {UNPAIRED}, seeds=[*FIVE, 4], says="twice")
wrong("three_hundred_images", LEFT, "shuffled", {UNPAIRED}, seeds=arms(FIVE, FIVE[::-1]))
wrong("three_hundred_images", SAME, "by_mean", {UNPAIRED}, seeds=5, by="mean")

right("centred_pixels", "spelled_out", {ONE_RATE, MEAN}, rates=ALL, by="every seed")
right("centred_pixels", "around_the_best", [MEAN, ONE_RATE], rates=ALL[2:8], by=None)
wrong("centred_pixels", NAMES, "one_of_two", {MEAN}, rates=None, by=None, says="1 more")
wrong("centred_pixels", NAMES, "a_wrong_one", {MEAN, EDGE}, rates=None, by=None)
wrong("centred_pixels", LEFT, "still_one_rate", {ONE_RATE, MEAN}, rates=0.1, by=None)
wrong("centred_pixels", LEFT, "still_the_mean", {ONE_RATE, MEAN}, rates=None, says="means")
wrong("centred_pixels", NAMES, "its_edge", {EDGE, MEAN}, rates=None, by=None, says="single rate")
wrong(
    *("centred_pixels", LEFT, "around_another_peak", {ONE_RATE, MEAN}, "better at"),
    **{"rates": arms([1.0, 3.16, 10.0], ALL), "by": None},
)
wrong("centred_pixels", LEFT, "edge", {ONE_RATE, MEAN}, rates=ALL[5:], by=None, says="edge")
wrong("centred_pixels", SAME, "bad_seed_out", {ONE_RATE, MEAN}, rates=None, by=None, seeds=FIVE[1:])

right("wrong_labels", "left_out", {MARGIN}, margin=None)
right("wrong_labels", "the_course's", {MARGIN}, margin=0.02)
wrong("wrong_labels", NAMES, "test", {TEST}, margin=None)
wrong("wrong_labels", NAMES, "everything", {MARGIN, FEW, EDGE}, margin=None)
wrong("wrong_labels", SAME, "earlier", {MARGIN}, margin=None, steps=100)
wrong("wrong_labels", LEFT, "half_as_wide", {MARGIN}, margin=0.05, says="0.05")
wrong("wrong_labels", LEFT, "tiny", {MARGIN}, margin=0.0001, says="0.0001")
wrong("wrong_labels", SAME, "loss", {MARGIN}, margin=None, measure="loss")

right("a_look_inside", "left_out", {PROBE}, scored=None)
right("a_look_inside", "recomputed", {PROBE}, scored="recomputed statistics")
wrong("a_look_inside", NAMES, "stale", {STALE}, scored="eval mode", says="moved")
wrong("a_look_inside", NAMES, "tautology", {TAUTOLOGY}, scored="eval mode")
wrong("a_look_inside", LEFT, "not_repaired", {PROBE}, says="probe")
wrong("a_look_inside", SAME, "by_the_batch", {PROBE}, scored="batch statistics", says="recomputed")
wrong("a_look_inside", SAME, "earlier", {PROBE}, scored="eval mode", steps=20)
wrong("a_look_inside", SAME, "unknown", {PROBE}, scored="train mode", says="cannot run")

right("two_wide_layers", "left_out", {TEST, FEW}, chosen_on=None, seeds=None)
right("two_wide_layers", "spelled_out", [FEW, TEST], chosen_on="held-out", seeds=arms(FIVE, FIVE))
wrong("two_wide_layers", NAMES, "one_of_two", {FEW}, chosen_on=None, seeds=5, says="1 more")
wrong("two_wide_layers", NAMES, "unpaired", {TEST, UNPAIRED}, chosen_on=None, seeds=5)
wrong("two_wide_layers", LEFT, "four_seeds", {TEST, FEW}, chosen_on=None, seeds=4, says="4 seeds")
wrong("two_wide_layers", LEFT, "still_on_test", {TEST, FEW}, seeds=5)
wrong(
    "two_wide_layers",
    LEFT,
    "unpaired_now",
    {TEST, FEW},
    chosen_on=None,
    seeds=arms(FIVE, FIVE[::-1]),
)
wrong("two_wide_layers", SAME, "at_the_end", {TEST, FEW}, chosen_on=None, seeds=5, steps=400)
wrong(
    "two_wide_layers",
    SAME,
    "deeper",
    {TEST, FEW},
    seeds=5,
    arms={"plain": {"depth": 5, "width": 64}},
)

right("two_layers_again", "no_name", ())
right("two_layers_again", "spelled_out", [], chosen_on="held-out", seeds=5, rates=ALL, margin=1.25)
wrong("two_layers_again", NAMES, "test", {TEST}, says="held-out")
wrong("two_layers_again", NAMES, "edge", {EDGE}, says="neighbours")
wrong("two_layers_again", SAME, "repaired_all_the_same", set(), rates=ALL[1:8])
wrong("two_layers_again", SAME, "shorter", set(), steps=200)
wrong("two_layers_again", LEFT, "at_one_rate", None, says="has come in", rates=0.1)

equivalent(
    "sixty_layers",
    "return ({'baseline that nobody would use'}, design | {'arms': design['arms'] | "
    "{'plain': rival}}) -> … {'arms': design['arms'] | {'plain': rival}})",
    "what is left out is the default, which the design spells out",
)

equivalent(
    "mnist_digits",
    "wider = [0.01, 0.0316, 0.1, 0.316, 1.0] -> … [1.01, 0.0316, 0.1, 0.316, 1.0]",
    "the best rates lie inside without 0.01",
)
