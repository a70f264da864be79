"""TensorFlow: a `tf.while_loop` over resident data inside one `tf.function`."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

NAME = "tensorflow"


class Adam(keras.optimizers.Adam):
    """Keras' Adam with the bias correction computed once a step instead of once a variable.

    For networks of a few thousand weights those scalar operations are a third of the whole step.
    """

    def apply(self, grads, trainable_variables=None):
        step = tf.cast(self.iterations + 1, tf.float32)
        self._correction = tf.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        m, v = self._momentums[index].value, self._velocities[index].value
        m.assign_add((gradient - m) * (1.0 - self.beta_1))
        v.assign_add((tf.square(gradient) - v) * (1.0 - self.beta_2))
        step_size = tf.cast(learning_rate, tf.float32) * self._correction
        variable.assign_sub(step_size * m / (tf.sqrt(v) + self.epsilon))


def gradients(losses: Callable, groups: Sequence[Sequence], variables: Sequence) -> tuple[list, list]:
    """See :mod:`ganad.backends`."""
    targets = [[variable.value for variable in group] for group in groups]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(targets)
        values = losses()
    return values, [tape.gradient(value, target) for value, target in zip(values, targets, strict=True)]


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


def compile_function(function: Callable, variables: Sequence) -> Callable:
    """See :mod:`ganad.backends`."""
    compiled = tf.function(function, autograph=False, reduce_retracing=True)
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
