"""Train a small residual net with every GPU of a machine, or with several processes on its CPU.

    torchrun --nproc-per-node 2 -m helpers.torch_nn.train_distributed --data digits --norm sync

On several machines, run the same command on each, with --nnodes, --rdzv-backend c10d,
--rdzv-endpoint and --rdzv-id added (the notebook `many_gpus` shows it). `--help` lists the options.
"""

import argparse
import os

import numpy as np
import torch.distributed as dist

from helpers.data import load
from helpers.torch_nn.distributed import SyncBatchNorm, join
from helpers.torch_nn.models import resnet
from helpers.torch_nn.training import fit


def main(arguments=None):
    """Train as the command line says; print the accuracy in the process of rank 0; return History.

    arguments: a list of strings, by default those of the command line.
    """
    options = _parser().parse_args(arguments)
    device = join()
    dataset = _load(options.data)
    model = resnet(
        np.random.default_rng(options.seed),
        width=options.width,
        blocks=(1, 1, 1),
        norm="batch" if options.norm == "sync" else options.norm,
        in_channels=dataset.x_train.shape[1],
        classes=dataset.num_classes,
    )
    if options.norm == "sync":
        model = SyncBatchNorm.convert(model)
    history = fit(
        model,
        dataset,
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        device=device,
        seed=options.seed,
        amp=options.amp,
        checkpoint=options.checkpoint,
        progress=False,
    )
    if dist.get_rank() == 0:
        print(f"{dist.get_world_size()} processes, {options.norm}: {_summary(history)}")
    dist.destroy_process_group()
    return history


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="digits", choices=("digits", "mnist", "cifar10"))
    parser.add_argument(
        "--norm", default="batch", choices=("batch", "sync", "group", "none"),
        help="batch: statistics per process; sync: of all processes",
    )  # fmt: skip
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--batch-size", type=int, default=64, help="images per step, over all processes"
    )
    parser.add_argument("--lr", type=float, default=0.1, help="for this batch size")
    parser.add_argument("--width", type=int, default=16, help="channels of the first stage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--amp", action="store_true", help="compute in bfloat16 where it is safe")
    parser.add_argument("--checkpoint", help="a file; the same command goes on from it")
    return parser


def _load(name):
    """Load the data; one process of each machine comes first and downloads, the others wait."""
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if not first:
        dist.barrier()
    dataset = load(name)
    if first:
        dist.barrier()
    return dataset


def _summary(history):
    if history.stopped:
        return f"stopped: {history.stopped}"
    accuracy, speed = history.test_accuracy[-1], history.images_per_second
    return f"test accuracy {accuracy:.4f}, {speed:.0f} images per second"


if __name__ == "__main__":
    main()
