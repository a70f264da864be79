"""The sweep on a machine without network: a bundle, its wheels, and what unpacks it there."""
