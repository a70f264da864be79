"""GANs for anomaly detection: a book that runs, and the package it runs on.

Importing :mod:`ganad` loads no framework.  TensorFlow, JAX or PyTorch (``KERAS_BACKEND``) is
loaded when the first network is built.
"""

__version__ = "0.1.0"
