"""Networks packed into one block of bytes, its description, and back."""

import base64
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tools.web_models.graph import graph, rounded


def pack(networks: Mapping[str, keras.Model]) -> dict[str, Any]:
    """What a page needs to run these networks.

    Returns
    -------
    dict
        ``networks``: of each its graph (:func:`tools.web_models.graph.graph`) and its ``tensors``, each with ``shape``, ``type``
        ("float16" or "float32", little endian) and ``at``, where it begins; ``bytes``: all of them, in base64.
    """
    described, blocks, at = {}, [], 0
    for role, network in networks.items():
        tensors = []
        for weight in map(rounded, network.get_weights()):
            tensors.append({"shape": list(weight.shape), "type": weight.dtype.name, "at": at})
            block = weight.astype(weight.dtype.newbyteorder("<")).tobytes()
            blocks.append(block + bytes(-len(block) % 4))  # a float32 begins at a multiple of 4
            at += len(blocks[-1])
        described[role] = graph(network) | {"tensors": tensors}
    return {"networks": described, "bytes": base64.b64encode(b"".join(blocks)).decode()}


def unpack(packed: Mapping[str, Any], role: str) -> list[np.ndarray]:
    """A packed network's arrays, float32, in the order of ``set_weights()``."""
    block = base64.b64decode(packed["bytes"])
    arrays = []
    for tensor in packed["networks"][role]["tensors"]:
        kind, count = np.dtype(tensor["type"]).newbyteorder("<"), int(np.prod(tensor["shape"]))
        arrays.append(np.frombuffer(block, kind, count, tensor["at"]).reshape(tensor["shape"]).astype(np.float32))
    return arrays


def round_weights(networks: Mapping[str, keras.Model]) -> None:
    """Give networks the weights that :func:`pack` would write."""
    for network in networks.values():
        network.set_weights([rounded(weight).astype(np.float32) for weight in network.get_weights()])
