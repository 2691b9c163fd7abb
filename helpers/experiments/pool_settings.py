"""The settings of the pool: what is trained on what, how, and which arms at which rates."""

from helpers.pool import DROPOUTS, TWO

BASE = {
    "data": "digits",
    "images": 1047,  # to train on; of the digits, all but those held out
    "wrong": 0.0,  # the share of training images with a wrong label
    "pixels": "raw",
    "hidden": [64] * 5,
    "activation": "relu",
    "init": "he",
    "gain": 1.0,  # times the initial weights
    "batch": 64,
    "optimizer": "sgd",
    "steps": 400,
}
SIGMOID = {"hidden": [100] * 3, "activation": "sigmoid", "init": 0.3, "batch": 60, "steps": 600}
WIDE = {"hidden": [128] * 2}
FEW = {"images": 300, "batch": 20, "steps": 800, **WIDE}
WRONG = {**FEW, "wrong": 0.4}
DEEP = {"hidden": [32] * 30, "steps": 200}
MNIST = {"data": "mnist", "images": 3000}
FRESH = {"first_seed": 5}  # seeds from 5 on: five that no other setting has


def _rates(lowest: int, highest: int) -> list[float]:
    """Half-decades: 10 ** (k / 2), to three digits, for k from lowest to highest."""
    return [float(f"{10 ** (k / 2):.3g}") for k in range(lowest, highest + 1)]


RELU_RATES = _rates(-6, 2)
SIGMOID_RATES = _rates(-4, 4)
FEW_RATES = _rates(-5, 1)
DEEP_RATES = _rates(-6, 0)
NORM_RATES = _rates(-2, 3)  # where only gamma and beta are trained
OTHERS = ("batch norm behind", "group norm")
NOISY = "noisy batch norm"
DEEP_ARMS = (*TWO, "skips, batch norm", "SkipInit")

# name: (what differs from BASE, rates, arms)
_TABLE = {
    # the base, and one thing changed at a time
    "relu": ({}, RELU_RATES, (*TWO, *OTHERS, NOISY)),
    "relu, batch 2": ({"batch": 2}, RELU_RATES, (*TWO, "group norm")),
    "relu, batch 4": ({"batch": 4}, RELU_RATES, (*TWO, *OTHERS)),
    "relu, batch 8": ({"batch": 8}, RELU_RATES, (*TWO, *OTHERS, NOISY)),
    "relu, batch 20": ({"batch": 20}, RELU_RATES, (*TWO, *OTHERS)),
    "relu, batch 256": ({"batch": 256}, RELU_RATES, (*TWO, *OTHERS)),
    "relu, 2 x 128": (WIDE, RELU_RATES, (*TWO, *OTHERS, NOISY)),
    "relu, 12 x 64": ({"hidden": [64] * 12}, RELU_RATES, TWO),
    "relu, 8 x 100": ({"hidden": [100] * 8}, RELU_RATES, (*TWO, NOISY)),
    "relu, 20 x 64": ({"hidden": [64] * 20}, RELU_RATES, (*TWO, NOISY)),
    "relu, PyTorch's init": ({"init": "pytorch"}, RELU_RATES, TWO),
    "relu, pixels centred": ({"pixels": "centred"}, RELU_RATES, TWO),
    "relu, pixels standardized": ({"pixels": "standardized"}, RELU_RATES, TWO),
    "relu, momentum": ({"optimizer": "momentum"}, _rates(-8, 1), TWO),
    "relu, Adam": ({"optimizer": "adam"}, _rates(-9, 0), TWO),
    "relu, MNIST": (MNIST, RELU_RATES, (*TWO, *OTHERS, NOISY)),
    "tanh": ({"activation": "tanh"}, RELU_RATES, (*TWO, "batch norm behind")),
    # the other base
    "sigmoid": (SIGMOID, SIGMOID_RATES, (*TWO, *OTHERS, NOISY)),
    "sigmoid, batch 8": ({**SIGMOID, "batch": 8}, SIGMOID_RATES, (*TWO, *OTHERS)),
    "sigmoid, pixels centred": ({**SIGMOID, "pixels": "centred"}, SIGMOID_RATES, TWO),
    "sigmoid, pixels standardized": ({**SIGMOID, "pixels": "standardized"}, SIGMOID_RATES, TWO),
    "sigmoid, Adam": ({**SIGMOID, "optimizer": "adam"}, _rates(-8, 0), TWO),
    "sigmoid, MNIST": ({**SIGMOID, **MNIST}, SIGMOID_RATES, (*TWO, NOISY)),
    # few images, right labels
    "300 images": (FEW, FEW_RATES, (*TWO, *DROPOUTS)),
    "300 images, fresh seeds": ({**FEW, **FRESH}, FEW_RATES, (*TWO, *DROPOUTS)),
    "300 images, 5 x 64": ({**FEW, "hidden": [64] * 5}, FEW_RATES, (*TWO, *DROPOUTS)),
    "300 images, batch 8": ({**FEW, "batch": 8}, FEW_RATES, TWO),
    "300 images, batch 64": ({**FEW, "batch": 64}, FEW_RATES, TWO),
    "300 images, 5 x 64, batch 64": (
        {**FEW, "hidden": [64] * 5, "batch": 64}, FEW_RATES, (*TWO, *DROPOUTS)
    ),
    "300 images, tanh": ({**FEW, "activation": "tanh"}, FEW_RATES, TWO),
    "300 images, sigmoid": ({**SIGMOID, "images": 300, "steps": 800}, SIGMOID_RATES, TWO),
    "300 images, MNIST": ({**FEW, "data": "mnist"}, FEW_RATES, (*TWO, *DROPOUTS)),
    "1047 images": ({**FEW, "images": 1047}, FEW_RATES, (*TWO, *DROPOUTS)),
    # wrong labels
    "wrong labels": (WRONG, FEW_RATES, (*TWO, *DROPOUTS)),
    "wrong labels, batch 8": ({**WRONG, "batch": 8}, FEW_RATES, TWO),
    "wrong labels, batch 64": ({**WRONG, "batch": 64}, FEW_RATES, TWO),
    "wrong labels, 5 x 64": ({**WRONG, "hidden": [64] * 5}, FEW_RATES, (*TWO, *DROPOUTS)),
    "wrong labels, 5 x 64, batch 64": (
        {**WRONG, "hidden": [64] * 5, "batch": 64}, FEW_RATES, (*TWO, *DROPOUTS)
    ),
    "wrong labels, tanh": ({**WRONG, "activation": "tanh"}, FEW_RATES, TWO),
    "wrong labels, PyTorch's init": ({**WRONG, "init": "pytorch"}, FEW_RATES, TWO),
    "wrong labels, sigmoid": (
        {**SIGMOID, "images": 300, "steps": 800, "wrong": 0.4}, SIGMOID_RATES, (*TWO, *DROPOUTS)
    ),
    "wrong labels, 1047 images": ({**WRONG, "images": 1047}, FEW_RATES, (*TWO, *DROPOUTS)),
    "wrong labels, MNIST": ({**WRONG, "data": "mnist"}, FEW_RATES, (*TWO, *DROPOUTS)),
    "wrong labels, MNIST, fresh seeds": (
        {**WRONG, "data": "mnist", **FRESH}, FEW_RATES, (*TWO, *DROPOUTS)
    ),
    "wrong labels, 5 x 64, batch 64, fresh seeds": (
        {**WRONG, "hidden": [64] * 5, "batch": 64, **FRESH}, FEW_RATES, TWO
    ),
    "wrong labels, tanh, fresh seeds": ({**WRONG, "activation": "tanh", **FRESH}, FEW_RATES, TWO),
    # depth
    "30 x 32": (DEEP, DEEP_RATES, DEEP_ARMS),
    "30 x 32, batch 256": ({**DEEP, "batch": 256}, DEEP_RATES, TWO),
    "30 x 32, tanh": ({**DEEP, "activation": "tanh"}, DEEP_RATES, TWO),
    "30 x 100, batch 256": (
        {"hidden": [100] * 30, "batch": 256, "steps": 100}, DEEP_RATES[2:], TWO
    ),
    "60 x 32": ({"hidden": [32] * 60, "steps": 200}, DEEP_RATES, DEEP_ARMS),
    # only gamma and beta
    **{
        f"gamma and beta, {depth} x {width}": (
            {"hidden": [width] * depth}, NORM_RATES, ("only gamma and beta",)
        )
        for depth, width in ((1, 128), (1, 512), (6, 32), (6, 128), (12, 64), (12, 128))
    },
    **{
        f"gamma and beta, 6 x 128, {name}": (
            {"hidden": [128] * 6, **change}, NORM_RATES, ("only gamma and beta",)
        )
        for name, change in {
            "MNIST": MNIST, "batch 8": {"batch": 8}, "tanh": {"activation": "tanh"}
        }.items()
    },
    # the scale of the initial weights
    **{
        f"{base}, gain {gain:.3g}": ({**change, "gain": gain, "steps": 200}, rates, TWO)
        for base, (change, rates) in {
            "relu": ({}, [0.1, 1.0]),
            "relu, batch 8": ({"batch": 8}, [0.1, 1.0]),
            "relu, batch 20": ({"batch": 20}, [0.1]),
            "relu, batch 256": ({"batch": 256}, [0.1]),
            "relu, 2 x 128": (WIDE, [0.1, 1.0]),
            "relu, pixels standardized": ({"pixels": "standardized"}, [0.1]),
            "relu, MNIST": (MNIST, [0.1]),
            "tanh": ({"activation": "tanh"}, [0.1, 1.0]),
            "sigmoid": (SIGMOID, [0.1]),
        }.items()
        for gain in _rates(-6, 4)
    },
}  # fmt: skip

# Where the best rate of an arm lay at the edge of the grid: half-decades beyond it.
_BEYOND = {
    ("relu, batch 2", "group norm"): _rates(-6, -5),
    ("relu, batch 4", "group norm"): _rates(-6, -5),
    ("sigmoid, batch 8", "batch norm behind"): _rates(-4, -3),
    ("30 x 100, batch 256", "plain"): _rates(-6, -5),
    ("gamma and beta, 1 x 512", "only gamma and beta"): _rates(4, 5),
    ("wrong labels, 5 x 64, batch 64", "batch norm"): _rates(2, 3),
    ("wrong labels, 5 x 64, batch 64, fresh seeds", "batch norm"): _rates(2, 3),
    ("wrong labels, PyTorch's init", "batch norm"): _rates(-7, -6),
}


def _rates_of(name: str, arm: str, rates: list[float]) -> list[float]:
    """All of them; for arms beside the two that the course is about, those around their best."""
    around = rates[2:-1] if arm in (*OTHERS, NOISY) else rates
    return sorted([*around, *_BEYOND.get((name, arm), [])])


SETTINGS = {
    name: ({**BASE, **change}, {arm: _rates_of(name, arm, rates) for arm in arms})
    for name, (change, rates, arms) in _TABLE.items()
}
