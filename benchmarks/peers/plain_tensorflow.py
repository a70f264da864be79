"""The steps as one would write them by hand in TensorFlow: the same Keras networks, a `tf.function` called once a batch."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from benchmarks import ours
from benchmarks.timing import Job
from ganad.detectors import EGBAD, GANomaly


def one_by_one(step: Callable, x: np.ndarray, batch_size: int) -> Job:
    """The step called for one batch after the other, data on the device."""
    data = tf.constant(x)

    def run(steps: int) -> None:
        for i in range(steps):
            first = i * batch_size % (len(x) - batch_size + 1)
            result = step(data[first : first + batch_size])
        np.asarray(tf.nest.flatten(result)[0])

    return Job(run, samples=batch_size, units=20 if x.ndim == 2 else 2)


def egbad_kdd() -> Job:
    """EGBAD's step by hand on rows of KDD's width."""
    return _egbad(EGBAD(), ours.KDD, 20_000)


def egbad_images() -> Job:
    """EGBAD's step by hand on 28x28 images."""
    return _egbad(EGBAD(), ours.SMALL, 2_000)


def egbad_images_simultaneous() -> Job:
    """The same, all players moving from one forward pass."""
    return _egbad(EGBAD(turns="simultaneous"), ours.SMALL, 2_000)


def _egbad(detector: EGBAD, shape: tuple[int, ...], rows: int) -> Job:
    networks = ours.prepared(detector, shape)
    step = bigan_step(networks, detector.reference_["latent_dim"], detector.turns == "alternating")
    return one_by_one(step, ours.samples(rows, shape), detector.reference_["batch_size"])


def ganomaly_training() -> Job:
    """GANomaly's step by hand, D run four times as in the authors' code: twice for either player."""
    detector = GANomaly()
    networks = ours.prepared(detector, ours.LARGE)
    step = ganomaly_step(networks)
    return one_by_one(step, ours.samples(2_000, ours.LARGE), detector.reference_["batch_size"])


def ganomaly_scoring() -> Job:
    """GANomaly's score by hand, batches of 64."""
    encoder, decoder, second, _ = ours.prepared(GANomaly(), ours.LARGE).values()

    @tf.function
    def score(x: tf.Tensor) -> tf.Tensor:
        code = encoder(x, training=False)
        again = second(decoder(code, training=False), training=False)
        return tf.reduce_mean(tf.square(code - again), axis=1)

    return one_by_one(score, ours.samples(2048, ours.LARGE), 64)


def _adam(variables: Sequence, rate: float) -> keras.optimizers.Optimizer:
    optimizer = keras.optimizers.Adam(rate, beta_1=0.5)
    optimizer.build(variables)
    return optimizer


def bigan_step(networks: Mapping[str, keras.Model], latent_dim: int, alternating: bool) -> Callable:
    """A compiled ``step(x)`` that trains E, G and D on one mini-batch, (batch, *shape) float32.

    Losses, Adam and order of the players are those of :class:`ganad.detectors.egbad.EGBAD`; no average of the weights.
    """
    encoder, generator, discriminator = (networks[name] for name in ("encoder", "generator", "discriminator"))
    judges = discriminator.trainable_variables
    makers = encoder.trainable_variables + generator.trainable_variables
    judge_optimizer, maker_optimizer = _adam(judges, 1e-5), _adam(makers, 1e-5)

    def play(x, z):
        real = discriminator([x, encoder(x, training=True)], training=True)[0]
        fake = discriminator([generator(z, training=True), z], training=True)[0]
        right = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
        wrong = tf.reduce_mean(tf.nn.softplus(real)) + tf.reduce_mean(tf.nn.softplus(-fake))
        return right, wrong

    @tf.function
    def together(x):
        z = tf.random.normal((tf.shape(x)[0], latent_dim))
        with tf.GradientTape(persistent=True) as tape:
            right, wrong = play(x, z)
        judge_optimizer.apply(tape.gradient(right, judges), judges)
        maker_optimizer.apply(tape.gradient(wrong, makers), makers)
        return right, wrong

    @tf.function
    def in_turn(x):
        z = tf.random.normal((tf.shape(x)[0], latent_dim))
        with tf.GradientTape() as tape:
            right, _ = play(x, z)
        judge_optimizer.apply(tape.gradient(right, judges), judges)
        with tf.GradientTape() as tape:
            _, wrong = play(x, z)
        maker_optimizer.apply(tape.gradient(wrong, makers), makers)
        return right, wrong

    return in_turn if alternating else together


def ganomaly_step(networks: Mapping[str, keras.Model]) -> Callable:
    """A compiled ``step(x)`` that trains D, then encoder, decoder and second encoder, on one mini-batch of images."""
    encoder, decoder, second, discriminator = networks.values()
    judges = discriminator.trainable_variables
    makers = [v for network in (encoder, decoder, second) for v in network.trainable_variables]
    judge_optimizer, maker_optimizer = _adam(judges, 2e-4), _adam(makers, 2e-4)

    @tf.function
    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            code = encoder(x, training=True)
            made = decoder(code, training=True)
            again = second(made, training=True)
            real = discriminator(x, training=True)[1]
            fake = discriminator(made, training=True)[1]
            generator_loss = (
                tf.reduce_mean(tf.square(real - fake))
                + 50 * tf.reduce_mean(tf.abs(x - made))
                + tf.reduce_mean(tf.square(code - again))
            )
            right = discriminator(x, training=True)[0]
            wrong = discriminator(tf.stop_gradient(made), training=True)[0]
            judge_loss = 0.5 * (tf.reduce_mean(tf.nn.softplus(-right)) + tf.reduce_mean(tf.nn.softplus(wrong)))
        maker_optimizer.apply(tape.gradient(generator_loss, makers), makers)
        judge_optimizer.apply(tape.gradient(judge_loss, judges), judges)
        return generator_loss, judge_loss

    return step
