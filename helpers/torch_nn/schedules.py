"""What the optimizer needs beside the loss: the learning rate of a step, the decay of a weight."""


def one_cycle(step, steps):
    """The share of the peak learning rate at `step` of 0 ... steps - 1.

    It rises in a straight line over the first quarter and falls in a straight line to almost 0:
    a warm-up (Goyal et al. 2017, section 2.2) and a linear decay.
    """
    peak = (steps - 1) // 4
    return min((step + 1) / (peak + 1), (steps - step) / (steps - peak))


def constant(step, steps):
    """1 at every step."""
    return 1.0


SCHEDULES = {"one_cycle": one_cycle, "constant": constant}


def decay_weights(model, weight_decay):
    """Parameter groups in which the weights of convolutions and linear layers decay, only they.

    Biases, gamma, beta and other vectors and numbers do not decay (He et al. 2019, section 3.1,
    "no bias decay").
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
