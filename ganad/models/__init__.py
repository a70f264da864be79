"""Generative adversarial models: what the detectors are made of."""

from ganad.backends import need_framework

need_framework()
