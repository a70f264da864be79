"""One compiled program per configuration, shared by all models that have it.

Tracing a training step takes longer than a small training run.  What the graph depends on is the configuration: the
architectures, the losses, the optimisers, the update order.  Seeds, weights and the length of training are arguments of
the program, so a second model of the same configuration is trained without tracing anything.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from threading import Lock
from typing import Any

import keras

from ganad.networks.convolution import formulation

KEPT = 64
"""Programs that are kept; the one that was used longest ago makes room for the next."""

_programs: OrderedDict[Hashable, Callable] = OrderedDict()
_lock = Lock()
_STATE = {
    "name",
    "seed",
    "trainable",
    "build_config",
    "registered_name",
}  # of a layer's configuration: not in the graph


def program(key: Hashable, make: Callable[[], Callable]) -> Callable:
    """The program that was made for an equal key before, or else what ``make`` returns.

    Parameters
    ----------
    key : hashable
        Everything that shapes the graph: see :func:`architecture` and :func:`signature`.
    make : callable
        Compiles; called at most once per key while the program is kept.
    """
    settings = (keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format())
    key = (key, settings, keras.config.dtype_policy().name, formulation())
    try:
        hash(key)
    except TypeError:  # an argument of a loss that cannot be compared: the program is this model's own
        return make()
    with _lock:
        if key not in _programs:
            _programs[key] = make()
            while len(_programs) > KEPT:
                _programs.popitem(last=False)
        _programs.move_to_end(key)
        return _programs[key]


def architecture(network: keras.Model) -> Hashable:
    """What two networks have in common that compute the same function of their weights and inputs.

    Layers and their settings, without names, initialisers and seeds.  A network with layers that are not Keras' or
    ganad's own, or that is not functional, equals itself alone.
    """
    layers = list(network._flatten_layers()) if isinstance(network, keras.Model) else []
    if not layers or not all(type(layer).__module__.startswith(("keras.", "ganad.")) for layer in layers):
        return network
    if any(isinstance(layer, keras.layers.Lambda) for layer in layers):
        return network
    places = {layer.name: f"#{place}" for place, layer in enumerate(layers)}
    frozen = [layer.trainable for layer in layers]
    return json.dumps([_plain(network.get_config(), places), frozen], sort_keys=True, default=repr)


def signature(thing: Any) -> Hashable:
    """What two callables or optimisers have in common that build the same graph.

    Its own attribute ``signature`` if it has one; the function and the arguments of a ``partial``; type and settings of
    an optimiser.  Anything else equals itself alone, so a lambda costs a program of its own but never shares a wrong one.
    """
    if isinstance(thing, partial):
        arguments = [(name, signature(value)) for name, value in sorted(thing.keywords.items())]
        return signature(thing.func), tuple(map(signature, thing.args)), tuple(arguments)
    if isinstance(thing, keras.optimizers.Optimizer):
        return _optimizer(thing)
    own = getattr(thing, "signature", None)
    return thing if own is None else own


def _optimizer(optimizer: keras.optimizers.Optimizer) -> Hashable:
    """Type and settings; the rate and the length of a schedule are variables, and so part of the state."""
    if not type(optimizer).__module__.startswith(("keras.", "ganad.")):
        return optimizer
    settings, schedule = _numbers(vars(optimizer)), optimizer._learning_rate
    if type(schedule) is keras.optimizers.schedules.CosineDecay:
        settings += _numbers(vars(schedule))
    elif isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        settings += (schedule,)  # its values may be lists: alike to itself alone
    return type(optimizer), settings


def _numbers(attributes: Mapping[str, Any]) -> tuple:
    """The public attributes that are plain values, without names."""
    plain = (bool, int, float, str, type(None))
    return tuple(
        (name, value)
        for name, value in sorted(attributes.items())
        if isinstance(value, plain) and not name.startswith("_") and name not in ("name", "built")
    )


def _plain(config: Any, places: Mapping[str, str]) -> Any:
    """A configuration in which layers are named by their place, without what leaves the graph as it is."""
    if isinstance(config, Mapping):
        return {
            name: _plain(value, places)
            for name, value in config.items()
            if name not in _STATE and not name.endswith(("_initializer", "_regularizer"))
        }
    if isinstance(config, (list, tuple)):
        return [_plain(value, places) for value in config]
    return places.get(config, config) if isinstance(config, str) else config
