"""EGBAD's training step as one would write it by hand in TensorFlow: the yardstick of ``ganad bench``.

The same networks, losses, Adam and order of the players as :class:`ganad.detectors.egbad.EGBAD`; a `tf.function` called
once a batch.
"""

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf


def bigan_step(networks: Mapping[str, keras.Model], latent_dim: int, alternating: bool) -> Callable:
    """A compiled ``step(x)`` that trains E, G and D on one mini-batch, (batch, *shape) float32."""
    encoder, generator, discriminator = (networks[name] for name in ("encoder", "generator", "discriminator"))
    judges = discriminator.trainable_variables
    makers = encoder.trainable_variables + generator.trainable_variables
    judge_optimizer, maker_optimizer = (keras.optimizers.Adam(1e-5, beta_1=0.5) for _ in range(2))
    judge_optimizer.build(judges)
    maker_optimizer.build(makers)

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
