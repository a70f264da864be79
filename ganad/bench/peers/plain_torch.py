"""AnoGAN's search as one would write it by hand in PyTorch, one sample after another or many at once."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from ganad.bench import ours
from ganad.bench.timing import Job


def anogan_search(latent_dim: int, steps: int, weight: float = 0.1) -> Callable:
    """``search(x)`` for images (N, 28, 28, 1): the losses (N,) of N searches that share their calls.

    G: dense, two transposed convolutions; the features: two convolutions.  Weights frozen, Adam at .01.
    """
    generator = nn.Sequential(
        *(nn.Linear(latent_dim, 128 * 49), nn.ReLU(), nn.Unflatten(1, (128, 7, 7))),
        *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh()),
    )
    features = nn.Sequential(
        *(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1), nn.LeakyReLU(0.2))
    )
    for network in (generator, features):
        network.eval().requires_grad_(False)

    def search(x: np.ndarray) -> np.ndarray:
        query = torch.as_tensor(x).permute(0, 3, 1, 2)
        seen = features(query)
        z = torch.randn(len(x), latent_dim, requires_grad=True)
        adam = torch.optim.Adam([z], 0.01)
        for _ in range(steps):
            adam.zero_grad()
            generated = generator(z)
            residual = (query - generated).abs().flatten(1).sum(1)
            losses = (1 - weight) * residual + weight * (seen - features(generated)).abs().flatten(1).sum(1)
            losses.sum().backward()
            adam.step()
        return losses.detach().numpy()

    return search


def search_one_by_one() -> Job:
    """One search after the other, 500 steps each."""
    search, x = anogan_search(100, ours.SEARCH_STEPS), ours.samples(8, ours.SMALL)
    return Job(lambda count: [search(x[i % 8][None]) for i in range(count)], samples=1)


def search_batched() -> Job:
    """The same, 64 searches sharing their calls."""
    search, x = anogan_search(100, ours.SEARCH_STEPS), ours.samples(64, ours.SMALL)
    return Job(lambda times: [search(x) for _ in range(times)], samples=64)
