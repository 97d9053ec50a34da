"""Distances on the earth, taken as a sphere."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS = 6371.0088  # km, the mean radius (IUGG)


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Returns the great-circle distance in km of two points in degrees, by the haversine formula."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    half_chord = (
        sin((other_phi - phi) / 2) ** 2 + cos(phi) * cos(other_phi) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    # Rounding can give slightly more than 1 for antipodes.
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half_chord)))
