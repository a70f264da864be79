"""The latent search: which z would have generated this sample?  Chapter: book/detectors/anogan.ipynb

Schlegl et al. 2017, *Unsupervised Anomaly Detection with Generative Adversarial Networks* (arXiv 1703.05921), section 2.2;
the survey's equations (4) to (7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from ganad.backends import accelerated, backend
from ganad.training.batching import padded
from ganad.training.programs import architecture, program

STEPS_PER_CALL = 50
"""Steps in one compiled call; a search that has converged can leave, and another begin, between two calls."""

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


ON_A_GPU = 32
"""Times as many searches run side by side on a GPU."""


@dataclass(frozen=True)
class Found:
    """What a search ended with, for N samples.

    Attributes
    ----------
    z : ndarray (N, latent_dim)
        The latent points.
    loss : ndarray (N,)
        ``(1 - weight) * residual + weight * discrimination`` at z, >= 0 (survey, equation (6)).
    residual : ndarray (N,)
        L1 distance of x and G(z) (equation (4)).
    generated : ndarray like x
        G(z).
    steps : ndarray (N,) of int
        How many steps were taken.
    """

    z: np.ndarray
    loss: np.ndarray
    residual: np.ndarray
    generated: np.ndarray
    steps: np.ndarray


class LatentSearch:
    """Moves z, and nothing else, down the distance of G(z) to a sample; many samples at once, each for itself.

    Parameters
    ----------
    generator : keras.Model
        Of z, or of ``[z, *conditions]``.
    discriminator : keras.Model, optional
        Returns ``[logit, features]`` of ``x``; not needed with ``weight`` 0.
    steps : int
        Adam steps for each sample, >= 0.
    rate : float
        Adam's step size until the first boundary; a tenth of it until the second, a twentieth after.
    boundaries : (int, int)
        In steps.
    weight : float
        Of the discrimination loss, lambda, in [0, 1].
    score : {"feature_matching", "cross_entropy"}
        The discrimination loss: the L1 distance of D's features of x and of G(z), or -log D(G(z)).
    tolerance : float
        A search ends early once ``STEPS_PER_CALL`` steps have lowered its loss by less than this fraction; 0: never.
    slots : (int, int)
        How many searches run side by side: for a few samples, and for many; on a GPU 32 times as many as the latter.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None = None,
        *,
        steps: int = 500,
        rate: float = 0.01,
        boundaries: tuple[int, int] = (200, 300),
        weight: float = 0.1,
        score: str = "feature_matching",
        tolerance: float = 0.0,
        slots: tuple[int, int] = (8, 64),
    ) -> None:
        self.generator = generator
        self.discriminator: Any = discriminator
        self.steps, self.rate, self.boundaries = steps, rate, boundaries
        self.weight, self.score, self.tolerance = weight, score, tolerance
        self.slots = (slots[0], slots[1] * (ON_A_GPU if accelerated() else 1))
        networks = [network for network in (generator, discriminator) if network is not None]
        self._variables = [variable for network in networks for variable in network.variables]
        settings = rate, boundaries, weight, score
        key = "search", type(self), settings, tuple(map(architecture, networks))
        self._advance = program(key, lambda: backend().compile_function())

    def losses(self, x: Any, seen: Any, z: Any, *conditions: Any) -> tuple[Any, Any, Any]:
        """Loss (N,), residual (N,) and G(z) at latent points; ``seen`` is :meth:`features` of x."""
        generated = self.generator([z, *conditions] if conditions else z, training=False)
        residual = _l1(x, generated)
        if not self.weight:
            return residual, residual, generated
        logit, features = self.discriminator(generated, training=False)
        discrimination = ops.softplus(-logit)[:, 0] if self.score == "cross_entropy" else _l1(seen, features)
        return (1 - self.weight) * residual + self.weight * discrimination, residual, generated

    def features(self, x: Any) -> Any:
        """D's features of x, (N, K), if the loss looks at them; else x."""
        wanted = self.weight and self.score == "feature_matching"
        return self.discriminator(x, training=False)[1] if wanted else x

    def _steps(self, x: Any, z: Any, m: Any, v: Any, t: Any, count: Any, last: Any, *conditions: Any) -> tuple:
        """``count`` Adam steps, up to the ``last`` one, on every row; each has moments and a clock of its own."""
        seen = self.features(x)

        def total(z: Any) -> Any:
            return self.losses(x, seen, z, *conditions)[0]

        def step(_: Any, state: tuple) -> tuple:
            z, m, v, t = state
            _, (slope,) = backend().input_gradients(total, [z])
            running = ops.cast(t < ops.cast(last, "float32"), "float32")
            t = t + running
            move, m, v = adam_move(slope, m, v, t)
            return z - running * self._rate(t) * move, m, v, t

        z, m, v, t = ops.fori_loop(0, count, step, (z, m, v, t))
        return z, m, v, t, *self.losses(x, seen, z, *conditions)

    def _rate(self, t: Any) -> Any:
        first, second = self.boundaries
        return self.rate * ops.where(t <= first, 1.0, ops.where(t <= second, 0.1, 0.05))

    def search(self, x: np.ndarray, starts: np.ndarray, *conditions: np.ndarray, steps: int | None = None) -> Found:
        """Search for every sample from every start, and keep its best end.

        Parameters
        ----------
        x : ndarray (N, ...), float32
            Samples.
        starts : ndarray (R, latent_dim)
            Where the R searches of every sample begin: the same for all, so that a result depends on its sample alone.
        *conditions : ndarray (N, K)
            Further inputs of the generator.
        steps : int, optional
            Another number of steps, for this search alone; a shorter one is the beginning of a longer one.
        """
        steps = self.steps if steps is None else steps
        restarts = len(starts)
        rows = [np.repeat(array, restarts, axis=0) for array in (x, *conditions)]
        ends = self._run(rows[0], np.tile(starts, (len(x), 1)).astype(np.float32), rows[1:], steps)
        best = ends.loss.reshape(-1, restarts).argmin(1) + restarts * np.arange(len(x))
        return Found(*(getattr(ends, name)[best] for name in Found.__dataclass_fields__))

    def _run(self, x: np.ndarray, z: np.ndarray, conditions: Sequence[np.ndarray], steps: int) -> Found:
        """One search a row: as many slots as fit, a new search in every slot that gets free."""
        count = len(x)
        m, v, t = np.zeros_like(z), np.zeros_like(z), np.zeros((count, 1), np.float32)
        loss, residual, generated = np.full(count, np.inf), np.zeros(count), np.zeros_like(x)
        waiting = list(range(count))[::-1]
        running: list[int] = []
        while waiting or running:
            slots = self.slots[len(waiting) + len(running) > self.slots[0]]
            while waiting and len(running) < slots:
                running.append(waiting.pop())
            rows = np.array(running)
            state = [x[rows], z[rows], m[rows], v[rows], t[rows]]
            ends = self._call(slots, state, [c[rows] for c in conditions], steps)
            before = loss[rows]
            z[rows], m[rows], v[rows], t[rows], loss[rows], residual[rows], generated[rows] = ends
            converged = before - loss[rows] < self.tolerance * before if self.tolerance else np.zeros(len(rows), bool)
            over = (t[rows, 0] >= steps) | (converged & np.isfinite(before))
            running = rows[~over].tolist()
        return Found(z, loss, residual, generated, t[:, 0].astype(int))

    def _call(self, slots: int, state: list[np.ndarray], conditions: list[np.ndarray], last: int) -> list[np.ndarray]:
        rows = len(state[0])
        state, conditions = ([padded(array, slots) for array in arrays] for arrays in (state, conditions))
        arguments = *state, np.int32(min(STEPS_PER_CALL, last)), np.int32(last), *conditions
        return [end[:rows] for end in self._advance(self._steps, self._variables, *arguments)]


def adam_move(slope: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
    """Adam's move at step size 1, and its moments after it (Kingma & Ba 2015, algorithm 1), on plain tensors.

    Keras' optimisers keep one clock for all; here each row of a batch is at a step t, >= 1, of its own.
    """
    m = BETA_1 * m + (1 - BETA_1) * slope
    v = BETA_2 * v + (1 - BETA_2) * slope * slope
    return m / (1 - BETA_1**t) / (ops.sqrt(v / (1 - BETA_2**t)) + EPSILON), m, v


def draw_starts(restarts: int, latent_dim: int, seed: int) -> np.ndarray:
    """So many points of the prior N(0, 1), (restarts, latent_dim) float32; more restarts begin with the same points."""
    return np.random.default_rng([seed, 1]).standard_normal((restarts, latent_dim)).astype(np.float32)


def _l1(a: Any, b: Any) -> Any:
    return ops.sum(ops.abs(a - b), axis=tuple(range(1, len(a.shape))))
