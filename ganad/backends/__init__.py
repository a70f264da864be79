"""What a framework has to offer so that one training step runs on it.

Each module here implements the same names, and nothing outside this folder imports a framework:

``NAME``
    The name Keras knows the backend by.
``Adam``
    Keras' Adam, or one that computes the same in fewer operations.
``gradients(losses, groups, variables, inputs=())``
    Values of ``losses(*inputs)`` (a list of scalars) and the gradient of the k-th with respect to the k-th
    group and, after it, to the inputs; ``variables`` are all that the forward pass may read or change (moving statistics,
    random states).  A gradient that is zero throughout may be None.
``through(function, groups, variables)``
    Values of ``function()`` (a list of tensors) and ``pull(k, slope)``: the gradient with respect to the k-th group of a loss whose
    gradient with respect to the k-th value is ``slope``.  Several losses can so use one forward pass.
``input_gradients(function, inputs)``
    Values (N,) of ``function(*inputs)`` and the gradients of their sum with respect to each input, like the inputs; no
    gradient of a weight is computed, and the result can itself be differentiated inside ``gradients``.  The function
    must not change a variable (no dropout, no BatchNorm in training mode).
``compile_loop(width)``
    A program ``run(step, variables, data, order, start, stop)``: the sum of ``step(*batch)``, (width,), over the batches
    ``order[start:stop]``.  It is traced from the first ``step`` it is called with and serves every other one that builds the same
    graph on ``variables`` of the same shapes, in the same order: these are arguments, and hold the new values afterwards.
``compile_many()``, ``stack(states)``, ``unstack(stacked, states)`` (JAX alone)
    Many models of one shape in one program, ``run(step, variables, states, data, order, active)``.  It takes the variables of M
    models, each stacked along a new first axis by ``stack``; rows ``order`` (steps, M, batch) of the shared data; and which
    models are updated in which step, ``active`` (steps, M).  Returns the new states, which ``unstack`` puts back, and the
    losses (steps, M, players).
``flops(step, variables, shape)`` (JAX alone)
    Floating-point operations of one step on a float32 batch of this shape; NaN where JAX does not tell.
``compile_step(step, variables)``
    The step alone, compiled, for one call a batch from Python: what the loop is measured against.
``compile_function(fused=False)``
    A program ``run(function, variables, *arrays)`` for inference, shared as above; takes and returns NumPy arrays.  ``fused`` asks
    TensorFlow for XLA: long chains of element-wise operations in one pass over memory, for some seconds of compiling (JAX does so
    anyway).
``to_device(array)``, ``device_name()``
    Where the data lies.
``resident(array)``
    Data for ``compile_loop``: on the device, its number of rows no part of the program where the framework allows.
``THREADS``
    Whether models train side by side in threads: programs that run outside Python do, eager steps do not.
"""

import importlib
from importlib.util import find_spec
from types import ModuleType

from ganad import FRAMEWORKS
from ganad.errors import GanadError


class FrameworkError(GanadError, RuntimeError):
    """There is no framework to train on: one line that says what to install or to set."""


def need_framework() -> None:
    """Raise :class:`FrameworkError` unless a framework is installed: without one, Keras cannot even be imported."""
    if not any(map(find_spec, FRAMEWORKS)):
        raise FrameworkError(
            "a network needs a framework, and none is installed: pip install 'ganad[tensorflow]', 'ganad[jax]' or 'ganad[torch]'"
        )


def backend() -> ModuleType:
    """The backend module that matches ``KERAS_BACKEND`` (loads Keras on first use).

    Raises
    ------
    FrameworkError
        If no framework is installed, or Keras runs on a backend that has no module here.
    """
    need_framework()
    import keras

    name = keras.backend.backend()
    if name not in FRAMEWORKS:
        raise FrameworkError(
            f"ganad trains on tensorflow, jax or torch, but KERAS_BACKEND is {name!r}: set it to one of these"
        )
    return importlib.import_module(f"ganad.backends.{name}")


def accelerated() -> bool:
    """Whether there is a GPU, on which large batches cost little more than small ones."""
    return backend().device_name() != "CPU"
