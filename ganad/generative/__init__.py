"""Generative adversarial models: what the detectors are made of."""
