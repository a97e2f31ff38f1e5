from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.evaluation.similarity import similarity, ssim, to_display


def plain_ssim(a: list[list[float]], b: list[list[float]]) -> float:
    """Wang et al. (2004), equation 13, under an 11 x 11 Gaussian window, reflected at the borders; averaged."""
    height, width = len(a), len(a[0])
    offsets = range(-5, 6)
    weight = [math.exp(-(d**2) / (2 * 1.5**2)) for d in offsets]
    total = sum(weight)

    def reflected(index: int, size: int) -> int:
        index = abs(index)
        return index if index < size else 2 * (size - 1) - index

    values = []
    for y in range(height):
        for x in range(width):
            window = [
                (
                    weight[dy + 5] * weight[dx + 5] / total**2,
                    a[reflected(y + dy, height)][reflected(x + dx, width)],
                    b[reflected(y + dy, height)][reflected(x + dx, width)],
                )
                for dy in offsets
                for dx in offsets
            ]
            mean_a, mean_b = sum(w * p for w, p, _ in window), sum(w * q for w, _, q in window)
            var_a, var_b = (
                sum(w * (p - mean_a) ** 2 for w, p, _ in window),
                sum(w * (q - mean_b) ** 2 for w, _, q in window),
            )
            cov = sum(w * (p - mean_a) * (q - mean_b) for w, p, q in window)
            c1, c2 = 0.01**2, 0.03**2
            values.append(
                (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
            )
    return sum(values) / len(values)


@pytest.fixture
def images() -> Tensor:
    return torch.rand((3, 1, 8, 9), generator=torch.Generator().manual_seed(0))


def test_ssim_equals_a_plain_reference_image_by_image(images: Tensor) -> None:
    references = (images + images.roll(1, 0)) / 2
    expected = [plain_ssim(a.tolist(), b.tolist()) for a, b in zip(images[:, 0], references[:, 0], strict=True)]
    assert ssim(images, references).tolist() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_constant_images_is_the_luminance_term() -> None:
    value = ssim(torch.full((1, 1, 12, 12), 0.2), torch.full((1, 1, 12, 12), 0.6)).item()
    assert value == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), abs=1e-4)


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 12, 12), (1, 8, 8), (1, 6, 6), (1, 5, 9), (1, 3, 3), (1, 2, 5), (1, 1, 1)]
)
def test_ssim_of_equal_images_is_one_at_any_size(shape: tuple[int, int, int]) -> None:
    x = torch.rand((2, *shape), generator=torch.Generator().manual_seed(1))
    assert ssim(x, x).tolist() == pytest.approx([1.0, 1.0])
    assert (ssim(x, 1 - x) < 0.99).all()


def test_ssim_of_flat_images_does_not_pass_one() -> None:
    flat = torch.full((2, 1, 28, 28), 0.947)
    assert ssim(flat, flat).max() <= 1


def test_ssim_refuses_shapes_that_differ(images: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(3, 1, 8, 9\) and \(2, 1, 8, 9\)"):
        ssim(images, images[:2])


def test_images_are_clamped_for_display() -> None:
    x = torch.tensor([-1.0, 0.25, 2.0]).view(1, 1, 1, 3).requires_grad_()
    assert to_display(x).flatten().tolist() == [0.0, 0.25, 1.0]
    assert not to_display(x).requires_grad


def test_spikes_are_displayed_as_rates() -> None:
    spikes = torch.tensor([[1, 0], [1, 1], [0, 0], [1, 0]], dtype=torch.uint8).view(4, 1, 1, 1, 2)
    assert to_display(spikes).tolist() == [[[[0.75, 0.25]]]]


def test_display_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"got the shape \(2, 3\)"):
        to_display(torch.zeros(2, 3))


class TwoBlobs(ImageDataModule):
    """Class 0: a bright and a dark plane with a dot. Class 1: two different gradients."""

    input_shape: ClassVar[tuple[int, int, int]] = (1, 8, 8)
    num_classes: ClassVar[int] = 2

    def load(self) -> dict[str, ImageDataset]:
        images = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
        images[0, 0] = 200
        images[1, 0, 2, 2] = 255
        images[2, 0] = torch.arange(0, 240, 30)
        images[3, 0] = torch.arange(0, 240, 30)[:, None]
        split = ImageDataset(images, torch.tensor([0, 0, 1, 1]))
        return {"train": split, "val": split, "test": split}


def test_similarity_finds_the_mean_and_the_nearest_training_image_of_the_class() -> None:
    data = TwoBlobs()
    ramp = data.class_images(1)[1]
    rows = similarity(torch.stack([ramp, data.class_means()[0]]), [1, 0], data)
    assert [row["class"] for row in rows] == [1, 0]
    assert rows[0]["ssim_nearest"] == pytest.approx(1.0)
    assert rows[0]["ssim_class_mean"] == pytest.approx(ssim(ramp[None], data.class_means()[1:]).item())
    assert rows[1]["ssim_class_mean"] == pytest.approx(1.0)
    # an image of the other class is not taken for the nearest one
    (other,) = similarity(ramp[None], [0], data)
    distances = [(ramp - private).norm().item() for private in data.class_images(0)]
    nearest = data.class_images(0)[distances.index(min(distances))]
    assert other["ssim_nearest"] == pytest.approx(ssim(ramp[None], nearest[None]).item())
    assert other["ssim_nearest"] < 0.9


class UnseenDot(TwoBlobs):
    """Class 0 is tested on an image that was never trained on."""

    def load(self) -> dict[str, ImageDataset]:
        images = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
        images[0, 0, 5, 6] = 255
        images[1, 0] = torch.arange(0, 240, 30)
        return {**super().load(), "test": ImageDataset(images, torch.tensor([0, 1]))}


def test_similarity_compares_with_training_images_and_never_with_test_images() -> None:
    data = UnseenDot()
    trained, unseen = data.class_images(0)[1], data.class_images(0, "test")[0]
    of_trained, of_unseen = similarity(torch.stack([trained, unseen]), [0, 0], data)
    assert of_trained["ssim_nearest"] == pytest.approx(1.0)
    assert of_unseen["ssim_nearest"] == pytest.approx(ssim(unseen[None], trained[None]).item())
    assert of_unseen["ssim_nearest"] < 0.95
    mean = data.class_images(0).mean(0)
    assert of_unseen["ssim_class_mean"] == pytest.approx(ssim(unseen[None], mean[None]).item())
    assert of_trained["distance_member"] == 0 < of_trained["distance_non_member"]
    assert of_unseen["distance_non_member"] == 0 < of_unseen["distance_member"]
    assert of_trained["member_nearer"] == 1.0  # whichever of the two members is drawn: in the other one nothing is seen
    assert of_unseen["member_nearer"] == 0.0


def test_similarity_of_spikes_and_of_rescaled_images() -> None:
    data = TwoBlobs()
    ramp = data.class_images(1)[:1]
    stretched = ramp / ramp.max()
    (from_spikes,) = similarity((stretched > 0.5).expand(3, -1, -1, -1, -1), [1], data)
    (from_image,) = similarity((stretched > 0.5).float(), [1], data)
    assert from_spikes == pytest.approx(from_image)
    (dim,) = similarity(0.1 * ramp - 3.0, [1], data)
    (rescaled,) = similarity(0.1 * ramp - 3.0, [1], data, rescale=True)
    (expected,) = similarity(stretched, [1], data)
    assert rescaled == pytest.approx(expected, abs=1e-4)
    assert dim["ssim_nearest"] < 0.5 < rescaled["ssim_nearest"]


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((2, 1, 8, 8), [0], "got 2 reconstructions and 1 classes"),
        ((1, 1, 8, 8), [2], "class 2 does not exist"),
        ((1, 1, 7, 8), [0], r"TwoBlobs has images of shape \(1, 8, 8\), got reconstructions of \(1, 7, 8\)"),
    ],
)
def test_similarity_refuses(shape: tuple[int, ...], classes: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        similarity(torch.zeros(shape), classes, TwoBlobs())
