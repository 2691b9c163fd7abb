"""Images move by whole pixels and are mirrored, each as its own draw says."""

import numpy as np
import pytest
import torch

from helpers.torch_nn.augmentation import Augment, shift

X = torch.tensor(np.random.default_rng(0).uniform(1, 2, (40, 3, 6, 5)), dtype=torch.float32)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def shifted_by_hand(image, down, right):
    """A (C, H, W) image after moving one pixel after the other."""
    moved = torch.zeros_like(image)
    _, height, width = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                moved[:, row + down, column + right] = image[:, row, column]
    return moved


def test_shift_moves_every_image_by_its_own_pixels_and_brings_zeros_in():
    rng = np.random.default_rng(1)
    down, right = torch.from_numpy(rng.integers(-2, 3, (2, 40)))
    moved = shift(X, down, right, most=2)
    for i in range(40):
        assert torch.equal(moved[i], shifted_by_hand(X[i], int(down[i]), int(right[i])))


def test_an_image_of_one_bright_pixel_goes_down_and_to_the_right():
    x = torch.zeros(1, 1, 3, 3)
    x[0, 0, 1, 1] = 1
    moved = shift(x, torch.tensor([1]), torch.tensor([-1]), most=1)
    assert moved.nonzero().tolist() == [[0, 0, 2, 0]]


def draws(augment, count=2000):
    """How often each of the 18 possible results comes out of one image: (mirrored, down, right)."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    images = (X[0], X[0].flip(2))
    possible = torch.stack([shifted_by_hand(x, *move) for x in images for move in moves])
    y = augment(X[:1].expand(count, -1, -1, -1), generator())
    hits = (y[:, None] == possible).flatten(2).all(dim=2)
    assert (hits.sum(dim=1) == 1).all()  # every result is one of them
    return hits.sum(dim=0).numpy().reshape(2, 3, 3) / count


# The bounds are more than four standard deviations of a share of 2000 draws.


def test_every_shift_up_to_the_largest_is_equally_likely():
    upright, mirrored = draws(Augment(flip=False, translate=1))
    np.testing.assert_allclose(upright, 1 / 9, atol=0.03)
    assert not mirrored.any()


def test_half_of_the_images_are_mirrored_left_to_right():
    shares = draws(Augment(flip=True, translate=0))
    np.testing.assert_allclose(shares[:, 1, 1], 1 / 2, atol=0.05)


def test_flips_and_shifts_do_not_depend_on_each_other():
    np.testing.assert_allclose(draws(Augment(flip=True, translate=1)), 1 / 18, atol=0.022)


def test_the_generator_decides_and_images_stay_as_they_are():
    before, state = X.clone(), torch.get_rng_state()
    augment = Augment()
    a, b, c = augment(X, generator()), augment(X, generator()), augment(X, generator(1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(X, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3])
def test_type_and_memory_format_stay(layout, channels):
    x = X[:, :channels].to(torch.bfloat16).contiguous(memory_format=layout)
    y = Augment(translate=1)(x, generator())
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=layout)
    plain = Augment(translate=1)(X[:, :channels].to(torch.bfloat16), generator())
    assert torch.equal(y, plain)


def test_nothing_is_drawn_where_nothing_changes():
    rng = generator()
    before = rng.get_state()
    assert Augment(flip=False, translate=0)(X, rng) is X
    assert torch.equal(rng.get_state(), before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_works_on_the_device_of_the_images():
    x = X.cuda()
    y = Augment(translate=1)(x, torch.Generator("cuda").manual_seed(0))
    assert y.device == x.device
    assert not torch.equal(y, x)
