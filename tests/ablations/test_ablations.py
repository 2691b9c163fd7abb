"""Proof that claims can fail: under an ablation exactly the claims that depend on it turn red."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from notebook_rules import notebooks, read

from helpers.authoring.execution import client_for
from helpers.claims import all_claims
from helpers.contents import numbered


@dataclass(frozen=True)
class Ablation:
    """One thing taken away: a function of patches.py, or text replaced in a notebook's cells."""

    patch: str = ""
    replace: dict[str, str] = field(default_factory=dict)


UNIFORM = "x8, w8 = rng.normal(size=(8, 3)) * 3, np.ones((8, 3))"
BELLS = "values = np.random.default_rng(0).normal(size=digits.x_train.size)"

TWO_IMAGES = "training.precise_statistics(model, [images[:2]])"

ADAPTED = "training.precise_statistics(model, [recolour(digits.x_train, *colours)])"
PER_BATCH = "return rng.uniform(0.3, 3) * x + rng.uniform(-1, 1)"
SHARES = "[shares(model) for model in models]"
NOT_BEHIND = '"after": {"norm": True, "norm_position": "after"}'
GDNP_STEP = "best_length(w / end + rate * (q - S @ w / end), S, q, end)"

SAME_EPS = '"gain": gain, "eps": 1e-5}'
ALL_FAST = "train_groups(model, (lr, lr, lr), seed)"

MOMENTUM = "functools.partial(nn.BatchNorm2d, momentum=momentum)"

RIGHT = {"y[:spoiled] = (y[:spoiled] + rng.integers(1, 10, size=spoiled)) % 10": "pass"}

EIGHT_SAMPLES = "measured=[hidden(8, seed) for seed in range(5)]"

BORDER = "with_border(picture, 1, zero)"

KEPT_IN_EVAL_MODE = "share_body(bug_clinic.freezing.freeze_network, seed)"

CONVERTED = 'SyncBatchNorm.convert(net) if norm == "sync" else net'

WITHOUT_ITS_NORM = 'arm.removesuffix("batch norm").removesuffix(" + ") or "plain"'

ABLATIONS = {
    "never-synchronized": Ablation(replace={CONVERTED: "net"}),
    "always-synchronized": Ablation(replace={CONVERTED: "SyncBatchNorm.convert(net)"}),
    "always-weighted": Ablation(replace={" if weighted else 1.0": ""}),
    "batch-norm-for-group-norm": Ablation(
        replace={'kind = "batch" if norm == "sync" else norm': 'kind = "batch"'}
    ),
    "never-normalized": Ablation(replace={"build(norm)": 'build("none")'}),
    "not-folded": Ablation(replace={"folding.fold(normed)": "normed"}),
    "mean-left-out": Ablation(patch="mean_left_out"),
    "border-mended": Ablation(replace={BORDER: BORDER.replace("zero", "-shift / scale")}),
    "no-norm-at-all": Ablation(
        replace={"default_rng(seed), norm=norm)": 'default_rng(seed), norm="none")'}
    ),
    "no-attack": Ablation(replace={"attacked(model, 0.1)": "attacked(model, 0.0)"}),
    "with-replacement": Ablation(replace={"replace=False": "replace=True"}),
    "right-labels": Ablation(replace=RIGHT),
    "plain-twice": Ablation(
        replace={'stopped(setting, "batch norm")': 'stopped(setting, "plain")'}
    ),
    "dropout-left-out": Ablation(replace={"layers.append(Dropout(0.5, noise))": "pass"}),
    "one-company": Ablation(
        replace={
            'run("batch norm", 0.1, **how)': "right_labels[20]",
            'run("batch norm", 0.1, wrong=0.4, **how)': "wrong_labels[20]",
        }
    ),
    "no-norm-in-torch": Ablation(replace={MOMENTUM: "nn.Identity"}),
    "one-momentum": Ablation(
        replace={", 0.0, momentum)": ", 0.0, 0.4)", ", 1.0, momentum)": ", 1.0, 0.4)"}
    ),
    "all-from-one": Ablation(replace={"zero_init=zero_init": "zero_init=False"}),
    "same-eps": Ablation(replace={'"gain": gain, "eps": eps}': SAME_EPS}),
    "all-groups-fast": Ablation(replace={"train_groups(model, (lr, 0.1, 0.1), seed)": ALL_FAST}),
    "misprint-mended": Ablation(replace={"** 2 / np.sqrt(N)": "** 2 / N"}),
    "no-weight-decay": Ablation(
        replace={"SGD([weight], lr, momentum, weight_decay)": "SGD([weight], lr, momentum)"}
    ),
    "half-the-step": Ablation(replace={"w / end + rate *": "w / end + rate / 2 *"}),
    "length-left-alone": Ablation(replace={GDNP_STEP: "w / end + rate * (q - S @ w / end)"}),
    "stale-statistics": Ablation(replace={ADAPTED: "pass"}),
    "brightness-per-image": Ablation(replace={PER_BATCH: "return per_image(x, rng)"}),
    "undone-by-hand": Ablation(replace={SHARES: "[shares(undo(model)) for model in models]"}),
    "nothing-behind": Ablation(replace={NOT_BEHIND: '"after": {}'}),
    "bell-shaped-pixels": Ablation(replace={"values = digits.x_train.ravel()": BELLS}),
    "never-standardized": Ablation(
        replace={"standardized = replace(digits, **parts)": "standardized = digits"}
    ),
    "never-scaled": Ablation(
        replace={
            "return (x - x.mean(axis=0)) / x.std(axis=0)": "return x - x.mean(axis=0)",
        }
    ),
    "never-centred": Ablation(
        replace={
            "np.hstack([scaled - scaled.mean(), ones])": "np.hstack([scaled, ones])",
            '"centred": (x_train - mu, x_test - mu)': '"centred": (x_train, x_test)',
        }
    ),
    "min-max": Ablation(
        replace={"scaled = z_score(more_hikes)": "scaled = min_max(more_hikes)"},
    ),
    "test-by-the-rule": Ablation(
        replace={
            "reference.standardize(images, images)[1]": "reference.standardize(x_train, images)[1]",
        }
    ),
    "identity": Ablation(patch="identity"),
    # without its norm, a network gets the rate that is best without one
    "norm-left-out": Ablation(
        patch="identity",
        replace={"best_rate(arm, 60, steps) for": f"best_rate({WITHOUT_ITS_NORM}, 60, steps) for"},
    ),
    "no-instance-norm": Ablation(patch="no_instance_norm"),
    "linear-activation": Ablation(patch="linear_activation"),
    "skip-cut": Ablation(patch="cut_skips"),
    "no-noise": Ablation(patch="no_noise"),
    "never-updated": Ablation(patch="never_updated"),
    "biased-running": Ablation(patch="biased_running"),
    "two-images": Ablation(
        replace={
            "training.precise_statistics(model, [images])": TWO_IMAGES,
        }
    ),
    "constant-statistics": Ablation(patch="constant_statistics"),
    "short-gradient": Ablation(
        replace={"(dy - dbeta / N - x_hat * dgamma / N)": "(dy - dbeta / N)"},
    ),
    "biased-buffer": Ablation(replace={" * len(x) / (len(x) - 1)  # unbiased": ""}),
    "unbiased-by-hand": Ablation(
        replace={"variance = small.var(dim=0, correction=0)": "variance = small.var(dim=0)"}
    ),
    "eval-after-all": Ablation(replace={"layer.train()  # the mistake": "layer.eval()  #"}),
    "half-buffers": Ablation(
        replace={
            "layer = nn.BatchNorm2d(8, momentum=1.0)": (
                "layer = nn.BatchNorm2d(8, momentum=1.0).bfloat16()"
            ),
        }
    ),
    "body-kept-in-eval-mode": Ablation(
        replace={"share_body(bug_clinic.freezing.freeze_network.bug, seed)": KEPT_IN_EVAL_MODE}
    ),
    "image-within-range": Ablation(replace={"x[5] *= 1e5": "x[5] *= 1.0"}),
    "two-samples": Ablation(
        replace={EIGHT_SAMPLES: EIGHT_SAMPLES.replace("hidden(8", "hidden(2")},
    ),
    "double-precision": Ablation(
        replace={
            "sick(column) / column.var": "sick(column.astype(np.float64)) / column.var",
        }
    ),
    "uniform-weights": Ablation(
        replace={"x8, w8 = rng.normal(size=(8, 3)) * 3, rng.normal(size=(8, 3))": UNIFORM}
    ),
}

# Claims collect instead of raising; the last cell reports the ids that turned red.
BEFORE = """\
import sys
sys.path.insert(0, {folder!r})
import patches
from helpers import claims
{patch}
claims_collecting = claims.collecting()
claims_broken = claims_collecting.__enter__()
"""
AFTER = "import json; print('BROKEN' + json.dumps(sorted(set(claims_broken))))"


def cases():
    for path in notebooks():
        used = {
            name
            for c in all_claims().values()
            if numbered(c["notebook"]) == path.stem
            for name in c["ablation"]
        }
        for name in sorted(used):
            yield pytest.param(path, name, id=f"{path.stem}-{name}")


@pytest.mark.parametrize(("path", "name"), list(cases()))
def test_what_an_ablation_replaces_is_there(path, name):
    sources = [cell.source for cell in read(path).cells]
    for old in ABLATIONS[name].replace:
        assert any(old in source for source in sources), (
            f"{old!r} is not in {path.name}: mend the ablation {name!r}"
        )


@pytest.mark.ablation
@pytest.mark.parametrize(("path", "name"), list(cases()))
def test_exactly_the_claims_that_depend_on_it_turn_red(path, name):
    ablation = ABLATIONS[name]
    notebook = read(path)
    for old, new in ablation.replace.items():
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)
    patch = f"patches.{ablation.patch}()" if ablation.patch else ""
    before = BEFORE.format(folder=str(Path(__file__).parent), patch=patch)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(before))
    notebook.cells.append(nbformat.v4.new_code_cell(AFTER))
    client_for(notebook, path).execute()
    printed = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    broken = json.loads(printed.partition("BROKEN")[2])
    depend = [
        key
        for key, entry in all_claims().items()
        if numbered(entry["notebook"]) == path.stem and name in entry["ablation"]
    ]
    assert broken == sorted(depend)


def test_every_claim_names_what_breaks_it():
    for key, entry in all_claims().items():
        assert entry["ablation"], key
        assert set(entry["ablation"]) <= set(ABLATIONS), key
    assert set(ABLATIONS) == {name for entry in all_claims().values() for name in entry["ablation"]}
