"""PyOD's AnoGAN and ALAD, with hidden layers like ganad's as far as their arguments allow."""

import numpy as np

from benchmarks import ours
from benchmarks.timing import Job

ROWS = 100


def anogan_query() -> Job:
    """Its search, one row after the other: it runs inside ``fit`` (``decision_function`` makes none), after one epoch."""
    from pyod.models.anogan import AnoGAN

    x = ours.samples(ROWS, ours.KDD)
    layers = {
        "G_layers": [64, 128],
        "D_layers": [256, 128, 128],
        "latent_dim_G": 32,
        "index_D_layer_for_recon_error": 3,
    }

    def run(times: int) -> None:
        for _ in range(times):
            AnoGAN(epochs=1, epochs_query=ours.QUERY_STEPS, batch_size=ROWS, **layers).fit(x)

    return Job(run, samples=ROWS)


def alad_step() -> Job:
    """Its ``train_step`` over consecutive batches of 50: a true pass over the rows, which its ``fit`` does not make."""
    from pyod.models.alad import ALAD

    x = ours.samples(20_000, ours.KDD).astype(float)
    model = ALAD(
        latent_dim=32,
        enc_layers=[64],
        dec_layers=[64, 128],
        disc_xx_layers=[128],
        disc_zz_layers=[32],
        disc_xz_layers=[128, 128],
        batch_size=50,
    )
    model.n_features_ = x.shape[1]
    model._build_model()
    rng = np.random.default_rng(0)

    def run(steps: int) -> None:
        for i in range(steps):
            first = i * 50 % len(x)
            model.train_step((x[first : first + 50], rng.standard_normal((50, 32))))

    return Job(run, samples=50, units=20)
