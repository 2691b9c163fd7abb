"""Notebook `gpu_training`: how fast is a training step, one change after the other?"""

from itertools import product

from helpers.experiments.experiment import Experiment
from helpers.experiments.on_images import images, residual_net, result_of, source_of
from helpers.torch_nn.speed import CHANGES, changes_on, options_of
from helpers.torch_nn.training import fit


def gpu_steps(
    arm: str, round: int, images_of: str, width: int, batch_size: int, steps: int, device: str
) -> dict:
    """Images per second of a residual net in training, one change at a time from a plain loop in
    float32 that sends every batch to the device; several rounds, each with every arm once."""
    dataset = images(images_of)
    model = residual_net(dataset, width, (1, 1, 1), seed=round)
    history = fit(
        model,
        dataset,
        **options_of(arm, batch_size, 0.05, device),
        epochs=steps,
        max_steps=steps,
        device=device,
        seed=round,
        progress=False,
    )
    return result_of(history)


def _steps(rounds: int, arms=tuple(CHANGES), **common) -> list[dict]:
    return [{"arm": arm, "round": i, **common} for i, arm in product(range(rounds), arms)]


EXPERIMENT = Experiment(
    name="gpu_steps",
    run=gpu_steps,
    settings=_steps(3, images_of="cifar10", width=64, batch_size=128, steps=60),
    cpu_settings=_steps(5, changes_on("cpu"), images_of="small", width=16, batch_size=64, steps=9),
    smoke_settings=_steps(
        1, ("plain loop", "bfloat16"), images_of="digits", width=8, batch_size=32, steps=4
    ),
    data_source=source_of,
)
