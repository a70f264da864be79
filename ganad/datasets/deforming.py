"""Versions of an image as another hand could have drawn it: turned, slanted, stretched, moved and bent a little."""

import numpy as np

TURN, SLANT, STRETCH, MOVE, BEND = 0.15, 0.15, 0.08, 0.7, 0.85
"""Standard deviations: radians, tangent, logarithm of a factor, pixels, pixels."""
SMOOTH = 4
"""Pixels over which a bend is smooth (Simard et al. 2003, elastic distortions)."""


def deformed(images: np.ndarray, copies: int, seed: int = 0) -> np.ndarray:
    """So many versions of each image, one after the other.

    Parameters
    ----------
    images : ndarray (N, H, W)
        Of any range; 0 is what lies beyond their edge.
    copies : int
        Versions of each, >= 1.
    seed : int
        Of what is drawn; a version depends on its place too.

    Returns
    -------
    ndarray (N * copies, H, W), float32
    """
    from scipy.ndimage import map_coordinates

    rng = np.random.default_rng(seed)
    images = np.repeat(np.asarray(images, np.float32), copies, axis=0)
    count, *size = images.shape
    middle = (np.array(size) - 1) / 2
    grid = np.mgrid[: size[0], : size[1]] - middle[:, None, None]
    bend = BEND * _smooth(count, size, rng)
    moved = middle + rng.normal(0, MOVE, (count, 2))
    at = np.einsum("nij,jhw->nihw", _matrices(count, rng), grid) + moved[:, :, None, None] + bend
    which = np.broadcast_to(np.arange(count)[:, None, None], images.shape)
    return map_coordinates(images, [which, at[:, 0], at[:, 1]], order=1)


def _smooth(count: int, size: list[int], rng: np.random.Generator) -> np.ndarray:
    """Smooth random fields of deviation 1, (count, 2, H, W): bumps of a random height on a grid of their own width."""
    down, across = (_bumps(pixels) for pixels in size)
    return down @ rng.standard_normal((count, 2, down.shape[1], across.shape[1]), np.float32) @ across.T


def _bumps(pixels: int) -> np.ndarray:
    near = np.exp(-0.5 * ((np.arange(pixels)[:, None] - np.arange(0, pixels + SMOOTH, SMOOTH)) / SMOOTH) ** 2)
    return (near / np.sqrt(np.square(near).sum(1, keepdims=True))).astype(np.float32)


def _matrices(count: int, rng: np.random.Generator) -> np.ndarray:
    turn, slant = rng.normal(0, TURN, count), rng.normal(0, SLANT, count)
    stretch = np.exp(rng.normal(0, STRETCH, (count, 2)))
    one, none = np.ones(count), np.zeros(count)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    slanted = np.array([[one, slant], [none, one]])
    return np.einsum("ijn,jkn,nk->nik", turned, slanted, stretch)
