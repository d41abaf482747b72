"""The two shores: watching and reading on one side, applying on the other, and the walk between them."""
