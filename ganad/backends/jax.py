"""JAX: the step made pure by Keras' `StatelessScope`, many of them in one jitted `fori_loop`."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ganad.backends.tracing import TRACES, Caller

NAME = "jax"
THREADS = True
Adam = keras.optimizers.Adam


def gradients(
    losses: Callable, groups: Sequence[Sequence], variables: Sequence, inputs: Sequence = ()
) -> tuple[list, list]:
    """See :mod:`ganad.backends`.

    The losses are traced once a group, from the same state; XLA merges the equal forward passes.
    """
    before = [variable.value for variable in variables]

    def loss(theta, given, k):
        with keras.StatelessScope([*zip(variables, before, strict=True), *zip(groups[k], theta, strict=True)]) as scope:
            values = losses(*given)
        return values[k], (values, [scope.get_current_value(variable) for variable in variables])

    results = []
    for k, group in enumerate(groups):
        slopes, (values, after) = jax.grad(partial(loss, k=k), argnums=(0, 1), has_aux=True)(
            [v.value for v in group], list(inputs)
        )
        results.append([*slopes[0], *slopes[1]])
    _put(variables, before, after)
    return values, results


def _put(variables: Sequence, before: Sequence, after: Sequence) -> None:
    """Keep what a forward pass has changed: moving statistics, random states, kernels scaled by spectral normalisation."""
    for variable, old, new in zip(variables, before, after, strict=True):
        if new is not old:
            variable.assign(new)


def through(function: Callable, groups: Sequence[Sequence], variables: Sequence) -> tuple[list, Callable]:
    """See :mod:`ganad.backends`."""
    before = [variable.value for variable in variables]
    moved = [variable for group in groups for variable in group]

    def values(theta):
        with keras.StatelessScope([*zip(variables, before, strict=True), *zip(moved, theta, strict=True)]) as scope:
            made = function()
        return made, [scope.get_current_value(variable) for variable in variables]

    made, back, after = jax.vjp(values, [variable.value for variable in moved], has_aux=True)
    _put(variables, before, after)
    ends = np.cumsum([0, *map(len, groups)])

    def pull(k, slope):
        given = [slope if i == k else jnp.zeros_like(value) for i, value in enumerate(made)]
        return back(given)[0][ends[k] : ends[k + 1]]

    return made, pull


def input_gradients(function: Callable, inputs: Sequence) -> tuple[jax.Array, list[jax.Array]]:
    """See :mod:`ganad.backends`."""

    def summed(given):
        values = function(*given)
        return values.sum(), values

    slopes, values = jax.grad(summed, has_aux=True)(list(inputs))
    return values, slopes


def _called(caller: Caller, state: Sequence, arguments: Sequence) -> tuple:
    """The caller's function of these arguments, from this state of its variables; and the state after it."""
    variables = caller.variables
    with keras.StatelessScope(list(zip(variables, state, strict=True))) as scope:
        values = caller.function(*arguments)
    return [scope.get_current_value(variable) for variable in variables], values


def compile_loop(width: int) -> Callable:
    """See :mod:`ganad.backends`."""
    caller = Caller()

    @partial(jax.jit, donate_argnums=0)
    def loop(state, data, order, start, stop):
        TRACES["loop"] += 1

        def body(i, carry):
            state, total = carry
            state, losses = _called(caller, state, [array[order[i]] for array in data])
            return state, total + losses

        return jax.lax.fori_loop(start, stop, body, (state, jnp.zeros(width)))

    def run(step, variables, data, order, start, stop):
        with caller.calls(step, variables):
            state, total = loop([jnp.array(v.value) for v in variables], tuple(data), order, start, stop)
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        return np.asarray(total)

    return run


def compile_many() -> Callable:
    """See :mod:`ganad.backends`."""
    caller = Caller()

    def one(state, batch, active):
        after, losses = _called(caller, state, batch)
        return [jnp.where(active, new, old) for new, old in zip(after, state, strict=True)], losses

    @partial(jax.jit, donate_argnums=0)
    def loop(states, data, order, active):
        TRACES["many"] += 1

        def body(states, turn):
            rows, moves = turn
            return jax.vmap(one)(states, tuple(array[rows] for array in data), moves)

        return jax.lax.scan(body, states, (order, active))

    def run(step, variables, states, data, order, active):
        with caller.calls(step, variables):
            states, losses = loop(states, data, order, active)
        return states, np.asarray(losses)

    return run


def stack(states: Sequence[Sequence]) -> list[jax.Array]:
    """See :mod:`ganad.backends`."""
    return [jnp.stack([variable.value for variable in each]) for each in zip(*states, strict=True)]


def unstack(stacked: Sequence, states: Sequence[Sequence]) -> None:
    """See :mod:`ganad.backends`."""
    for values, variables in zip(stacked, zip(*states, strict=True), strict=True):
        for k, variable in enumerate(variables):
            variable.assign(values[k])


def flops(step: Callable, variables: Sequence, shape: tuple[int, ...]) -> float:
    """See :mod:`ganad.backends`."""
    state = [jax.ShapeDtypeStruct(v.value.shape, v.value.dtype) for v in variables]
    pure = jax.jit(partial(_called, _caller(step, variables)))
    with jax.default_device(jax.local_devices(backend="cpu")[0]):  # of a program for a GPU, JAX tells no operations
        costs = pure.lower(state, [jax.ShapeDtypeStruct(shape, jnp.float32)]).cost_analysis()
    return float((costs or {}).get("flops", np.nan))


def _caller(function: Callable, variables: Sequence) -> Caller:
    caller = Caller()
    caller.function, caller.variables = function, variables
    return caller


def compile_step(step: Callable, variables: Sequence) -> Callable:
    """See :mod:`ganad.backends`."""
    pure = jax.jit(partial(_called, _caller(step, variables)), donate_argnums=0)

    def run(*batch):
        state, losses = pure([jnp.array(v.value) for v in variables], batch)
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        return losses

    return run


def compile_function(fused: bool = False) -> Callable:
    """See :mod:`ganad.backends`."""
    caller = Caller()

    @jax.jit
    def pure(state, arrays):
        TRACES["function"] += 1
        return _called(caller, state, arrays)[1]

    def run(function, variables, *arrays):
        with caller.calls(function, variables):
            results = pure([v.value for v in variables], arrays)
        return jax.tree.map(np.asarray, results)

    return run


def to_device(array: np.ndarray) -> jax.Array:
    """The array on the default device."""
    return jnp.asarray(array)


resident = to_device


def device_name() -> str:
    """``"GPU: ..."`` or ``"CPU"``."""
    device = jax.devices()[0]
    return "CPU" if device.platform == "cpu" else f"{device.platform.upper()}: {device.device_kind}"
