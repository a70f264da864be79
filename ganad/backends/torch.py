"""PyTorch: eager steps over resident data."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import torch
from keras.src.backend.torch.core import get_device

NAME = "torch"
THREADS = False
Adam = keras.optimizers.Adam


def gradients(
    losses: Callable, groups: Sequence[Sequence], variables: Sequence, inputs: Sequence = ()
) -> tuple[list, list]:
    """See :mod:`ganad.backends`."""
    before = [variable.value for variable in variables]
    inputs = [given.detach().requires_grad_() for given in inputs]
    # What a forward pass updates is put in place after the backward pass, which still needs the old values.
    with keras.StatelessScope(list(zip(variables, before, strict=True))) as scope:
        values = losses(*inputs)
    slopes = [
        torch.autograd.grad(
            value, [*(variable.value for variable in group), *inputs], retain_graph=True, allow_unused=bool(inputs)
        )
        for value, group in zip(values, groups, strict=True)
    ]
    _put(scope, variables, before)
    return [value.detach() for value in values], [list(slope) for slope in slopes]


def _put(scope: keras.StatelessScope, variables: Sequence, before: Sequence) -> None:
    for variable, old in zip(variables, before, strict=True):
        new = scope.get_current_value(variable)
        if new is not old:
            variable.assign(new.detach())


def through(function: Callable, groups: Sequence[Sequence], variables: Sequence) -> tuple[list, Callable]:
    """See :mod:`ganad.backends`."""
    # On copies: what is put in place below must not touch what the backward pass still needs.
    before = [variable.value.detach().clone() for variable in variables]
    theta = [[variable.value.detach().clone().requires_grad_() for variable in group] for group in groups]
    moved = [pair for group, copies in zip(groups, theta, strict=True) for pair in zip(group, copies, strict=True)]
    start = {id(variable): value for variable, value in [*zip(variables, before, strict=True), *moved]}
    with keras.StatelessScope([(variable, start[id(variable)]) for variable in variables]) as scope:
        values = function()
    _put(scope, variables, [start[id(variable)] for variable in variables])
    return [value.detach() for value in values], lambda k, slope: torch.autograd.grad(
        values[k], theta[k], slope, retain_graph=True
    )


def input_gradients(function: Callable, inputs: Sequence) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """See :mod:`ganad.backends`."""
    nested = torch.is_grad_enabled()
    with torch.enable_grad():
        inputs = [given if given.requires_grad else given.detach().requires_grad_() for given in inputs]
        values = function(*inputs)
        slopes = torch.autograd.grad(values.sum(), inputs, create_graph=nested)
    return values if nested else values.detach(), list(slopes)


def compile_loop(width: int) -> Callable:
    """See :mod:`ganad.backends`."""

    def run(step, variables, data, order, start, stop):
        total = torch.zeros(width, device=get_device())
        for i in range(start, stop):
            total += step(*(array[order[i]] for array in data))
        return total.cpu().numpy()

    return run


def compile_step(step: Callable, variables: Sequence) -> Callable:
    """See :mod:`ganad.backends`."""
    return step


def compile_function(fused: bool = False) -> Callable:
    """See :mod:`ganad.backends`."""

    def to_numpy(result):
        return tuple(map(to_numpy, result)) if isinstance(result, (tuple, list)) else result.cpu().numpy()

    @torch.no_grad()
    def run(function, variables, *arrays):
        return to_numpy(function(*map(to_device, arrays)))

    return run


def to_device(array: np.ndarray) -> torch.Tensor:
    """The array as a tensor of the device Keras uses."""
    return torch.as_tensor(array, device=get_device())


resident = to_device


def device_name() -> str:
    """``"GPU: ..."`` or ``"CPU"``."""
    return "CPU" if get_device() == "cpu" else "GPU: " + torch.cuda.get_device_name()
