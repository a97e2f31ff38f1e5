"""Whether a module may be computed by other means than calling it, with the same result."""

from __future__ import annotations

from torch import nn


def is_listened_to(module: nn.Module) -> bool:
    """Tell whether a call of the module runs hooks."""
    hooks = (module._forward_pre_hooks, module._forward_hooks, module._backward_pre_hooks, module._backward_hooks)
    return any(hooks)


def is_plain_linear(layer: nn.Module) -> bool:
    """Tell whether a layer is torch's own linear layer with a bias, to which no hook listens."""
    return type(layer) is nn.Linear and layer.bias is not None and not is_listened_to(layer)
