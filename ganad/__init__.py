"""GANs for anomaly detection: a book that runs, and the package it runs on.

Importing :mod:`ganad` loads no framework.  TensorFlow, JAX or PyTorch is loaded when the first network is built: the one that
``KERAS_BACKEND`` names, else Keras' own choice, else whichever is installed.  Without any, the classical detectors still work.

On the way it asks TensorFlow for oneDNN's kernels (``TF_ENABLE_ONEDNN_OPTS=1``, unless it is set already): by default TensorFlow
uses them on processors with AVX-512 alone, but they are faster on others too (``results/bench.json`` says by how much).
"""

import os
from importlib.machinery import PathFinder

FRAMEWORKS = ("tensorflow", "jax", "torch")

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # TensorFlow reads it when it is first imported
# Keras takes TensorFlow unless it is told otherwise, also where there is none.
if (_installed := [name for name in FRAMEWORKS if PathFinder.find_spec(name)]) and "tensorflow" not in _installed:
    os.environ.setdefault("KERAS_BACKEND", _installed[0])

__version__ = "0.1.0"
