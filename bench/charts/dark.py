"""The dark counterpart of a colour that was chosen for white paper.

Invariant: any two colours keep the contrast that they have with each other on white (WCAG 2: a ratio of luminances),
as far as black and white allow: what can be read in one scheme can be read in the other. White becomes the card.
"""

import colorsys

from matplotlib.colors import to_hex, to_rgb

CARD = "#161b22"
"""What a chart stands on in the dark; as in ``page.html``."""

_STEPS = 24
"""Halvings: finer than the 256 steps of a channel."""


def luminance(color: str | tuple[float, float, float]) -> float:
    """Relative luminance, 0 to 1, after WCAG 2."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(color)
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def contrast(one: str, other: str) -> float:
    """1 (none) to 21."""
    dim, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def darkened(color: str) -> str:
    """In the same hue, as far from the dark card as the colour is from white; ``#rrggbb`` both."""
    if luminance(color) >= 1:
        return CARD
    wanted = (luminance(CARD) + 0.05) * contrast(color, "#ffffff") - 0.05
    hue, _, saturation = colorsys.rgb_to_hls(*to_rgb(color))
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if luminance(colorsys.hls_to_rgb(hue, middle, saturation)) < wanted:
            low = middle
        else:
            high = middle
    return to_hex(colorsys.hls_to_rgb(hue, high, saturation))
