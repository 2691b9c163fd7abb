"""Answers to the exercise of the notebook `bug_clinic` about a residual block."""

import torch
from registry import alternative, equivalent, mutant
from torch import nn


def conv(channels, bias):
    return nn.Conv2d(channels, channels, 3, padding=1, bias=bias)


class Block(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x):
        return torch.relu(x + self.branch(x))


def block(channels, norms, bias=False):
    first, second = norms
    return Block(conv(channels, bias), *first, nn.ReLU(), conv(channels, bias), *second)


@alternative("residual_block")
def layer_by_layer(channels, norm=nn.BatchNorm2d):
    if norm is None:
        return block(channels, ([], []), bias=True)
    return block(channels, ([norm(channels)], [norm(channels)]))


@alternative("residual_block")
def identity_for_no_norm(channels, norm=nn.BatchNorm2d):
    norm = norm or (lambda channels: nn.Identity())
    return block(channels, ([norm(channels)], [norm(channels)]), bias=True)


@alternative("residual_block")
def the_last_norm_first(channels, norm=nn.BatchNorm2d):
    last = [norm(channels)] if norm else []
    return block(channels, ([norm(channels)] if norm else [], last), bias=norm is None)


@mutant("residual_block", blamed="size_of_the_weights")
def only_the_first(channels, norm=nn.BatchNorm2d):
    return block(channels, ([norm(channels)] if norm else [], []), bias=True)


@mutant("residual_block", blamed="size_of_the_weights")
def only_the_last(channels, norm=nn.BatchNorm2d):
    return block(channels, ([], [norm(channels)] if norm else []), bias=True)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def always_batch_norm(channels, norm=nn.BatchNorm2d):
    if norm is None:
        return layer_by_layer(channels, None)
    return layer_by_layer(channels)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def one_norm_twice(channels, norm=nn.BatchNorm2d):
    norms = [norm(channels)] if norm else []
    return block(channels, (norms, norms), bias=norm is None)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def behind_the_activation(channels, norm=nn.BatchNorm2d):
    norms = [[norm(channels)] if norm else [] for _ in range(2)]
    first, second = conv(channels, norm is None), conv(channels, norm is None)
    return Block(first, nn.ReLU(), *norms[0], second, *norms[1])


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def a_third_norm_in_front(channels, norm=nn.BatchNorm2d):
    norms = [[norm(channels)] if norm else [] for _ in range(3)]
    return Block(*norms[0], *block(channels, norms[1:], bias=norm is None).branch)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def one_channel_too_many(channels, norm=nn.BatchNorm2d):
    def wider(channels):
        return nn.BatchNorm2d(channels) if norm is nn.BatchNorm2d else norm(channels + 1)

    return layer_by_layer(channels, norm and wider)


@mutant("residual_block", blamed="no_norm_at_all")
def batch_norm_for_none(channels, norm=nn.BatchNorm2d):
    return layer_by_layer(channels, norm or nn.BatchNorm2d)


@mutant("residual_block", blamed="no_norm_at_all")
def never_a_bias(channels, norm=nn.BatchNorm2d):
    norms = [[norm(channels)] if norm else [] for _ in range(2)]
    return block(channels, norms)


@alternative("residual_block")
def named_layers(channels, norm=nn.BatchNorm2d):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            for k in (1, 2):
                setattr(self, f"conv{k}", nn.Conv2d(channels, channels, (3, 3), padding="same"))
                setattr(self, f"norm{k}", nn.Identity() if norm is None else norm(channels))

        def forward(self, x):
            hidden = nn.functional.relu(self.norm1(self.conv1(x)))
            return nn.functional.relu(self.norm2(self.conv2(hidden)) + x)

    return Named()


@alternative("residual_block")
def a_sequence_with_a_shortcut(channels, norm=nn.BatchNorm2d):
    class Shortcut(nn.Sequential):
        def forward(self, x):
            return (x + super().forward(x)).clamp(min=0)

    def pair():
        return [conv(channels, norm is None), *([] if norm is None else [norm(channels)])]

    return Shortcut(*pair(), nn.ReLU(), *pair())


@mutant("residual_block", blamed="size_of_the_weights", says="padding=1")
def no_padding(channels, norm=nn.BatchNorm2d):
    pieces = [[norm(channels)] if norm else [] for _ in range(2)]
    convs = [nn.Conv2d(channels, channels, 3, bias=norm is None) for _ in range(2)]
    return Block(convs[0], *pieces[0], nn.ReLU(), convs[1], *pieces[1])


@mutant("residual_block", blamed="size_of_the_weights")
def padding_of_two(channels, norm=nn.BatchNorm2d):
    pieces = [[norm(channels)] if norm else [] for _ in range(2)]
    convs = [nn.Conv2d(channels, channels, 3, padding=p, bias=norm is None) for p in (2, 0)]
    return Block(convs[0], *pieces[0], nn.ReLU(), convs[1], *pieces[1])


@mutant("residual_block", blamed="size_of_the_weights")
def three_convolutions(channels, norm=nn.BatchNorm2d):
    return Block(*layer_by_layer(channels, norm).branch, conv(channels, False))


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def six_channels(channels, norm=nn.BatchNorm2d):
    return block(6, ([norm(6)], [norm(6)])) if norm else block(6, ([], []), bias=True)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def no_shortcut(channels, norm=nn.BatchNorm2d):
    return nn.Sequential(*layer_by_layer(channels, norm).branch, nn.ReLU())


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def no_relu_at_the_end(channels, norm=nn.BatchNorm2d):
    class Open(Block):
        def forward(self, x):
            return x + self.branch(x)

    return Open(*layer_by_layer(channels, norm).branch)


@mutant("residual_block", blamed="size_of_the_weights")
def norm_of_the_sum(channels, norm=nn.BatchNorm2d):
    if norm is None:
        return layer_by_layer(channels, None)

    class Late(Block):
        def forward(self, x):
            return torch.relu(self.branch[-1](x + self.branch[:-1](x)))

    return Late(*layer_by_layer(channels, norm).branch)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def relu_after_both(channels, norm=nn.BatchNorm2d):
    return Block(*layer_by_layer(channels, norm).branch, nn.ReLU())


@mutant("residual_block", blamed="no_norm_at_all")
def nothing_for_none(channels, norm=nn.BatchNorm2d):
    return layer_by_layer(channels, norm) if norm else Block(nn.Identity())


@mutant("residual_block", blamed="no_norm_at_all")
def one_bias_alone(channels, norm=nn.BatchNorm2d):
    if norm:
        return layer_by_layer(channels, norm)
    return Block(conv(channels, True), nn.ReLU(), conv(channels, False))


equivalent(
    "residual_block",
    "layers = [nn.Conv2d(channels, channels, 3, padding=1, bias=norm is None)] -> … padding=1)]",
    because="a convolution has a bias unless it is told otherwise; a norm takes it out again",
)
