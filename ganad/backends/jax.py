"""JAX: the step made pure by Keras' `StatelessScope`, many of them in one jitted `fori_loop`."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np

NAME = "jax"


def gradients(losses: Callable, groups: Sequence[Sequence], variables: Sequence) -> tuple[list, list]:
    """See :mod:`ganad.backends`.

    The losses are traced once a group, from the same state; XLA merges the equal forward passes.
    """
    before = [variable.value for variable in variables]

    def loss(theta, k):
        with keras.StatelessScope([*zip(variables, before, strict=True), *zip(groups[k], theta, strict=True)]) as scope:
            values = losses()
        return values[k], (values, [scope.get_current_value(variable) for variable in variables])

    results = []
    for k, group in enumerate(groups):
        slopes, (values, after) = jax.grad(partial(loss, k=k), has_aux=True)([v.value for v in group])
        results.append(slopes)
    for variable, old, new in zip(variables, before, after, strict=True):
        if new is not old:  # moving statistics, random states, kernels that spectral normalisation has scaled
            variable.assign(new)
    return values, results


def input_gradients(function: Callable, inputs: Sequence) -> tuple[jax.Array, list[jax.Array]]:
    """See :mod:`ganad.backends`."""

    def summed(given):
        values = function(*given)
        return values.sum(), values

    slopes, values = jax.grad(summed, has_aux=True)(list(inputs))
    return values, slopes


def compile_loop(step: Callable, variables: Sequence, width: int) -> Callable:
    """See :mod:`ganad.backends`."""

    @partial(jax.jit, donate_argnums=0)
    def loop(state, data, order, start, stop):
        def body(i, carry):
            state, total = carry
            with keras.StatelessScope(list(zip(variables, state, strict=True))) as scope:
                total = total + step(*(array[order[i]] for array in data))
            return [scope.get_current_value(variable) for variable in variables], total

        return jax.lax.fori_loop(start, stop, body, (state, jnp.zeros(width)))

    def run(data, order, start, stop):
        state, total = loop([jnp.array(v.value) for v in variables], data, order, start, stop)
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        return np.asarray(total)

    return run


def compile_step(step: Callable, variables: Sequence) -> Callable:
    """See :mod:`ganad.backends`."""

    @partial(jax.jit, donate_argnums=0)
    def pure(state, batch):
        with keras.StatelessScope(list(zip(variables, state, strict=True))) as scope:
            losses = step(*batch)
        return [scope.get_current_value(variable) for variable in variables], losses

    def run(*batch):
        state, losses = pure([jnp.array(v.value) for v in variables], batch)
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        return losses

    return run


def compile_function(function: Callable, variables: Sequence, fused: bool = False) -> Callable:
    """See :mod:`ganad.backends`."""

    @jax.jit
    def pure(state, arrays):
        with keras.StatelessScope(list(zip(variables, state, strict=True))):
            return function(*arrays)

    return lambda *arrays: jax.tree.map(np.asarray, pure([v.value for v in variables], arrays))


def to_device(array: np.ndarray) -> jax.Array:
    """The array on the default device."""
    return jnp.asarray(array)


def device_name() -> str:
    """``"GPU: ..."`` or ``"CPU"``."""
    device = jax.devices()[0]
    return "CPU" if device.platform == "cpu" else f"{device.platform.upper()}: {device.device_kind}"
