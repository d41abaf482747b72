"""Kubernetes' quantities as whole numbers, from the API server or from a hand; what is none counts as nothing."""

import re

_FORM = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][0-9]{1,2}|[KMGTPE]i|[mkMGTPE])?")
_FACTORS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60} | {
    "": 1, "m": 1e-3, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18,
}  # fmt: skip


def amount(value: object) -> int:
    """Return a quantity's number, rounded down: of GPUs, or of bytes; 0 for what is no quantity, or less than one.

    Forms are those of k8s.io/apimachinery's resource.Quantity: a number, and a binary or decimal suffix or an exponent.
    """
    text = value if isinstance(value, str) else str(value)
    # What the API server sends nearly always; a fleet is read faster without the expression.
    if text.isdecimal():
        return int(text)
    if text[-2:] == "Ki" and (kib := text[:-2]).isdecimal():
        return int(kib) << 10
    found = _FORM.fullmatch(text)
    if found is None:
        return 0
    number, suffix = found[1], found[2] or ""
    factor = 10 ** int(suffix[1:]) if suffix[:1] in ("e", "E") and suffix not in _FACTORS else _FACTORS[suffix]
    return int(number) * factor if number.isdecimal() and isinstance(factor, int) else int(float(number) * factor)
