"""A Keras network as a list of operations and arrays that forty lines of any language can run."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np


class UnknownLayerError(ValueError):
    """A network has a layer that has no place in an export: one line that says which."""


def _activation(layer: keras.Layer) -> dict[str, Any]:
    name = layer.activation.__name__
    if name not in ("tanh", "sigmoid"):
        raise UnknownLayerError(f"{layer.name}: the activation {name} cannot be exported, only tanh and sigmoid")
    return {"op": name}


def _strided(op: str) -> Callable[[keras.Layer], dict[str, Any]]:
    return lambda layer: {"op": op, "stride": list(layer.strides), "padding": layer.padding}


def _joined(layer: keras.Layer) -> dict[str, Any]:
    if len(layer.output.shape) != 2:
        raise UnknownLayerError(f"{layer.name}: only vectors can be joined in an export, not {layer.output.shape}")
    return {"op": "join"}


_OPERATIONS: dict[str, Callable[[keras.Layer], dict[str, Any]]] = {
    "InputLayer": lambda layer: {"op": "input"},
    "Dense": lambda layer: {"op": "dense"},
    "Conv2D": _strided("conv"),
    "Conv2DTranspose": _strided("conv_transpose"),
    "BatchNormalization": lambda layer: {"op": "batch_norm", "epsilon": layer.epsilon},
    "LayerNormalization": lambda layer: {"op": "layer_norm", "epsilon": layer.epsilon},
    "LeakyReLU": lambda layer: {"op": "leaky", "slope": layer.negative_slope},
    "ReLU": lambda layer: {"op": "leaky", "slope": 0.0},
    "Activation": _activation,
    "Flatten": lambda layer: {"op": "same"},
    "Reshape": lambda layer: {"op": "same"},
    "Dropout": lambda layer: {"op": "same"},  # inference
    "Concatenate": _joined,
}


def graph(network: keras.Model) -> dict[str, Any]:
    """The operations of a functional network in inference mode, inputs before what needs them.

    Returns
    -------
    dict
        ``nodes``, each with ``op``, ``from`` (places of the nodes it takes), ``shape`` of what it gives for one sample,
        ``weights`` (how many of the network's arrays it takes, in the order of ``get_weights()``) and its settings;
        ``inputs`` and ``outputs``, places of nodes.

    Raises
    ------
    UnknownLayerError
        For a layer, or a use of one, that cannot be exported.
    """
    nodes: list[dict[str, Any]] = []
    inputs, outputs = _append(network, nodes, None)
    return {"nodes": nodes, "inputs": inputs, "outputs": outputs}


def _append(network: keras.Model, nodes: list[dict[str, Any]], given: list[int] | None) -> tuple[list[int], list[int]]:
    """Add a network's nodes; ``given`` are the places of its inputs if it is a layer of another one.

    Returns the places of its inputs and of its outputs.
    """
    config = network.get_config()
    inputs = [name for name, _, _ in _triples(config["input_layers"])]
    places = {} if given is None else {name: [place] for name, place in zip(inputs, given, strict=True)}
    for entry in config["layers"]:
        layer, calls = network.get_layer(entry["name"]), entry["inbound_nodes"]
        if len(calls) > 1:
            raise UnknownLayerError(f"{layer.name} is used {len(calls)} times: an export has no shared layers")
        sources = [places[name][place] for name, place in _tensors(calls)]
        if layer.name in places:
            continue  # an input that the network around it has computed
        if isinstance(layer, keras.Model):
            places[layer.name] = _append(layer, nodes, sources)[1]
        else:
            nodes.append(_node(layer, sources))
            places[layer.name] = [len(nodes) - 1]
    outputs = [places[name][place] for name, _, place in _triples(config["output_layers"])]
    return [places[name][0] for name in inputs], outputs


def _node(layer: keras.Layer, sources: list[int]) -> dict[str, Any]:
    kind = type(layer).__name__
    if kind not in _OPERATIONS:
        raise UnknownLayerError(f"{layer.name}: a layer of the kind {kind} cannot be exported")
    activation = getattr(layer, "activation", None)
    if kind != "Activation" and activation is not None and activation.__name__ != "linear":
        raise UnknownLayerError(f"{layer.name}: its activation has to be a layer of its own to be exported")
    made = {"from": sources, "shape": [int(n) for n in layer.output.shape[1:]], "weights": len(layer.get_weights())}
    return _OPERATIONS[kind](layer) | made


def _tensors(calls: Any) -> Iterator[tuple[str, int]]:
    """Of what a layer was called with: the name and the output of each layer it came from."""
    if isinstance(calls, dict) and calls.get("class_name") == "__keras_tensor__":
        name, _, place = calls["config"]["keras_history"]
        yield name, place
    elif isinstance(calls, dict):
        yield from _tensors(list(calls.values()))
    elif isinstance(calls, (list, tuple)):
        for part in calls:
            yield from _tensors(part)


def _triples(listed: list) -> list[list]:
    """Keras lists a single output without a list around it."""
    return [listed] if isinstance(listed[0], str) else listed


def rounded(array: np.ndarray) -> np.ndarray:
    """An array as an export holds it: matrices and kernels in half precision, vectors in single precision.

    Raises
    ------
    ValueError
        If a weight is too large for half precision, or not finite.
    """
    with np.errstate(over="ignore"):
        kept = array.astype(np.float16 if array.ndim > 1 else np.float32)
    if not np.isfinite(kept).all():
        raise ValueError(f"weights of up to {np.abs(array).max():g} do not fit into half precision (65,504)")
    return kept
