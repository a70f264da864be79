"""GANs for anomaly detection: a book that runs, and the package it runs on.

Importing :mod:`ganad` loads no framework.  TensorFlow, JAX or PyTorch (``KERAS_BACKEND``) is
loaded when the first network is built.

On the way it asks TensorFlow for oneDNN's kernels (``TF_ENABLE_ONEDNN_OPTS=1``, unless it is set already): by default TensorFlow
uses them on processors with AVX-512 alone, but they are faster on others too (``results/bench.json`` says by how much).
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # TensorFlow reads it when it is first imported

__version__ = "0.1.0"
