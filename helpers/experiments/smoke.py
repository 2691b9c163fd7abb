"""No notebook: whether everything is there that a recording of Part III needs."""

from helpers.experiments.experiment import Experiment
from helpers.experiments.on_images import images, residual_net, result_of
from helpers.torch_nn.training import fit


def smoke(seed: int, device: str) -> dict:
    """Four steps of a small residual net on the digits: is everything there that a recording
    needs?"""
    dataset = images("digits")
    net = residual_net(dataset, 8, (1,), seed)
    options = {"epochs": 1, "max_steps": 4, "batch_size": 32, "lr": 0.05, "progress": False}
    return result_of(fit(net, dataset, **options, device=device, seed=seed))


EXPERIMENT = Experiment(
    name="smoke",
    run=smoke,
    settings=[{"seed": 0}],
    cpu_settings=[{"seed": 0}],
    smoke_settings=[{"seed": 0}],
    data_source=lambda size: images("digits").source,
)
