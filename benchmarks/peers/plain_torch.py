"""AnoGAN's search and EGBAD's step as one would write them by hand in PyTorch, without Keras."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from benchmarks import ours
from benchmarks.timing import Job


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
    search, x = anogan_search(100, ours.TIMED_STEPS), ours.samples(8, ours.SMALL)
    return Job(
        lambda count: [search(x[i % 8][None]) for i in range(count)], samples=ours.TIMED_STEPS / ours.SEARCH_STEPS
    )


def search_batched() -> Job:
    """The same, 64 searches sharing their calls."""
    search, x = anogan_search(100, ours.TIMED_STEPS), ours.samples(64, ours.SMALL)
    part = ours.TIMED_STEPS / ours.SEARCH_STEPS
    return Job(lambda times: [search(x) for _ in range(times)], samples=part * len(x))


class Pairs(nn.Module):
    """BiGAN's discriminator: logits of pairs (x, z)."""

    def __init__(self, of_x: nn.Module, of_z: nn.Module, joint: nn.Module) -> None:
        super().__init__()
        self.of_x, self.of_z, self.joint = of_x, of_z, joint

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Logits (N, 1)."""
        return self.joint(torch.cat([self.of_x(x), self.of_z(z)], 1))


Networks = tuple[nn.Module, nn.Module, nn.Module]


def bigan_of_rows(width: int, latent_dim: int = 32) -> Networks:
    """E, G and D for rows, the layers of :mod:`ganad.networks.bigan`."""

    def hidden(units: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(units, 128), nn.LeakyReLU(0.1), nn.Dropout(0.2))

    encoder = nn.Sequential(nn.Linear(width, 64), nn.LeakyReLU(0.1), nn.Linear(64, latent_dim))
    generator = nn.Sequential(
        nn.Linear(latent_dim, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, width)
    )
    return encoder, generator, Pairs(hidden(width), hidden(latent_dim), hidden(256).append(nn.Linear(128, 1)))


def bigan_of_images(latent_dim: int = 200) -> Networks:
    """E, G and D for images (N, 1, 28, 28), the layers of :mod:`ganad.networks.bigan`."""

    def dense(fan_in: int, units: int) -> list[nn.Module]:
        return [nn.Linear(fan_in, units), nn.LeakyReLU(0.1), nn.Dropout(0.5)]

    def down(fan_in: int, filters: int) -> list[nn.Module]:
        return [nn.Conv2d(fan_in, filters, 3, 2, 1), nn.BatchNorm2d(filters), nn.LeakyReLU(0.1)]

    encoder = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, 1, 1), nn.LeakyReLU(0.1), *down(32, 64), *down(64, 128)),
        *(nn.Flatten(), nn.Linear(6272, latent_dim)),
    )
    generator = nn.Sequential(
        *(nn.Linear(latent_dim, 1024), nn.BatchNorm1d(1024), nn.ReLU()),
        *(nn.Linear(1024, 6272), nn.BatchNorm1d(6272), nn.ReLU(), nn.Unflatten(1, (128, 7, 7))),
        *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh()),
    )
    of_x = nn.Sequential(
        *(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.1), nn.Dropout(0.5)),
        *(nn.Conv2d(64, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.LeakyReLU(0.1), nn.Dropout(0.5), nn.Flatten()),
    )
    joint = nn.Sequential(*dense(3136 + 512, 1024), nn.Linear(1024, 1))
    return encoder, generator, Pairs(of_x, nn.Sequential(*dense(latent_dim, 512)), joint)


def bigan_step(networks: Networks, latent_dim: int, rate: float = 1e-5) -> Callable:
    """``step(x)``: D moves on a mini-batch, then E and G answer it, as :class:`ganad.detectors.egbad.EGBAD` alternates."""
    encoder, generator, discriminator = networks
    judge = torch.optim.Adam(discriminator.parameters(), rate, betas=(0.5, 0.999))
    makers = torch.optim.Adam([*encoder.parameters(), *generator.parameters()], rate, betas=(0.5, 0.999))

    def step(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z = torch.randn(len(x), latent_dim)
        with torch.no_grad():
            code, made = encoder(x), generator(z)
        right = softplus(-discriminator(x, code)).mean() + softplus(discriminator(made, z)).mean()
        judge.zero_grad()
        right.backward()
        judge.step()
        wrong = softplus(discriminator(x, encoder(x))).mean() + softplus(-discriminator(generator(z), z)).mean()
        makers.zero_grad()
        wrong.backward()
        makers.step()
        return right.detach(), wrong.detach()

    return step


def egbad_kdd() -> Job:
    """EGBAD's step on rows of KDD's width, batches of 50."""
    return _egbad(bigan_of_rows(*ours.KDD), 32, torch.from_numpy(ours.samples(20_000, ours.KDD)), 50, 20)


def egbad_images() -> Job:
    """EGBAD's step on 28x28 images, batches of 100."""
    return _egbad(bigan_of_images(), 200, torch.from_numpy(ours.samples(2_000, (1, 28, 28))), 100, 2)


def _egbad(networks: Networks, latent_dim: int, x: torch.Tensor, size: int, units: int) -> Job:
    step = bigan_step(networks, latent_dim)

    def run(steps: int) -> None:
        for i in range(steps):
            first = i * size % (len(x) - size + 1)
            step(x[first : first + size])

    return Job(run, samples=size, units=units)
