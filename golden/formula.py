"""Where all that goes into golden values comes from: weights, images, labels, gradients.

An integer formula, so that a test can rebuild them bit for bit without storing them.
"""

import numpy as np


def bits(stream, count):
    """u64 values i = 0..count of a stream: splitmix64's finaliser of stream * GAMMA + i + 1."""
    z = np.uint64((stream * 0x9E3779B97F4A7C15 + 1) & 0xFFFFFFFFFFFFFFFF) + np.arange(count, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(stream, shape):
    """float32 in [0, 1), multiples of 2^-24: exact."""
    u = (bits(stream, int(np.prod(shape))) >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    return u.reshape(shape)


def signed(stream, shape, scale=1.0):
    """float32 (2u - 1) * scale; exact where the scale is a power of two."""
    return (np.float32(2) * unit(stream, shape) - np.float32(1)) * np.float32(scale)


def labels_of(stream, count, classes):
    return ((bits(stream, count) >> np.uint64(33)) % np.uint64(classes)).astype(np.int64)


FORMULA = {
    "bits(stream, i)": "z = stream * 0x9E3779B97F4A7C15 + i + 1 (wrapping u64); z ^= z >> 30; z *= 0xBF58476D1CE4E5B9; "
    "z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31",
    "u(stream, i)": "(bits >> 40) as f32 / 2^24, in [0, 1), exact",
    "signed(stream, i, scale)": "(2 * u - 1) * scale in f32; i is the flat index, last axis fastest (images NHWC, conv kernels "
    "height x width x in x out, dense kernels in x out)",
    "check": [
        {"stream": s, "bits": [f"{int(z):#018x}" for z in bits(s, 3)], "signed": [float(v) for v in signed(s, (3,))]}
        for s in (0, 1, 1000, 2001)
    ],
}
