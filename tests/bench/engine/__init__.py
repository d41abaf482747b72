"""The simulator beside a real engine: a model of its times is fitted, then both get the same requests."""
