"""How a change reaches pods that serve: what comes first, how many may be away, and what it waits for."""
