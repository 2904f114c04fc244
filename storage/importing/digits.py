"""scikit-learn's 1,797 handwritten digits, which every installation carries, as an .npz to import.

numpy and scikit-learn are loaded only when they are written.
"""

from __future__ import annotations

from pathlib import Path

COUNT = 1797
LABELS = tuple("0123456789")


def write_digits(target: Path) -> None:
    """Write the digits to `target`, an npz file with `images` (uint8 [1797, 8, 8], 0 to 255) and
    `labels` (text). They are all there is: no split is given."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    np.savez(target, images=images, labels=digits.target.astype(str))
