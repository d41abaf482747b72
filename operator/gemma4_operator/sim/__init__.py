"""Engines, routers and traffic in discrete events, to try a scaler's rule against recorded days in seconds."""
