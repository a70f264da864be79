"""Small faults put into the package, one at a time: does the test suite notice each?

    python tools/mutants.py            # all of them, some minutes
    python tools/mutants.py average    # those whose names have this word

Each fault is made in a copy of the checkout, and the tests that should notice it are run there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "_build", "results", "__pycache__", ".*_cache")


@dataclass(frozen=True)
class Fault:
    """A change of one place, and the test files that should notice.

    Attributes
    ----------
    name : str
        What is wrong afterwards.
    file, old, new : str
        The text ``old``, which stands once in ``file`` (below ``ganad/``), becomes ``new``.
    tests : str
        Files below ``tests/``, without ``test_`` and suffix, separated by blanks.
    """

    name: str
    file: str
    old: str
    new: str
    tests: str


FAULTS = (
    Fault(
        "sign of the generated half of the cross-entropy",
        "training/adversarial.py",
        "-logits if real else logits",
        "-logits",
        "adversarial",
    ),
    Fault(
        "the moving average is not updated", "training/adversarial.py", "        self._average()\n", "", "adversarial"
    ),
    Fault(
        "the average forgets at the wrong rate",
        "training/adversarial.py",
        "9.0 / (10.0 + t)",
        "9.0 / (11.0 + t)",
        "adversarial",
    ),
    Fault(
        "epochs draw rows with replacement",
        "training/adversarial.py",
        "rng.permutation(count)",
        "rng.integers(0, count, count)",
        "adversarial",
    ),
    Fault("a program is shared whatever the losses", "training/step.py", "signature(player.loss), ", "", "programs"),
    Fault(
        "a program is shared whatever the width",
        "training/programs.py",
        "return json.dumps([_plain(network.get_config(), places), frozen], sort_keys=True, default=repr)",
        'return "a network"',
        "programs",
    ),
    Fault(
        "kept forward passes lose a gradient",
        "training/step.py",
        "a if b is None else b if a is None else a + b",
        "a if b is None else b if a is None else a",
        "adversarial",
    ),
    Fault(
        "the wrong pass is kept after its network has moved",
        "training/step.py",
        " if name not in moved}",
        "}",
        "adversarial",
    ),
    Fault("padding is not cut off", "training/batching.py", "result[: rows.stop - rows.start]", "result", "programs"),
    Fault(
        "EGBAD's score weighs its parts the wrong way round",
        "detectors/egbad.py",
        "return (1 - self.score_weight) * l1(",
        "return self.score_weight * l1(",
        "detectors",
    ),
    Fault(
        "the residual loss is left out of the encoder",
        "detectors/egbad.py",
        '"encoder": ("encoder",)',
        '"encoder": ("generator",)',
        "detectors",
    ),
    Fault(
        "the encoder wants what the discriminator wants",
        "models/bigan.py",
        "return binary_cross_entropy(play.real, False)",
        "return binary_cross_entropy(play.real, True)",
        "models",
    ),
    Fault(
        "the generator wants what the discriminator wants",
        "models/gan.py",
        "return binary_cross_entropy(play.fake, True)",
        "return binary_cross_entropy(play.fake, False)",
        "models",
    ),
    Fault(
        "GANomaly's codes are compared without the second encoder",
        "detectors/ganomaly.py",
        "return ops.mean(ops.square(play.encoded - play.again))",
        "return ops.mean(ops.square(play.encoded - play.encoded))",
        "ganomaly",
    ),
    Fault(
        "GANomaly's contextual loss has the wrong weight",
        "detectors/ganomaly.py",
        "contextual_weight: float = 50.0",
        "contextual_weight: float = 5.0",
        "ganomaly",
    ),
    Fault(
        "the gradient penalty pulls towards 0",
        "models/wgan_gp.py",
        "ops.square(play.slope - 1)",
        "ops.square(play.slope)",
        "wgan_gp",
    ),
    Fault(
        "Adam of the search forgets its bias correction",
        "search/latent.py",
        "m / (1 - BETA_1**t)",
        "m",
        "latent_search adgan",
    ),
    Fault(
        "ADGAN's moved weights are handed on to the next query",
        "search/moving_generator.py",
        "ops.repeat(ops.stop_gradient(weight)[None], rows, axis=0)",
        "ops.repeat(ops.stop_gradient(weight * 1.001)[None], rows, axis=0)",
        "adgan",
    ),
    Fault(
        "a test row leaks into the training set",
        "datasets/splits.py",
        "_hold_out(normal[:known])",
        "_hold_out(normal[: known + 1])",
        "splits",
    ),
    Fault(
        "the threshold is taken from the wrong end",
        "detectors/base.py",
        "1 - self.contamination",
        "self.contamination",
        "detectors",
    ),
    Fault(
        "average precision by the trapezoid",
        "metrics.py",
        "return float(average_precision_score(*_checked(labels, scores)))",
        "from sklearn.metrics import auc, precision_recall_curve; p, r, _ = precision_recall_curve(*_checked(labels, scores)); return float(auc(r, p))",
        "metrics",
    ),
    Fault(
        "images are scaled to [0, 1]",
        "detectors/base.py",
        "array / np.float32(127.5) - np.float32(1)",
        "array / np.float32(255)",
        "detectors",
    ),
    Fault(
        "BatchNorm scores in training mode",
        "detectors/egbad.py",
        "BiGANPlay(networks, x, None, training=False)",
        "BiGANPlay(networks, x, None, training=True)",
        "detectors",
    ),
    Fault(
        "a saved detector forgets its threshold",
        "detectors/base.py",
        'detector.threshold_ = float(header["threshold"])',
        "detector.threshold_ = 0.0",
        "detectors",
    ),
    Fault(
        "spectral normalisation does nothing",
        "networks/spectral.py",
        "        if training:\n",
        "        if False:\n",
        "networks backends",
    ),
)


def noticed(fault: Fault) -> bool:
    """Whether the tests fail with this fault in the package."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        path = copy / "ganad" / fault.file
        text = path.read_text("utf-8")
        if text.count(fault.old) != 1:
            sys.exit(f"{fault.name}: {fault.old!r} stands {text.count(fault.old)} times in {fault.file}")
        path.write_text(text.replace(fault.old, fault.new))
        files = [str(next((copy / "tests").rglob(f"test_{name}.py"))) for name in fault.tests.split()]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
        paths = {"PYTHONPATH": str(copy)}
        done = subprocess.run(command, cwd=copy, env=os.environ | paths, capture_output=True, text=True)
        last = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        print(
            f"{'noticed' if done.returncode == 1 else 'NOT NOTICED'}: {fault.name}: {' '.join(last)[:120]}", flush=True
        )
        return done.returncode == 1


def main() -> None:
    """Try the faults named on the command line, or all."""
    wanted = [fault for fault in FAULTS if all(word in fault.name for word in sys.argv[1:])]
    missed = [fault.name for fault in wanted if not noticed(fault)]
    print(f"{len(wanted) - len(missed)} of {len(wanted)} faults noticed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
