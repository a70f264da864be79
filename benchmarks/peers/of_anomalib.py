"""anomalib's GANomaly: its networks and losses, and its training step without Lightning around it.

Importing the package brings Lightning, torchvision and more; the three files the model needs are loaded by themselves, with
an empty class in the place of the container of its results.
"""

import importlib.metadata
import importlib.util
import math
import sys
from types import ModuleType
from typing import Any

import torch

from benchmarks import ours
from benchmarks.timing import Job

_MODEL = "anomalib/models/image/ganomaly/"
_STAND_INS = ("anomalib", "anomalib.data", "anomalib.data.utils", "anomalib.data.utils.image")
BATCH = 64


def _padded(batch: torch.Tensor) -> torch.Tensor:
    if math.log2(batch.shape[-1]) % 1 or batch.shape[-1] != batch.shape[-2]:
        raise ValueError(f"squares of a power of two are timed, not {tuple(batch.shape[-2:])}")
    return batch


def load(name: str) -> ModuleType:
    """``torch_model`` or ``loss`` of anomalib's GANomaly, from the installed package's files."""
    try:
        found = importlib.metadata.files("anomalib")
    except importlib.metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError("No module named 'anomalib'") from error
    path = next(file for file in found if str(file) == f"{_MODEL}{name}.py").locate()
    held = {each: sys.modules.get(each) for each in _STAND_INS}
    try:
        for each in _STAND_INS:
            sys.modules[each] = ModuleType(each)
        sys.modules["anomalib.data"].InferenceBatch = type("InferenceBatch", (dict,), {})
        sys.modules["anomalib.data.utils.image"].pad_nextpow2 = _padded
        spec = importlib.util.spec_from_file_location(f"ganad_bench_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for each, module_before in held.items():
            if module_before is None:
                del sys.modules[each]
            else:
                sys.modules[each] = module_before
    return module


def _images(count: int) -> torch.Tensor:
    return torch.from_numpy(ours.samples(count, (1, 32, 32)))


def _model() -> Any:
    return load("torch_model").GanomalyModel((32, 32), num_input_channels=1, n_features=64, latent_vec_size=100)


def training() -> Job:
    """One training step for each batch of 64 images, 32x32x1: D runs three times."""
    model, losses = _model().train(), load("loss")
    generator_loss, judge_loss = losses.GeneratorLoss(), losses.DiscriminatorLoss()
    makers = torch.optim.Adam(model.generator.parameters(), 2e-4, betas=(0.5, 0.999))
    judges = torch.optim.Adam(model.discriminator.parameters(), 2e-4, betas=(0.5, 0.999))
    x = _images(2_000)

    def step(batch: torch.Tensor) -> tuple[float, float]:
        padded, fake, code, again = model(batch)
        real = model.discriminator(padded)[0]
        loss = generator_loss(code, again, padded, fake, real, model.discriminator(fake)[0])
        makers.zero_grad()
        loss.backward(retain_graph=True)
        makers.step()
        told = judge_loss(real, model.discriminator(fake.detach())[0])
        judges.zero_grad()
        told.backward()
        judges.step()
        return loss.item(), told.item()

    def run(steps: int) -> None:
        for i in range(steps):
            first = i * BATCH % (len(x) - BATCH + 1)
            step(x[first : first + BATCH])

    return Job(run, samples=BATCH, units=2)


def scoring() -> Job:
    """Its score of batches of 64 images, in evaluation mode."""
    model, x = _model().eval(), _images(2_048)

    def run(times: int) -> None:
        with torch.no_grad():
            for _ in range(times):
                for first in range(0, len(x), BATCH):
                    model(x[first : first + BATCH])

    return Job(run, samples=len(x))
