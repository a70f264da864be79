"""TensorFlow: a `tf.while_loop` over resident data inside one `tf.function`."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganad.backends.tracing import TRACES, Caller

NAME = "tensorflow"
THREADS = True

# A program for each configuration is what is wanted here, not a slip: TensorFlow counts them by the line they are made on.
logging.getLogger("tensorflow").addFilter(lambda record: "triggered tf.function retracing" not in str(record.msg))


SMALL = 2**15
"""Elements up to which an update is written out: TensorFlow's own operation hands even a bias to every thread, and waits."""


class Adam(keras.optimizers.Adam):
    """Keras' Adam with fewer operations, which makes a step quicker to trace and to take: what no variable changes is computed once."""

    def _backend_update_step(self, grads: Sequence, trainable_variables: Sequence, learning_rate: Any) -> None:
        """Update all variables and their moments, float32; the formula is Keras'."""
        if self.amsgrad:
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        step = tf.cast(self.iterations.value + 1, tf.float32)
        powers = [tf.pow(tf.constant(beta), step) for beta in (self.beta_1, self.beta_2)]
        learning_rate = tf.cast(learning_rate, tf.float32)
        rate = learning_rate * tf.sqrt(1 - powers[1]) / (1 - powers[0])
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            place = self._get_variable_index(variable)
            m, v = self._momentums[place].value, self._velocities[place].value
            gradient = tf.convert_to_tensor(gradient)
            if gradient.shape.num_elements() > SMALL:
                self._fused(variable.value, m, v, gradient, powers, learning_rate)
                continue
            m.assign_add((gradient - m) * (1 - self.beta_1))
            v.assign_add((tf.square(gradient) - v) * (1 - self.beta_2))
            variable.value.assign_sub(rate * m / (tf.sqrt(v) + self.epsilon))

    def _fused(self, variable: Any, m: Any, v: Any, gradient: tf.Tensor, powers: Sequence, rate: tf.Tensor) -> None:
        """The same in one operation."""
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=tf.constant(self.beta_1),
            beta2=tf.constant(self.beta_2),
            epsilon=tf.constant(self.epsilon),
            grad=gradient,
        )


def gradients(
    losses: Callable, groups: Sequence[Sequence], variables: Sequence, inputs: Sequence = ()
) -> tuple[list, list]:
    """See :mod:`ganad.backends`."""
    targets = [[*(variable.value for variable in group), *inputs] for group in groups]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(targets)
        values = losses(*inputs)
    return values, [tape.gradient(value, target) for value, target in zip(values, targets, strict=True)]


def through(function: Callable, groups: Sequence[Sequence], variables: Sequence) -> tuple[list, Callable]:
    """See :mod:`ganad.backends`."""
    targets = [[variable.value for variable in group] for group in groups]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(targets)
        values = function()
    return values, lambda k, slope: tape.gradient(values[k], targets[k], output_gradients=slope)


def input_gradients(function: Callable, inputs: Sequence) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """See :mod:`ganad.backends`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        values = function(*inputs)
    return values, tape.gradient(values, list(inputs))


@contextmanager
def _traced(kind: str, caller: Caller, state: Sequence) -> Iterator[Callable]:
    """The caller's function, its Keras variables standing for the program's arguments while it is traced.

    Raises
    ------
    RuntimeError
        If the function uses a variable that is no argument: every other model would share it.
    """
    TRACES[kind] += 1
    arguments = _captured()
    before = [variable._value for variable in caller.variables]
    for variable, argument in zip(caller.variables, state, strict=True):
        argument._unique_id = variable._value._unique_id  # by which an optimiser finds its moments
        variable._value = argument
    try:
        yield caller.function
    finally:
        for variable, value in zip(caller.variables, before, strict=True):
            variable._value = value
    if _captured() - arguments:
        raise RuntimeError("a step uses a variable that is not listed among those it reads or changes")


def _captured() -> set[int]:
    """The variables that the function which is being traced has taken from outside: so far, its arguments."""
    tensors = getattr(tf.compat.v1.get_default_graph(), "external_captures", ())
    return {id(tensor) for tensor in tensors if tensor.dtype == tf.resource}


def compile_loop(width: int) -> Callable:
    """See :mod:`ganad.backends`."""
    caller = Caller()

    @tf.function(autograph=False, reduce_retracing=True)
    def loop(state, data, order, start, stop):
        with _traced("loop", caller, state) as step:

            def body(i, total):
                return i + 1, total + step(*(tf.gather(array, order[i]) for array in data))

            return tf.while_loop(lambda i, _: i < stop, body, (start, tf.zeros(width)), parallel_iterations=1)[1]

    def run(step, variables, data, order, start, stop):
        with caller.calls(step, variables):
            state = [variable._value for variable in variables]
            return loop(state, tuple(data), order, tf.constant(start), tf.constant(stop)).numpy()

    return run


def compile_step(step: Callable, variables: Sequence) -> Callable:
    """See :mod:`ganad.backends`."""
    return tf.function(step, autograph=False, reduce_retracing=True)


def compile_function(fused: bool = False) -> Callable:
    """See :mod:`ganad.backends`."""
    caller = Caller()

    @tf.function(autograph=False, reduce_retracing=True, jit_compile=fused or None)
    def call(state, arrays):
        with _traced("function", caller, state) as function:
            return function(*arrays)

    def run(function, variables, *arrays):
        with caller.calls(function, variables):
            results = call([variable._value for variable in variables], tuple(map(tf.constant, arrays)))
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), results)

    return run


def to_device(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor of the default device."""
    return tf.constant(array)


def resident(array: np.ndarray) -> tf.Variable:
    """See :mod:`ganad.backends`: a variable of any number of rows."""
    return tf.Variable(array, trainable=False, shape=(None, *array.shape[1:]))


def device_name() -> str:
    """``"GPU: ..."`` or ``"CPU"``."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return "GPU: " + tf.config.experimental.get_device_details(gpus[0]).get("device_name", "unknown")
