"""The checkpoints of networks: their weights, and all that says what these are."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from brainleaks_pl import networks
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.networks import surrogates
from brainleaks_pl.networks.captured import plain
from brainleaks_pl.system.tensors import UnreadableError, read_tensors, write_tensors
from brainleaks_pl.targets import interfaces
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.interfaces.guess import own_interface
from brainleaks_pl.targets.weights import check_trained, digest_of, not_finite

_FORMAT = "brainleaks_pl.network/3"
_SECOND_FORMAT = "brainleaks_pl.network/2"  # a digest of the weights alone
_FIRST_FORMAT = "brainleaks_pl.network/1"  # neither digest nor interface
_TYPES: dict[str, Any] = {"architecture": dict, "data": dict, "time_steps": (int, type(None)), "state_dict": dict}


def save_network(path: Path, network: Classifier, data: BaseDataModule, test_accuracy: float, seed: int) -> None:
    """Write a trained network's weights and what they fit, as plain values that ``weights_only`` loading reads.

    Args:
        path: the checkpoint's file.
        network: the trained network.
        data: the data module that it was trained on.
        test_accuracy: its accuracy on the test images, in [0, 1].
        seed: the seed of the run that trained it.

    Raises:
        OSError: when the file cannot be written; an older file at ``path`` is then left as it was.
        ValueError: when weights are not finite; nothing is written then.
    """
    state = network.network.state_dict()
    check_trained(state, network.name, path)
    content = {
        "format": _FORMAT,
        "architecture": network.architecture(),
        "data": data.describe(),
        "data_digest": _digest_of(data),
        "time_steps": data.time_steps,
        "test_accuracy": test_accuracy,
        "seed": seed,
        "recipe": network.recipe(),
        "digest": network.digest(),
        "state_dict": state,
    }
    write_tensors(path, {**content, "checksum": _checksum(content)})


def _digest_of(data: BaseDataModule) -> str | None:
    """Return what stands for the data; None where they cannot be read any more, which must not cost a training."""
    try:
        return data.digest()
    except Exception as error:  # whatever a data set of the user's own raises
        rank_zero_warn(f"which samples the network was trained on could not be noted: {error}")
        return None


def load_checkpoint(path: Path, network: Classifier, data: BaseDataModule | None = None) -> dict[str, Any]:
    """Load a checkpoint's weights into ``network``, after checking that they fit it and the data.

    Args:
        path: the checkpoint's file.
        network: the network of the same architecture.
        data: the data module of the same data set and encoder; None compares none.

    Returns:
        What the checkpoint says beside the weights: ``test_accuracy``, ``time_steps``, ``seed``, ...

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not a checkpoint of ours, is damaged, or fits another architecture or data set.
    """
    content = _read(path)
    stored, wanted = content["architecture"], network.architecture()
    if content["format"] == _FIRST_FORMAT:
        stored = {**_unsaid(stored, network), **stored}
        wanted = {key: value for key, value in wanted.items() if key in stored}
    _check_same(path, "network", *map(_without_temperature, (stored, wanted)))
    if data is not None:
        _check_same(path, "data set", content["data"], data.describe())
    try:
        network.network.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit {network.name}: {error}") from error
    network.time_steps = content["time_steps"]
    return {key: value for key, value in content.items() if key != "state_dict"}


def load_network(path: str | Path, network: Classifier | None = None) -> Classifier:
    """Return a network that ``fit`` has trained, in evaluation mode.

    Args:
        path: the checkpoint's file, such as ``checkpoints/quickstart/target.pt``.
        network: one of the same architecture, to be given for networks that are not the package's own.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not a checkpoint of ours, is damaged, or holds a network that has to be given.

    Examples:
        Saved as ``brainleaks fit`` saves it, and loaded again:

        >>> from pathlib import Path
        >>> from brainleaks_pl import load_network
        >>> from brainleaks_pl.engine.checkpoints import save_network
        >>> save_network(Path("target.pt"), network, data, test_accuracy=0.87, seed=0)
        >>> target = load_network("target.pt")
        >>> target.name, target.time_steps
        ('SpikingMLP', 5)
        >>> target.digest() == network.digest()
        True
    """
    path = Path(path)
    classifier = _rebuilt(path, _read(path)) if network is None else network
    load_checkpoint(path, classifier)
    classifier.pretrained = True
    return classifier.eval()


def stored_digest(path: Path) -> str | None:
    """Return the digest of the weights in a checkpoint; None where it cannot be read."""
    try:
        return _digest_at(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1024)
def _digest_at(path: Path, modified: int) -> str:
    return digest_of(_read(path)["state_dict"])


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint."""
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}.")
    try:
        content = read_tensors(path)
    except UnreadableError as error:
        if error.unsafe:
            raise ValueError(
                f"{path} is not a plain checkpoint of weights and was not loaded: it may be damaged, or run code when "
                f"unpickled. Train it again with `brainleaks fit`."
            ) from error
        raise ValueError(f"{path} is damaged and cannot be read. Train it again with `brainleaks fit`.") from error
    known = isinstance(content, dict) and content.get("format") in (_FORMAT, _SECOND_FORMAT, _FIRST_FORMAT)
    if not known or not all(isinstance(content.get(key), kind) for key, kind in _TYPES.items()):
        raise ValueError(f"{path} is not a checkpoint that `brainleaks fit` wrote.")
    if not _is_sound(content):
        raise ValueError(
            f"{path} is damaged: its content is not what was written. Train it again with `brainleaks fit`."
        )
    if bad := not_finite(content["state_dict"]):
        raise ValueError(f"{path}: the weights {bad} are not finite. Train it again with `brainleaks fit`.")
    return dict(content)


def _is_sound(content: dict[str, Any]) -> bool:
    """Tell whether the content of a checkpoint is what was written, as far as its format can tell."""
    state = content["state_dict"]
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()):
        return False
    if content["format"] == _FIRST_FORMAT:
        return True
    if content.get("digest") != digest_of(state):
        return False
    return content["format"] == _SECOND_FORMAT or content.get("checksum") == _checksum(content)


def _checksum(content: dict[str, Any]) -> str | None:
    """Return a digest of all that a checkpoint holds beside its weights, whose own digest is among it."""
    facts = {key: value for key, value in content.items() if key not in ("state_dict", "checksum")}
    try:
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    except (TypeError, ValueError, RecursionError):
        return None  # damaged: what was written is plain


def _without_temperature(architecture: dict[str, Any]) -> dict[str, Any]:
    """Return an architecture without the temperature of its answers, which may be set once the network is trained."""
    interface = architecture.get("interface")
    if not isinstance(interface, dict):
        return architecture
    return {**architecture, "interface": {key: own for key, own in interface.items() if key != "temperature"}}


def _unsaid(stored: dict[str, Any], network: Classifier) -> dict[str, Any]:
    """Return what was true of all networks of the first version, when it was not yet to be chosen."""
    neurons = {"reset": "subtract"} if "beta" in stored else {}
    own = isinstance(network.network, networks.Network)
    return {**neurons, "interface": plain(own_interface(network.network))} if own else neurons


def _rebuilt(path: Path, content: dict[str, Any]) -> Classifier:
    """Return a network of the package's own, untrained, as a checkpoint describes it."""
    facts, recipe = content["architecture"], content.get("recipe", {})
    name = facts.get("class")
    kind = getattr(networks, str(name), None)
    if not isinstance(kind, type) or not issubclass(kind, networks.Network | networks.NearestMember):
        raise ValueError(
            f"{path} holds a {name}, which is not one of this package's networks: build it yourself, "
            "load_network(path, Classifier(YourNetwork, ...))."
        )
    arguments = {argument: facts[argument] for argument in inspect.signature(kind).parameters if argument in facts}
    surrogate, interface = recipe.get("surrogate"), facts.get("interface")
    try:
        if isinstance(surrogate, dict):
            arguments["surrogate"] = _made(surrogates, surrogate)
        made = None if interface is None else _made(interfaces, interface)
        return Classifier(partial(kind, **arguments), made, facts.get("input_shape"), facts.get("num_classes"))
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        raise ValueError(
            f"{path} holds a {name} that cannot be built from its stored description ({error}): build it yourself, "
            f"load_network(path, Classifier({name}, ...))."
        ) from error


def _made(module: Any, facts: dict[str, Any]) -> Any:
    """Return an object of a module as its class and constants describe it."""
    constants = {name: tuple(own) if isinstance(own, list) else own for name, own in facts.items() if name != "class"}
    kind = getattr(module, str(facts["class"]), None)
    if kind is None:
        raise ValueError(f"{facts['class']} is none of this package's own")
    return kind(**constants)


def _check_same(path: Path, what: str, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = list(_differences(stored, wanted))
    if differing:
        differences = "; ".join(f"{key}: {there} there, {here} here" for key, there, here in differing)
        steps = [(key, there) for key, there, _ in differing if key.endswith(".time_steps")]
        own = f" Or set data.{steps[0][0]} to {steps[0][1]}: attack.time_steps is the attack's alone." if steps else ""
        raise ValueError(
            f"{path} belongs to another {what} ({differences}). Train one for this config with `brainleaks fit`, "
            f"or name another folder as `checkpoints`.{own}"
        )


def _differences(stored: dict[str, Any], wanted: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the keys whose values differ, inner ones too, with both values."""
    for key in {**stored, **wanted}:
        there, here = stored.get(key), wanted.get(key)
        if isinstance(there, dict) and isinstance(here, dict) and there.get("class") != here.get("class"):
            yield f"{prefix}{key}", there.get("class"), here.get("class")
        elif isinstance(there, dict) and isinstance(here, dict):
            yield from _differences(there, here, f"{prefix}{key}.")
        elif there != here:
            yield f"{prefix}{key}", there, here
