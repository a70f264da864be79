"""TensorFlow: a `tf.while_loop` over resident data inside one `tf.function`."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

NAME = "tensorflow"

# A program for each model is what is wanted here, not a slip: TensorFlow counts them by the line they are made on.
logging.getLogger("tensorflow").addFilter(lambda record: "triggered tf.function retracing" not in str(record.msg))


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


def compile_loop(step: Callable, variables: Sequence, width: int) -> Callable:
    """See :mod:`ganad.backends`."""

    @tf.function(autograph=False, reduce_retracing=True)
    def loop(data, order, start, stop):
        def body(i, total):
            return i + 1, total + step(*(tf.gather(array, order[i]) for array in data))

        return tf.while_loop(lambda i, _: i < stop, body, (start, tf.zeros(width)), parallel_iterations=1)[1]

    def run(data, order, start, stop):
        return loop(data, order, tf.constant(start), tf.constant(stop)).numpy()

    return run


def compile_step(step: Callable, variables: Sequence) -> Callable:
    """See :mod:`ganad.backends`."""
    return tf.function(step, autograph=False, reduce_retracing=True)


def compile_function(function: Callable, variables: Sequence, fused: bool = False) -> Callable:
    """See :mod:`ganad.backends`."""
    compiled = tf.function(function, autograph=False, reduce_retracing=True, jit_compile=fused or None)
    return lambda *arrays: tf.nest.map_structure(
        lambda tensor: tensor.numpy(), compiled(*(tf.constant(array) for array in arrays))
    )


def to_device(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor of the default device."""
    return tf.constant(array)


def device_name() -> str:
    """``"GPU: ..."`` or ``"CPU"``."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return "GPU: " + tf.config.experimental.get_device_details(gpus[0]).get("device_name", "unknown")
