"""Draws pictures of results with matplotlib, offline: values go in, the bytes of an SVG and a PNG come out."""
