"""How far the network sees into shadow and light: encoded values outside are clamped at its input, in every runtime."""

INPUT_LOW = -0.5
"""Well below black, so that a raw file's noise stays symmetric around it."""
INPUT_HIGH = 2.0
"""Two and a third stops above white."""
LEAK = 0.1
"""Slope of the non-linearity below zero."""
