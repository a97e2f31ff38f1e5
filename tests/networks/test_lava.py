"""Lava-DL's .net files: small ones in the real layout, run beside plain loops over whole numbers."""

from __future__ import annotations

import builtins
import copy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from brainleaks_pl.networks.lava.blocks import delayed
from brainleaks_pl.networks.lava.network import LavaNetwork
from brainleaks_pl.networks.lava.neurons import LOIHI_SURROGATE, LoihiNeurons, loihi_scan
from brainleaks_pl.networks.surrogates import ATan, FastSigmoid, Sigmoid, Surrogate

Entry = dict[str, Any]
Whole = npt.NDArray[np.int64]
T, B = 14, 3
CUBA: Entry = {
    "type": "CUBA",
    "iDecay": 4096,
    "vDecay": 123,
    "vThMant": 80,
    "refDelay": 1,
    "gradedSpike": False,
}


def write(path: Path, blocks: list[Entry]) -> Path:
    """Write blocks as Lava-DL 0.6 does: the type as an array of one, constants of neurons as scalars."""
    with h5py.File(path, "w") as file:
        for i, block in enumerate(blocks):
            group = file.create_group(f"layer/{i}")
            group.create_dataset("type", (1,), "S10", [block["type"].encode()])
            for name, value in block.items():
                if name == "neuron":
                    for key, constant in value.items():
                        group.create_dataset(f"neuron/{key}", data=constant)
                elif name == "weight" and isinstance(value, dict):
                    for key, part in value.items():
                        group.create_dataset(f"weight/{key}", data=part)
                elif name != "type":
                    group.create_dataset(name, data=value)
        file.create_dataset("simulation/Ts", data=1)
        file.create_dataset("simulation/tSample", data=16)
    return path


def mnist_like(random: np.random.Generator) -> list[Entry]:
    """The blocks of the published MNIST network, smaller: 9-8-5-4."""

    def weights(*shape: int) -> npt.NDArray[np.float32]:
        return (2 * random.integers(-20, 27, shape)).astype(np.float32)

    return [
        {
            "type": "input",
            "shape": [9],
            "weight": np.float32([76]),
            "bias": np.float32([64]),
            "neuron": CUBA,
        },
        {"type": "dense", "shape": [8], "inFeatures": 9, "outFeatures": 8, "weight": weights(8, 9), "neuron": CUBA},
        {"type": "dense", "shape": [5], "inFeatures": 8, "outFeatures": 5, "weight": weights(5, 8), "neuron": CUBA},
        {"type": "dense", "shape": [4], "inFeatures": 5, "outFeatures": 4, "weight": weights(4, 5)},
    ]


def convolutional(random: np.random.Generator) -> list[Entry]:
    """Every kind of block; events come in, populations are averaged."""
    conv = {
        "type": "conv",
        "shape": [4, 4, 5],
        "inChannels": 2,
        "outChannels": 4,
        "kernelSize": [3, 2],
        "stride": [2, 1],
        "padding": [1, 0],
        "dilation": [1, 1],
        "groups": 2,
        "weight": (2 * random.integers(-15, 40, (4, 1, 3, 2))).astype(np.float32),
        "bias": np.float32([6, -4, 0, 10]),
        "delay": np.float32([0, 2, 1, 3]),
        "neuron": CUBA | {"type": "LOIHI", "iDecay": 1024, "theta": 5120, "wgtExp": 0, "scaleRho": 1.0},
    }
    pool = {
        "type": "pool",
        "shape": [4, 2, 3],
        "kernelSize": [2, 2],
        "stride": [2, 2],
        "padding": [0, 0],
        "dilation": [1, 1],
        "weight": np.full((1, 1, 2, 2, 1), 88, np.float32),
        "neuron": CUBA | {"vDecay": 1000},
    }
    dense = {
        "type": "dense",
        "shape": [6, 1, 1],
        "inFeatures": 24,
        "outFeatures": 6,
        "weight": (2 * random.integers(-20, 25, (6, 24))).astype(np.float32),
        "bias": np.float32([8, 0, -2, 4, 30, 6]),
        "neuron": CUBA | {"iDecay": 2500, "vThMant": 40},
    }
    return [
        {"type": "input", "shape": [2, 7, 6]},
        conv,
        pool,
        {"type": "flatten", "shape": [24, 1, 1]},
        dense,
        {"type": "average", "shape": [3, 1, 1]},
    ]


class Reference:
    """The same network one number at a time, in Python's own whole numbers."""

    def __init__(self, blocks: list[Entry], delay_shift: bool = False, strict: bool = False) -> None:
        self.blocks, self.delay_shift, self.strict = blocks, delay_shift, strict
        self.spikes: list[Whole] = []
        self.membranes: list[Whole] = []

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run one sample, (T, ...)."""
        for block in self.blocks:
            x = getattr(self, block["type"])(block, x)
        return x

    def input(self, block: Entry, x: npt.NDArray[Any]) -> Whole:
        if "neuron" not in block:
            return self.late(block, x.astype(np.int64))
        weight, bias = float(block["weight"][0]), float(block["bias"][0])
        return self.fire(block | {"bias": None}, np.floor(weight * x.astype(np.float64) + bias).astype(np.int64))

    def dense(self, block: Entry, x: Whole) -> Whole:
        weight = block["weight"].astype(np.int64)
        sums = np.zeros((len(x), len(weight)), np.int64)
        for t in range(len(x)):
            for k in range(len(weight)):
                sums[t, k] = sum(int(w) * int(s) for w, s in zip(weight[k], x[t].reshape(-1), strict=True))
        return self.fire(block, sums) if "neuron" in block else 64 * sums

    def conv(self, block: Entry, x: Whole) -> Whole:
        weight = block["weight"].astype(np.int64)
        (sy, sx), (py, px) = block["stride"], block["padding"]
        sums = np.zeros((len(x), *block["shape"]), np.int64)
        outs, depth, height, width = weight.shape
        for t, o, row, column in np.ndindex(sums.shape):
            first = o // (outs // block["groups"]) * depth
            for c, i, j in np.ndindex(depth, height, width):
                y, z = row * sy + i - py, column * sx + j - px
                if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
                    sums[t, o, row, column] += weight[o, c, i, j] * x[t, first + c, y, z]
        return self.fire(block, sums)

    def pool(self, block: Entry, x: Whole) -> Whole:
        sums = np.zeros((len(x), *block["shape"]), np.int64)
        for t, c, row, column in np.ndindex(x.shape):
            sums[t, c, row // 2, column // 2] += int(block["weight"].flat[0]) * x[t, c, row, column]
        return self.fire(block, sums)

    def flatten(self, _: Entry, x: Whole) -> Whole:
        return x.reshape(len(x), -1)

    def average(self, block: Entry, x: Whole) -> npt.NDArray[np.float64]:
        return x.reshape(len(x), block["shape"][0], -1).mean(-1)

    def fire(self, block: Entry, sums: Whole) -> Whole:
        neuron = block["neuron"]
        spikes, membranes = np.zeros_like(sums), np.zeros_like(sums)
        for place in np.ndindex(sums.shape[1:]):
            bias = 0 if block.get("bias") is None else 64 * int(block["bias"][place[0]])
            u = v = 0
            for t in range(len(sums)):
                u = towards_zero(u * (4096 - neuron["iDecay"])) + 64 * int(sums[(t, *place)])
                v = towards_zero(v * (4096 - neuron["vDecay"])) + u + bias
                membranes[(t, *place)] = v
                if v > 64 * neuron["vThMant"] or (v == 64 * neuron["vThMant"] and not self.strict):
                    spikes[(t, *place)] = 1
                    v = 0
        self.spikes.append(spikes)
        self.membranes.append(membranes)
        return self.late(block, spikes)

    def late(self, block: Entry, x: Whole) -> Whole:
        result = np.zeros_like(x)
        for c in range(x.shape[1]):
            delay = int(self.delay_shift) + (int(block["delay"][c]) if "delay" in block else 0)
            for t in range(delay, len(x)):
                result[t, c] = x[t - delay, c]
        return result


def towards_zero(product: int) -> int:
    return product // 4096 if product >= 0 else -(-product // 4096)


def recorded(network: LavaNetwork) -> list[tuple[Tensor, Tensor]]:
    """Return a list that fills with the spikes and membranes of every layer as the network runs."""
    records: list[tuple[Tensor, Tensor]] = []
    for module in network.modules():
        if isinstance(module, LoihiNeurons):
            module.register_forward_hook(lambda _module, _inputs, outputs: records.append(outputs))
    return records


def images(shape: tuple[int, ...] = (1, 3, 3), seed: int = 1) -> Tensor:
    x = 2 * torch.rand(B, *shape, generator=torch.Generator().manual_seed(seed)) - 1
    return x.expand(T, *x.shape).clone()


def events(shape: tuple[int, ...] = (2, 7, 6), seed: int = 1) -> Tensor:
    return torch.poisson(torch.full((T, B, *shape), 0.4), generator=torch.Generator().manual_seed(seed))


NETWORKS = {"mnist": (mnist_like, images), "convolutional": (convolutional, events)}


@pytest.fixture(params=NETWORKS)
def blocks_and_input(request: pytest.FixtureRequest) -> tuple[list[Entry], Tensor]:
    make, inputs = NETWORKS[request.param]
    return make(np.random.default_rng(0)), inputs()


@pytest.fixture
def mnist_file(tmp_path: Path) -> Path:
    return write(tmp_path / "mnist.net", mnist_like(np.random.default_rng(0)))


@pytest.mark.parametrize("delay_shift", [False, True])
@pytest.mark.parametrize("at_threshold", [True, False])
def test_every_layer_equals_plain_whole_numbers(
    tmp_path: Path, blocks_and_input: tuple[list[Entry], Tensor], delay_shift: bool, at_threshold: bool
) -> None:
    blocks, x = blocks_and_input
    network = LavaNetwork(write(tmp_path / "a.net", blocks), delay_shift=delay_shift, fires_at_threshold=at_threshold)
    records = recorded(network)
    outputs = network(x)
    for sample in range(B):
        reference = Reference(blocks, delay_shift, strict=not at_threshold)
        expected = reference(x[:, sample].flatten(1).numpy() if x.shape[2] == 1 else x[:, sample].numpy())
        assert len(records) == len(reference.membranes)
        for (spikes, membranes), own_spikes, own_membranes in zip(
            records, reference.spikes, reference.membranes, strict=True
        ):
            assert np.array_equal(membranes[:, sample].numpy(), own_membranes)
            assert np.array_equal(spikes[:, sample].numpy(), own_spikes)
        assert np.array_equal(outputs[:, sample].numpy(), expected)
    assert outputs.shape == (T, B, network.num_classes)
    assert all(0 < spikes.mean() < 1 for spikes, _ in records)
    assert any((membranes < 0).any() for _, membranes in records)  # or truncation would not differ from floor


def test_a_membrane_at_the_threshold_fires_unless_told_otherwise() -> None:
    current = torch.tensor([5120.0, 5121.0, 5119.0]).unsqueeze(1)
    constants: dict[str, Any] = {"current_decay": 4096, "voltage_decay": 4096, "threshold": 5120}
    spikes, _ = loihi_scan(current, surrogate=ATan(), **constants)
    assert spikes.flatten().tolist() == [1, 1, 0]
    spikes, _ = loihi_scan(current, surrogate=ATan(), fires_at_threshold=False, **constants)
    assert spikes.flatten().tolist() == [0, 1, 0]


def test_trajectory_by_hand() -> None:
    current = torch.tensor([-64.0, 0.0, 640.0, 1280.0, 0.0, 64.0]).unsqueeze(1)
    spikes, membranes = loihi_scan(
        current, current_decay=2048, voltage_decay=1024, threshold=1280, surrogate=ATan(), bias=torch.tensor(-1.0)
    )
    # currents -64, -32, 624, 1592, 796, 462; voltages lose a quarter, truncated towards zero
    assert membranes.flatten().tolist() == [-65, -81, 563, 2013, 795, 1057]
    assert spikes.flatten().tolist() == [0, 0, 0, 1, 0, 0]


def test_states_lose_no_unit() -> None:
    """A product of state and decay in float32 would, from 4096 on."""
    values = torch.randint(4096, 2**23, (500,), generator=torch.Generator().manual_seed(0))
    current = torch.zeros(4, 500)
    current[0] = values
    for decays in ((4096, 123), (123, 4096)):
        constants = {"current_decay": decays[0], "voltage_decay": decays[1], "threshold": 2**23}
        _, membranes = loihi_scan(current, surrogate=ATan(), **constants)
        expected = values.tolist()
        for step in membranes:
            assert step.tolist() == expected
            expected = [value * (4096 - 123) // 4096 for value in expected]


def stepped(
    current: Tensor, bias: Tensor, decays: tuple[int, int], threshold: int, surrogate: Surrogate
) -> tuple[Tensor, Tensor]:
    """The scan's gradient by autograd itself: truncation passes it, a reset is a constant factor."""
    u = v = torch.zeros_like(current[0])
    spikes, membranes = [], []
    spike_function = surrogate.spike_function()
    for step in current:
        u = u * (4096 - decays[0]) / 4096
        u = u + (u.trunc() - u).detach() + step
        v = v * (4096 - decays[1]) / 4096
        v = v + (v.trunc() - v).detach() + u + bias
        fired = (v >= threshold).to(v)
        # the value of a step at the threshold, the slope of the surrogate at the same place
        slope = spike_function((v - threshold) / threshold)
        spikes.append(slope + (fired - slope).detach())
        membranes.append(v)
        v = v * (1 - fired)
    return torch.stack(spikes), torch.stack(membranes)


@pytest.mark.parametrize("through", ["spikes", "membranes", "both"])
@pytest.mark.parametrize("surrogate", [ATan(2.0), FastSigmoid(4.0), Sigmoid(3.0)])
@pytest.mark.parametrize("decays", [(4096, 123), (1024, 128), (0, 4096)])
def test_gradient_of_the_scan_equals_autograd(decays: tuple[int, int], surrogate: Surrogate, through: str) -> None:
    generator = torch.Generator().manual_seed(3)
    current = torch.randint(-30, 60, (T, 2, 5), generator=generator).double().mul(64).requires_grad_()
    bias = torch.tensor([64.0, 0, -64, 128, 640])
    for_spikes, for_membranes = torch.randn(2, T, 2, 5, generator=generator, dtype=torch.float64)

    def objective(spikes: Tensor, membranes: Tensor) -> Tensor:
        of_spikes, of_membranes = (spikes * for_spikes).sum(), (membranes / 5120 * for_membranes).sum()
        return {"spikes": of_spikes, "membranes": of_membranes, "both": of_spikes + of_membranes}[through]

    ours = loihi_scan(
        current,
        current_decay=decays[0],
        voltage_decay=decays[1],
        threshold=5120,
        surrogate=surrogate,
        bias=bias,
    )
    theirs = stepped(current, bias, decays, 5120, surrogate)
    assert torch.equal(ours[0], theirs[0].detach())
    assert torch.equal(ours[1], theirs[1].detach())
    assert 0 < float(theirs[0].detach().mean()) < 1
    (our_gradient,) = torch.autograd.grad(objective(*ours), current)
    (their_gradient,) = torch.autograd.grad(objective(*theirs), current)
    largest = float(their_gradient.abs().max())
    torch.testing.assert_close(our_gradient, their_gradient, rtol=1e-5, atol=1e-6 * largest)  # snntorch's are float32


def input_gradient(network: LavaNetwork, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    outputs = network(x).sum(0)
    (gradient,) = torch.autograd.grad((outputs * torch.linspace(-1, 1, outputs.shape[1])).sum(), x)
    return gradient


def test_input_gradient_is_finite_and_reaches_every_step_and_pixel(
    tmp_path: Path, blocks_and_input: tuple[list[Entry], Tensor]
) -> None:
    blocks, x = blocks_and_input
    gradient = input_gradient(LavaNetwork(write(tmp_path / "a.net", blocks)), x)
    assert gradient.isfinite().all()
    assert (gradient[: T - 4] != 0).float().mean() > 0.8


def test_rounding_of_the_input_passes_its_gradient(mnist_file: Path) -> None:
    network = LavaNetwork(mnist_file)
    x = images().requires_grad_()
    whole = network.blocks[0].synapses(x)
    assert torch.equal(whole, (76 * x.detach() + 64).floor())
    (gradient,) = torch.autograd.grad(whole.sum(), x)
    assert (gradient == 76).all()


def test_a_new_surrogate_takes_effect_at_the_next_forward(mnist_file: Path) -> None:
    network, x = LavaNetwork(mnist_file), images()
    neurons = [module for module in network.modules() if isinstance(module, LoihiNeurons)]
    assert [module.surrogate for module in neurons] == [LOIHI_SURROGATE] * 3
    outputs, before = network(x), input_gradient(network, x)
    for module in neurons:
        module.surrogate = FastSigmoid(10.0)
        after = input_gradient(network, x)
        assert not torch.allclose(before, after, rtol=1e-3, atol=0)
        before = after
    assert torch.equal(network(x), outputs)
    given = LavaNetwork(mnist_file, surrogate=FastSigmoid(10.0))
    assert torch.equal(input_gradient(given, x), before)


def test_no_state_is_kept_and_samples_do_not_touch(
    tmp_path: Path, blocks_and_input: tuple[list[Entry], Tensor]
) -> None:
    blocks, x = blocks_and_input
    network = LavaNetwork(write(tmp_path / "a.net", blocks))
    outputs = network(x)
    network(1 - x)
    assert torch.equal(network(x), outputs)
    for sample in range(B):
        assert torch.equal(network(x[:, sample : sample + 1])[:, 0], outputs[:, sample])
    longer = network(torch.cat([x, x]))
    assert torch.equal(longer[:T], outputs)  # what comes later changes nothing before it


def test_weights_are_in_the_state_dict_and_can_be_loaded(mnist_file: Path, tmp_path: Path) -> None:
    network = LavaNetwork(mnist_file)
    blocks = mnist_like(np.random.default_rng(5))
    other = LavaNetwork(write(tmp_path / "other.net", blocks))
    assert torch.equal(network.state_dict()["blocks.0.synapses.weight"], torch.tensor(76.0))
    assert not torch.equal(network(images()), other(images()))
    other.load_state_dict(copy.deepcopy(network.state_dict()))
    assert torch.equal(network(images()), other(images()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.uint8])
def test_other_precisions_compute_the_same_whole_numbers(tmp_path: Path, dtype: torch.dtype) -> None:
    network = LavaNetwork(write(tmp_path / "a.net", convolutional(np.random.default_rng(0))))
    x = events()
    assert torch.equal(network(x.to(dtype)).float(), network(x))
    assert torch.equal(copy.deepcopy(network).to(torch.bfloat16)(x.bfloat16()).float(), network(x))


def test_mixed_precision_rounds_no_sum_of_weights(tmp_path: Path) -> None:
    blocks = mnist_like(np.random.default_rng(0))[2:]
    blocks[0]["weight"] = np.where(np.eye(5, 8), 2, 254).astype(np.float32)  # 1780 has nine bits, bfloat16 eight
    network = LavaNetwork(write(tmp_path / "a.net", blocks))
    records = recorded(network)
    with torch.autocast("cpu", torch.bfloat16):
        network(torch.ones(1, 1, 1, 1, 8))
    assert records[0][1].flatten().tolist() == (64 * blocks[0]["weight"].sum(1)).tolist()


def test_shapes_of_the_input(tmp_path: Path, mnist_file: Path) -> None:
    network = LavaNetwork(mnist_file)
    assert network.takes_spikes
    assert network.brings_weights
    assert network.input_shape == (1, 3, 3)
    assert network.num_classes == 4
    flat = LavaNetwork(mnist_file, input_shape=(9, 1, 1))
    assert torch.equal(flat(images().reshape(T, B, 9, 1, 1)), network(images()))
    assert LavaNetwork(write(tmp_path / "c.net", convolutional(np.random.default_rng(0)))).input_shape == (2, 7, 6)
    blocks = mnist_like(np.random.default_rng(0))[2:]
    assert LavaNetwork(write(tmp_path / "d.net", blocks)).input_shape == (1, 1, 8)
    conv = convolutional(np.random.default_rng(0))[1:]
    assert LavaNetwork(write(tmp_path / "e.net", conv), input_shape=(2, 7, 6))(events()).shape == (T, B, 3)
    with pytest.raises(ValueError, match=r"block 0 \(conv\): .*needs input_shape"):
        LavaNetwork(tmp_path / "e.net")
    with pytest.raises(ValueError, match=r"product is 9, got \(1, 28, 28\)"):
        LavaNetwork(mnist_file, input_shape=(1, 28, 28))
    for wrong in (images()[0], images()[:0], images((1, 9, 1))):
        with pytest.raises(ValueError, match=r"takes \(T, B, 1, 3, 3\) and at least one time step"):
            network(wrong)


def test_a_layer_of_convolution_follows_without_a_flatten_block(tmp_path: Path) -> None:
    blocks = convolutional(np.random.default_rng(0))
    with_block = LavaNetwork(write(tmp_path / "a.net", blocks))
    del blocks[3]
    assert torch.equal(LavaNetwork(write(tmp_path / "b.net", blocks))(events()), with_block(events()))


def test_delays_shift_spikes_and_their_gradient() -> None:
    x = torch.arange(1.0, 7).reshape(3, 1, 2).requires_grad_()
    late = delayed(x, torch.tensor([1, 5]))
    assert late[:, 0].tolist() == [[0, 0], [1, 0], [3, 0]]
    (gradient,) = torch.autograd.grad((late * torch.arange(3.0).view(3, 1, 1)).sum(), x)
    assert gradient[:, 0].tolist() == [[1, 0], [2, 0], [0, 0]]


def changed(block: int, **entries: Any) -> list[Entry]:
    blocks = mnist_like(np.random.default_rng(0))
    blocks[block] = {**blocks[block], **entries}
    return blocks


def pooling(**entries: Any) -> list[Entry]:
    blocks = convolutional(np.random.default_rng(0))
    blocks[2] = {**blocks[2], **entries}
    return blocks


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (changed(2, type="convT"), r"block 2 is of type 'convT'; supported are input, dense, conv, pool, flatten and"),
        (changed(1, type="dense_rec"), r"block 1 is of type 'dense_rec'; supported are"),
        (changed(1, weight_rec=np.eye(8)), r"block 1 \(dense\): recurrent weights are not supported"),
        (changed(1, neuron=CUBA | {"type": "SDNN"}), r"block 1 \(dense\): neuron type 'SDNN' .* only CUBA and LOIHI"),
        (changed(1, neuron=CUBA | {"gradedSpike": True}), r"block 1 \(dense\): neuron: .*graded spikes are not"),
        (changed(1, neuron=CUBA | {"refDelay": 3}), r"'refDelay' is 3; refractory delays other than 1 are not"),
        (changed(1, neuron=CUBA | {"wgtExp": 1}), r"'wgtExp' is 1; weight exponents"),
        (changed(1, neuron=CUBA | {"vDecay": [1, 2]}), r"'vDecay' must be one number for the whole block, got 2"),
        (changed(1, neuron=CUBA | {"vDecay": 5000}), r"block 1 \(dense\): voltage_decay must lie in 0 to 4096"),
        (changed(1, neuron=CUBA | {"vThMant": 0}), r"block 1 \(dense\): threshold must be at least 1"),
        (changed(0, neuron={"type": "CUBA"}), r"block 0 \(input\): neuron: 'vThMant' is missing"),
        (changed(1, neuron={"iDecay": 1}), r"block 1 \(dense\): neuron type 'None'"),
        (changed(1, weight={"real": np.eye(8), "imag": np.eye(8)}), r"complex weights are not supported"),
        (changed(1, weight=np.full((8, 9), 0.5)), r"'weight' must be whole numbers"),
        (changed(1, weight=np.full((8, 9), np.nan)), r"'weight' must be whole numbers"),
        (changed(1, weight=np.full((8, 9), b"x")), r"'weight' must be whole numbers, got \|S1"),
        (changed(1, weight=np.ones((8, 7))), r"weights of shape \(8, 7\), expected \(8, 9\)"),
        (changed(1, shape=[0]), r"'shape' must be positive numbers, got \[0\]"),
        (changed(1, bias=np.ones(3)), r"'bias' has 3 values for neurons of shape \(8,\)"),
        (changed(1, delay=-np.ones(8)), r"block 1 \(dense\): delays must be at least 0, got -1"),
        (changed(3, bias=np.ones(4)), r"block 3 \(dense\): a bias without neurons"),
        (changed(3, type="pool"), r"block 3 \(pool\): a kernel has four dimensions, got weights of shape \(4, 5\)"),
        (changed(3, type="average", shape=[3]), r"block 3 \(average\): 5 neurons are no 3 equal populations"),
        (pooling(shape=[4, 3, 3]), r"block 2 \(pool\): makes \(4, 2, 3\) .* but the file says \(4, 3, 3\)"),
        (pooling(stride=[1, 2, 3]), r"'stride' must be one or two numbers, got \[1, 2, 3\]"),
        (pooling(type="conv"), r"block 2 \(conv\): cannot be applied to a shape \(4, 4, 5\)"),
        ([], r"no network of Lava-DL"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, blocks: list[Entry], message: str) -> None:
    path = write(tmp_path / "a.net", blocks)
    with pytest.raises(ValueError, match=message) as raised:
        LavaNetwork(path)
    assert str(path) in str(raised.value)


def test_missing_and_damaged_files(tmp_path: Path, mnist_file: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.net"):
        LavaNetwork(tmp_path / "nowhere.net")
    content = mnist_file.read_bytes()
    for name, damaged in (("text.net", b"weights"), ("empty.net", b""), ("cut.net", content[: len(content) // 2])):
        path = tmp_path / name
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="not an HDF5 file, or a damaged one") as raised:
            LavaNetwork(path)
        assert str(path) in str(raised.value)


def test_without_h5py_the_error_says_what_to_install(mnist_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_h5py(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "h5py":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_h5py)
    with pytest.raises(ImportError, match="pip install h5py"):
        LavaNetwork(mnist_file)


def test_ranges_of_the_neurons_and_the_scan() -> None:
    with pytest.raises(ValueError, match="threshold must be at least 1, got 0"):
        LoihiNeurons(0)
    with pytest.raises(ValueError, match="current_decay must lie in 0 to 4096, got -1"):
        LoihiNeurons(1, current_decay=-1)
    with pytest.raises(ValueError, match="at least one time step"):
        LoihiNeurons(1)(torch.zeros(0, 2))
    assert "threshold=64, current_decay=4096, voltage_decay=7" in repr(LoihiNeurons(64, voltage_decay=7))
