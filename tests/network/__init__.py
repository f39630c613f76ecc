"""Real nodes over loopback: every trap of the libraries below, each with its own test."""
